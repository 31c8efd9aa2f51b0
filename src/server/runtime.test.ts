import { describe, expect, it } from 'vitest';
import { userAddress } from '#actors/kernel/address.ts';
import type { UserMessage } from '#actors/kernel/messages.ts';
import { DeviceBuckets } from '#actors/session/bucket.ts';
import { defaultRates, defaultSessionLimits } from '#actors/session/limits.ts';
import { Session } from '#actors/session/session.ts';
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { Runtime, type RuntimeOptions } from './runtime.ts';
import type { Socket } from './sockets.ts';

class Heard implements Socket {
  readonly id = 1;
  readonly frames: ServerFrame[] = [];
  readonly #closed = Promise.withResolvers<readonly [number, string]>();
  readonly closed = this.#closed.promise;
  readonly #answered = Promise.withResolvers<ServerFrame>();
  readonly answered = this.#answered.promise;
  send(frame: Uint8Array): void {
    this.frames.push(ServerFrame.decode(frame));
    this.#answered.resolve(ServerFrame.decode(frame));
  }
  subscribe(): void {}
  unsubscribe(): void {}
  close(code: number, reason: string): void {
    this.#closed.resolve([code, reason]);
  }
}

function runtimeWith(checkToken: () => Promise<null>, more: Partial<RuntimeOptions> = {}): Runtime {
  const shared = { buckets: new DeviceBuckets(() => defaultRates), limits: defaultSessionLimits };
  const none = () => {
    throw new Error('no such actor here');
  };
  return new Runtime({
    create: { session: (session) => new Session(session, shared), user: none, room: none },
    publish: () => {},
    checkToken,
    revokeDevice: async () => {},
    logs: () => ({ command: () => {}, forget: () => {}, peek: async () => null }),
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    ...more,
  });
}

/** Says hello; how the connection ends. */
async function hello(checkToken: () => Promise<null>): Promise<readonly [number, string]> {
  const runtime = runtimeWith(checkToken);
  const socket = new Heard();
  runtime.sockets.opened(socket);
  const body = { $case: 'hello', value: { version: 1, accessToken: 'token', client: 'test', quiet: false } } as const;
  runtime.sockets.received(socket, [ClientFrame.encode({ request: 1, body }).finish()], 50);
  const ended = await socket.closed;
  runtime.sockets.closed(socket);
  return ended;
}

describe('a token that is checked', () => {
  it('ends the session for good where nobody knows it', async () => {
    expect(await hello(async () => null)).toEqual([Disconnect.DISCONNECT_TOKEN_EXPIRED, '']);
  });

  // A device took that for the end of its login, although the store was only away for a moment.
  it('sends the device away for a while where the store does not answer', async () => {
    const [code, reason] = await hello(() => Promise.reject(new Error('no store')));
    expect(code).toBe(Disconnect.DISCONNECT_BUSY);
    expect(Number(reason.replace('retryAfter=', ''))).toBeGreaterThanOrEqual(1_000);
  });
});

describe('what devices post', () => {
  it('is counted by the answer that they get', async () => {
    const runtime = runtimeWith(() => new Promise(() => {}));
    const socket = new Heard();
    runtime.sockets.opened(socket);
    const hello = { version: 1, accessToken: 'token', client: 'test', quiet: false };
    const post = { room: '', event: undefined, partner: '' };
    const frames = [
      ClientFrame.encode({ request: 1, body: { $case: 'hello', value: hello } }).finish(),
      ClientFrame.encode({ request: 2, body: { $case: 'submit', value: post } }).finish(),
    ];
    runtime.sockets.received(socket, frames, 100);
    expect(runtime.sockets.posts.waiting).toBe(1);
    expect(await socket.answered).toMatchObject({ request: 2, body: { $case: 'rejected' } });
    await new Promise((resolve) => setImmediate(resolve));
    expect([runtime.sockets.posts.rejected, runtime.sockets.posts.waiting]).toEqual([1, 0]);
    runtime.sockets.received(socket, [frames[1] as Uint8Array], 50);
    runtime.sockets.closed(socket);
    expect(runtime.sockets.posts.waiting).toBe(0);
  });
});

describe('an account that is closed', () => {
  const user = '@ada:lux.example';
  const from = userAddress(user);

  /** A runtime whose user actors hear and say nothing; what they hear next. */
  function listening(more: Partial<RuntimeOptions>) {
    let heard = Promise.withResolvers<UserMessage>();
    const receive = (message: UserMessage) => {
      heard.resolve(message);
      return [];
    };
    const none = () => {
      throw new Error('no such actor here');
    };
    const create = { session: none, room: none, user: () => ({ receive, idle: () => false }) };
    const runtime = runtimeWith(() => new Promise(() => {}), { create, ...more });
    runtime.system.tell(from, { kind: 'invited' });
    const next = async () => {
      const message = await heard.promise;
      heard = Promise.withResolvers();
      return message;
    };
    return { runtime, next };
  }

  it('is let go of once at a time, and again where that failed', async () => {
    const calls: PromiseWithResolvers<void>[] = [];
    const failures: string[] = [];
    const { runtime, next } = listening({
      closeAccount: () => {
        const call = Promise.withResolvers<void>();
        calls.push(call);
        return call.promise;
      },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: (event) => void failures.push(event) },
    });
    await next();
    const ask = () => runtime.perform({ kind: 'closeAccount', user, purpose: 'erase' }, from, 1);
    ask();
    ask();
    expect(calls).toHaveLength(1);
    calls[0]?.reject(new Error('no store'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual(['account closing failed']);
    ask();
    calls[1]?.resolve();
    expect(await next()).toEqual({ kind: 'accountClosed' });
  });

  it('takes a grant that login knows; where login does not answer, nobody knows', async () => {
    const answers = [true, false];
    const checkGrant = async () => {
      const answer = answers.shift();
      if (answer === undefined) throw new Error('no store');
      return answer;
    };
    const { runtime, next } = listening({ checkGrant });
    await next();
    for (const [token, counts] of [true, false, null].entries()) {
      const grant = { token: 'lxg_', attempt: new Uint8Array(16) };
      const shown = { user, device: 1, purpose: 'erase', grant, content: new Uint8Array() } as const;
      runtime.perform({ kind: 'checkGrant', token, ...shown }, from, 1);
      expect(await next()).toEqual({ kind: 'grantChecked', token, counts });
    }
  });
});
