import { describe, expect, it } from 'vitest';
import { userAddress } from '#actors/kernel/address.ts';
import type { AnswerBody, RequestBody } from '#actors/kernel/messages.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { DeviceBuckets } from './bucket.ts';
import { defaultRates } from './limits.ts';
import { ann, bytesOf, hello, listDevices, manifest, rejection, room, Stage, submit, welcome } from './stage.ts';

const ends = (code: Disconnect, retryAfterMs = 0) => [{ kind: 'disconnect', session: 7, code, retryAfterMs }];
const identity = { user: ann, device: 2, deviceId: 'AB', deviceName: 'phone' };
const helloWith = (change: object): RequestBody => ({ ...hello, value: { ...hello.value, ...change } }) as RequestBody;
const typing = (kind: number): RequestBody => ({ $case: 'sendEphemeral', value: { room, kind: kind as 1 } });

describe('a session', () => {
  it('goes from the socket to live by exactly these steps', () => {
    const stage = new Stage();
    expect(stage.tell({ kind: 'opened' })).toEqual([{ kind: 'startTimer', name: 'hello', delayMs: 10_000 }]);
    expect(stage.send(5, hello)).toEqual([{ kind: 'checkToken', session: 7, token: 'secret' }]);
    expect(stage.tell({ kind: 'tokenChecked', identity })).toEqual([
      {
        kind: 'send',
        to: userAddress(ann),
        message: { kind: 'hello', session: 7, device: 2, deviceId: 'AB', deviceName: 'phone' },
      },
    ]);
    expect(
      stage.tell({
        kind: 'welcomed',
        body: welcome,
        mayWrite: true,
        manifest,
        mayEnter: true,
        consent: { hidden: [], inviteFromMs: 0 },
      }),
    ).toEqual([
      { kind: 'cancelTimer', name: 'hello' },
      { kind: 'pushed', request: 5, body: welcome },
    ]);
    expect(stage.send(6, listDevices)).toEqual([
      {
        kind: 'send',
        to: userAddress(ann),
        message: {
          kind: 'request',
          from: { session: 7, request: 6, user: ann, device: 2, mayEnter: true, mayInvite: true },
          body: listDevices,
        },
        bytes: bytesOf(6, listDevices).length + 128,
      },
    ]);
    expect(stage.tell({ kind: 'answer', request: 6, body: welcome })).toEqual([
      { kind: 'pushed', request: 6, body: welcome },
    ]);
    expect(stage.tell({ kind: 'closed' })).toEqual([{ kind: 'stop' }]);
  });

  it('leaves a quiet device out of presence and typing, once it is known', () => {
    const stage = new Stage();
    expect(stage.send(1, helloWith({ quiet: true }))).toHaveLength(1);
    expect(stage.tell({ kind: 'tokenChecked', identity })[1]).toEqual({ kind: 'quiet', session: 7 });
  });

  it('ends when something other than hello comes first', () => {
    for (const body of [listDevices, submit, undefined]) {
      expect(new Stage().send(1, body)).toEqual(ends(Disconnect.DISCONNECT_OUT_OF_STATE));
    }
    expect(new Stage().send(0, typing(1))).toEqual(ends(Disconnect.DISCONNECT_OUT_OF_STATE));
  });

  it('ends when hello comes twice, in any state', () => {
    const checking = new Stage();
    checking.send(1, hello);
    expect(checking.send(2, hello)).toEqual(ends(Disconnect.DISCONNECT_OUT_OF_STATE));
    expect(new Stage().live().send(2, hello)).toEqual(ends(Disconnect.DISCONNECT_OUT_OF_STATE));
    expect(new Stage().live().send(0, hello)).toEqual(ends(Disconnect.DISCONNECT_OUT_OF_STATE));
  });

  it('ends when the welcome takes longer than the time for it, and not when it came', () => {
    const late = new Stage();
    late.tell({ kind: 'opened' });
    late.send(1, hello);
    expect(late.tell({ kind: 'timer', name: 'hello' })).toEqual(ends(Disconnect.DISCONNECT_HELLO_TIMEOUT, 1000));
    expect(new Stage().live().tell({ kind: 'timer', name: 'hello' })).toEqual([]);
  });

  it('ends on a hello it does not understand', () => {
    expect(new Stage().send(0, hello)).toEqual(ends(Disconnect.DISCONNECT_MALFORMED_FRAME));
    expect(new Stage().send(1, helloWith({ version: 2 }))).toEqual(ends(Disconnect.DISCONNECT_UNSUPPORTED_VERSION));
  });

  it('bounds what a hello says', () => {
    const first = (change: object) => new Stage().send(1, helloWith(change))[0]?.kind;
    expect(first({ client: 'x'.repeat(64) })).toBe('checkToken');
    expect(new Stage().send(1, helloWith({ client: 'x'.repeat(65) }))).toEqual(
      ends(Disconnect.DISCONNECT_MALFORMED_FRAME),
    );
    expect(first({ accessToken: 'x'.repeat(256) })).toBe('checkToken');
    for (const accessToken of ['', 'x'.repeat(257)]) {
      expect(new Stage().send(1, helloWith({ accessToken }))).toEqual(ends(Disconnect.DISCONNECT_TOKEN_EXPIRED));
    }
  });

  it('ends when the token is not good', () => {
    const stage = new Stage();
    stage.send(1, hello);
    expect(stage.tell({ kind: 'tokenChecked', identity: null })).toEqual(ends(Disconnect.DISCONNECT_TOKEN_EXPIRED));
  });

  it('answers NOT_LOGGED_IN between hello and welcome, and asks nobody', () => {
    const stage = new Stage();
    stage.send(1, hello);
    expect(stage.send(2, submit)).toEqual([rejection(2, Rejection.REJECTION_NOT_LOGGED_IN)]);
    stage.tell({ kind: 'tokenChecked', identity });
    expect(stage.send(2, submit)).toEqual([rejection(2, Rejection.REJECTION_NOT_LOGGED_IN)]);
  });

  it('ignores answers about a login that it does not wait for', () => {
    const stage = new Stage().live();
    expect(stage.tell({ kind: 'tokenChecked', identity: null })).toEqual([]);
    expect(
      stage.tell({
        kind: 'welcomed',
        body: welcome,
        mayWrite: false,
        manifest,
        mayEnter: true,
        consent: { hidden: [], inviteFromMs: 0 },
      }),
    ).toEqual([]);
    expect(stage.send(3, submit)[0]?.kind).toBe('send');
  });

  it('ends on bytes that are no frame, and looks at nothing after them', () => {
    const stage = new Stage().live();
    const frames = [bytesOf(2, listDevices), new Uint8Array([0x12, 0x7f]), bytesOf(3, listDevices)];
    const effects = stage.tell({ kind: 'frames', frames });
    expect(effects.map(({ kind }) => kind)).toEqual(['send', 'disconnect']);
    expect(effects[1]).toEqual(ends(Disconnect.DISCONNECT_MALFORMED_FRAME)[0]);
    expect(stage.send(4, listDevices)).toEqual([]);
    expect(stage.tell({ kind: 'closed' })).toEqual([{ kind: 'stop' }]);
  });

  it('survives every cut of a frame: answered, forwarded or ended, never thrown', () => {
    const whole = bytesOf(2, submit);
    for (let length = 0; length <= whole.length; length++) {
      const effects = new Stage().live().tell({ kind: 'frames', frames: [whole.slice(0, length)] });
      expect(['send', 'pushed', 'disconnect', undefined]).toContain(effects[0]?.kind);
    }
  });

  it('answers UNSUPPORTED to a request that it does not know', () => {
    expect(new Stage().live().send(2, undefined)).toEqual([rejection(2, Rejection.REJECTION_UNSUPPORTED)]);
    // Field 500 of a newer protocol, empty.
    const frames = [new Uint8Array([8, 9, 0xa2, 0x1f, 0])];
    expect(new Stage().live().tell({ kind: 'frames', frames })).toEqual([
      rejection(9, Rejection.REJECTION_UNSUPPORTED),
    ]);
  });

  it('takes no number for ephemeral events, and one for everything else', () => {
    const stage = new Stage().live();
    expect(stage.send(0, typing(1))).toMatchObject([
      { kind: 'send', message: { kind: 'ephemeral', ephemeral: 1, from: { request: 0 } } },
    ]);
    expect(stage.send(3, typing(1))).toEqual([rejection(3, Rejection.REJECTION_BAD_REQUEST)]);
    expect(stage.send(0, undefined)).toEqual([]);
    expect(stage.send(0, typing(0))).toEqual([]);
    expect(stage.send(0, typing(99))).toEqual([]);
    expect(stage.send(0, listDevices)).toEqual(ends(Disconnect.DISCONNECT_MALFORMED_FRAME));
  });

  it('counts an answer that nobody waits for, and pushes nothing', () => {
    const stage = new Stage().live();
    stage.send(2, listDevices);
    stage.tell({ kind: 'answer', request: 2, body: welcome });
    expect(stage.tell({ kind: 'answer', request: 2, body: welcome })).toEqual([
      { kind: 'count', counter: 'session.answerUnasked', by: 1 },
    ]);
  });

  it('turns an answer that is longer than a frame into TOO_LARGE', () => {
    const page = (bytes: number): AnswerBody => {
      const none = new Uint8Array(0);
      const manifest = { signed: new Uint8Array(bytes), signature: none, credential: undefined, backupSignature: none };
      return { $case: 'deviceList', value: { devices: [], manifest } };
    };
    const stage = new Stage({ limits: { answerBytesMax: 100 } }).live();
    stage.send(2, listDevices);
    stage.send(3, listDevices);
    expect(stage.tell({ kind: 'answer', request: 2, body: page(92) })).toMatchObject([
      { body: { $case: 'deviceList' } },
    ]);
    expect(stage.tell({ kind: 'answer', request: 3, body: page(93) })).toEqual([
      rejection(3, Rejection.REJECTION_TOO_LARGE),
    ]);
  });
});

