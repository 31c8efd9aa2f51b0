// A session and what its user wants to hear nothing of; and the shape of what is reported.
import { describe, expect, it } from 'vitest';
import { roomAddress } from '#actors/kernel/address.ts';
import type { RequestBody } from '#actors/kernel/messages.ts';
import { RoomEntry } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { otherRoom, rejection, room, Stage } from './stage.ts';

const hides = (...hidden: string[]) => ({ kind: 'consent', hidden, inviteFromMs: 0 }) as const;
const subscribe = (...rooms: string[]): RequestBody => ({ $case: 'subscribe', value: { rooms } });
const entry = { ...RoomEntry.decode(new Uint8Array()), room };
const fetch: RequestBody = {
  $case: 'fetchRecords',
  value: { room, fromSeq: 0, throughSeq: 0, limit: 0, newestFirst: false },
};

describe('a room that is hidden', () => {
  it('is refused to who subscribes, as one that is not there, and no actor is asked', () => {
    const stage = new Stage().live();
    stage.tell(hides(room));
    const answer = { $case: 'subscribed', value: { rooms: [], refused: [room], deferred: [] } };
    expect(stage.send(2, subscribe(room))).toEqual([{ kind: 'pushed', request: 2, body: answer }]);
    const sent = stage.send(3, subscribe(room, otherRoom)).filter(({ kind }) => kind === 'send');
    expect(sent).toMatchObject([{ to: roomAddress(otherRoom) }]);
    expect(stage.tell({ kind: 'subscribedPart', token: 2, room: otherRoom, entry: null })).toMatchObject([
      { kind: 'cancelTimer' },
      { kind: 'pushed', request: 3, body: { value: { rooms: [], refused: [room, otherRoom] } } },
    ]);
  });

  it('is left where it was hidden after it was asked for', () => {
    const stage = new Stage().live();
    stage.send(2, subscribe(room));
    stage.tell(hides(room));
    expect(stage.tell({ kind: 'subscribedPart', token: 1, room, entry })).toMatchObject([
      { kind: 'part', audience: { room } },
      { kind: 'cancelTimer' },
      { kind: 'pushed', body: { value: { rooms: [], refused: [room] } } },
    ]);
  });

  it('is neither read nor told of, until it is hidden no more', () => {
    const stage = new Stage().live();
    stage.tell(hides(room));
    expect(stage.send(2, fetch)).toEqual([rejection(2, Rejection.REJECTION_NOT_FOUND)]);
    expect(stage.send(3, { $case: 'putReceipt', value: { room, write: new Uint8Array(1) } })).toEqual([
      rejection(3, Rejection.REJECTION_NOT_FOUND),
    ]);
    expect(stage.send(0, { $case: 'sendEphemeral', value: { room, kind: 1 } })).toEqual([]);
    stage.tell(hides());
    expect(stage.send(4, fetch)).toMatchObject([{ kind: 'send', to: roomAddress(room) }]);
  });
});

it('a user who has invited enough may not invite before the time, as their rooms hear', () => {
  const stage = new Stage().live();
  const mayInvite = (request: number) => {
    const [sent] = stage.send(request, fetch);
    if (sent?.kind !== 'send' || !('from' in sent.message)) throw new Error('nothing was sent');
    return sent.message.from.mayInvite;
  };
  expect(mayInvite(2)).toBe(true);
  stage.tell({ kind: 'consent', hidden: [], inviteFromMs: stage.now + 1 });
  expect(mayInvite(3)).toBe(false);
  stage.now += 1;
  expect(mayInvite(4)).toBe(true);
});

describe('a report', () => {
  const report = (parts: object) =>
    ({
      $case: 'report',
      value: { room, seq: 1, frankingKey: new Uint8Array(32), inner: new Uint8Array(1), reason: '', ...parts },
    }) as RequestBody;
  const { REJECTION_BAD_REQUEST: bad, REJECTION_TOO_LARGE: large } = Rejection;

  it('has a shape: 32 bytes of key, a message that a body can hold, a reason of 1,000 characters', () => {
    const stage = new Stage().live();
    let request = 1;
    const outcome = (parts: object) => {
      const [effect] = stage.send(++request, report(parts));
      if (effect?.kind === 'serve') return null;
      return effect?.kind === 'pushed' && effect.body?.$case === 'rejected' ? effect.body.value.code : undefined;
    };
    expect(outcome({})).toBeNull();
    for (const parts of [{ room: 'x' }, { seq: 0 }, { frankingKey: new Uint8Array(31) }, { inner: new Uint8Array() }])
      expect(outcome(parts)).toBe(bad);
    expect(outcome({ reason: '🙂'.repeat(limits.reportReasonCharactersMax) })).toBeNull();
    expect(outcome({ reason: '🙂'.repeat(limits.reportReasonCharactersMax + 1) })).toBe(bad);
    expect(outcome({ inner: new Uint8Array(limits.reportBytesMax) })).toBeNull();
    expect(outcome({ inner: new Uint8Array(limits.reportBytesMax + 1) })).toBe(large);
  });
});