describe('writing', () => {
  it('is refused to a device outside the manifest, until it is told otherwise', () => {
    const stage = new Stage().live(false);
    const stale = (request: number, newest: typeof manifest) => {
      const value = { code: Rejection.REJECTION_STALE_MANIFEST, retryAfterMs: 0, control: undefined, manifest: newest };
      return { kind: 'pushed', request, body: { $case: 'rejected', value } };
    };
    expect(stage.send(2, submit)).toEqual([stale(2, manifest)]);
    const next = { version: 4, hash: new Uint8Array([4]) };
    stage.tell({ kind: 'mayWrite', mayWrite: true, manifest: next });
    expect(stage.send(2, submit)[0]?.kind).toBe('send');
    stage.tell({ kind: 'mayWrite', mayWrite: false, manifest: next });
    expect(stage.send(3, submit)).toEqual([stale(3, next)]);
  });

  it('says whether the user may be in one more room, as it was told last', () => {
    const stage = new Stage().live();
    stage.tell({ kind: 'mayEnter', mayEnter: false });
    expect(stage.send(2, submit)).toMatchObject([{ message: { from: { mayEnter: false } } }]);
    stage.tell({ kind: 'mayEnter', mayEnter: true });
    expect(stage.send(3, submit)).toMatchObject([{ message: { from: { mayEnter: true } } }]);
  });

  it('names the proven sender', () => {
    expect(new Stage().live().send(2, submit)).toMatchObject([
      { message: { kind: 'submit', from: { session: 7, request: 2, user: ann, device: 2, mayEnter: true } } },
    ]);
  });

  it('passes 60 at once, then one a second, also over a reconnect', () => {
    const buckets = new DeviceBuckets(() => defaultRates);
    const stage = new Stage({ buckets }).live();
    for (let request = 1; request <= 60; request++) {
      expect(stage.send(request, submit)[0]?.kind).toBe('send');
      stage.tell({ kind: 'answer', request, body: welcome });
    }
    expect(stage.send(61, submit)).toEqual([rejection(61, Rejection.REJECTION_RATE_LIMITED, 1000)]);
    const again = new Stage({ buckets }).live();
    again.now += 999;
    expect(again.send(1, submit)).toEqual([rejection(1, Rejection.REJECTION_RATE_LIMITED, 1)]);
    again.now += 1;
    expect(again.send(1, submit)[0]?.kind).toBe('send');
    expect(again.send(2, submit)).toEqual([rejection(2, Rejection.REJECTION_RATE_LIMITED, 1000)]);
  });
});

describe('the window', () => {
  it('lets 64 requests wait and not one more', () => {
    const stage = new Stage().live();
    for (let request = 1; request <= 64; request++) expect(stage.send(request, listDevices)[0]?.kind).toBe('send');
    expect(stage.send(65, listDevices)).toEqual([rejection(65, Rejection.REJECTION_LIMIT_REACHED)]);
    stage.tell({ kind: 'answer', request: 30, body: welcome });
    expect(stage.send(65, listDevices)[0]?.kind).toBe('send');
  });

  it('refuses a number that waits, and takes it again once answered', () => {
    const stage = new Stage().live();
    stage.send(4_294_967_295, listDevices);
    expect(stage.send(4_294_967_295, listDevices)).toEqual([rejection(4_294_967_295, Rejection.REJECTION_BAD_REQUEST)]);
    stage.tell({ kind: 'answer', request: 4_294_967_295, body: welcome });
    expect(stage.send(4_294_967_295, listDevices)[0]?.kind).toBe('send');
  });
});

describe('flooding', () => {
  it('ends the session at the 201st frame turned down within ten seconds', () => {
    const stage = new Stage({ rates: { submit: { burst: 1, perSecond: 0.001 } } }).live();
    stage.send(1, submit);
    const frames = Array.from({ length: 200 }, (_, n) => bytesOf(n + 2, submit));
    expect(stage.tell({ kind: 'frames', frames }).every(({ kind }) => kind === 'pushed')).toBe(true);
    stage.now += 9_999;
    const last = stage.send(300, submit);
    expect(last.map(({ kind }) => kind)).toEqual(['pushed', 'disconnect']);
    expect(last[1]).toEqual(ends(Disconnect.DISCONNECT_FLOODING, 60_000)[0]);
  });

  it('counts anew after ten seconds', () => {
    const stage = new Stage().live(false);
    for (let n = 0; n < 3; n++) {
      const frames = Array.from({ length: 200 }, (_, at) => bytesOf(at + 1, submit));
      expect(stage.tell({ kind: 'frames', frames })).toHaveLength(200);
      stage.now += 10_000;
    }
  });

  it('counts typing that was dropped', () => {
    const stage = new Stage().live();
    const kinds = Array.from({ length: 231 }, () => stage.send(0, typing(1))[0]?.kind);
    expect(kinds.filter((kind) => kind === 'send')).toHaveLength(30);
    expect(kinds.at(-2)).toBeUndefined();
    expect(kinds.at(-1)).toBe('disconnect');
  });

  it('counts before the login too', () => {
    const stage = new Stage();
    stage.send(1, hello);
    for (let n = 0; n < 200; n++) expect(stage.send(2, listDevices)).toHaveLength(1);
    expect(stage.send(2, listDevices)[1]).toEqual(ends(Disconnect.DISCONNECT_FLOODING, 60_000)[0]);
  });
});
