// An engine in another thread does what one in this thread does, and says so in the same words.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClientError } from '../../errors.ts';
import { openThreadedEngine } from '../../node/threaded-engine.ts';
import type { CryptoEngine, CryptoServer, Encrypted, Recipient } from '../engine.ts';
import { MemoryLedger } from '../ledger.ts';
import { type EngineOptions, openEngine } from '../olm-engine.ts';
import { alice, bob, room, TestWorld, wide } from '../test-world.ts';
import { Calls, calledOn, type Port } from './calls.ts';
import { openEngineIn, openRemoteEngine } from './remote-engine.ts';
import { serveEngine } from './serve-engine.ts';

/** Two ends of a port; what goes over is copied, and comes in a turn of its own. */
function ports(): [Port, Port] {
  const ends: { listener: (message: unknown) => void }[] = [{ listener: () => {} }, { listener: () => {} }];
  const end = (own: number): Port => ({
    post: (message) => {
      const copy = structuredClone(message);
      queueMicrotask(() => ends[1 - own]?.listener(copy));
    },
    listen: (listener) => {
      ends[own] = { listener };
    },
  });
  return [end(0), end(1)];
}

let world: TestWorld;
let over: unknown[];
const remote = async (options: EngineOptions): Promise<CryptoEngine> => {
  const [here, there] = ports();
  serveEngine(there);
  const post = (message: unknown) => {
    over.push(message);
    here.post(message);
  };
  const watched = { ...here, post };
  return (await openRemoteEngine(watched, options, () => over.push('ended'))).engine;
};
/** An engine whose server never answers. */
const stuck = () => {
  const [here, there] = ports();
  serveEngine(there);
  const held = new Promise<never>(() => {});
  const server = { ...world.server.portOf(alice, '1'), queryKeys: () => held };
  const options = { user: alice, device: '1', server, ledger: new MemoryLedger() };
  return openRemoteEngine(here, options, () => over.push('ended'));
};
const bytes = new TextEncoder().encode('moien');
const send = (engine: CryptoEngine, recipients: readonly Recipient[]): Promise<Encrypted> =>
  engine.encrypt({ room, recipients, plaintext: bytes, rotation: wide });

beforeEach(() => {
  world = new TestWorld();
  over = [];
});
afterEach(() => world.close());

describe('an engine in another thread', () => {
  test('writes and reads, with server and ledger on this side', async () => {
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    const b1 = await world.device(bob, '1', { first: true });
    const everyone = world.server.recipients(alice, bob);
    const sent = await send(a1, everyone);
    await world.settle();
    expect(await b1.decrypt({ room, sender: alice, eventId: 'e', body: sent.body })).toMatchObject({ ok: true });
    const back = await send(b1, everyone);
    const came: unknown[] = [];
    a1.on('roomKeys', (keys) => came.push(...keys));
    await world.settle();
    expect(await a1.decrypt({ room, sender: bob, eventId: 'f', body: back.body })).toMatchObject({
      ...{ ok: true, plaintext: bytes },
    });
    expect(came).toEqual([{ room, sessionId: back.sessionId }]);
  });

  test('is told once who receives, and again when that changed', async () => {
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    await world.device(bob, '1', { first: true });
    const everyone = world.server.recipients(alice, bob);
    const first = await send(a1, everyone);
    const second = await send(a1, everyone);
    const alone = await send(a1, world.server.recipients(alice));
    const passed = over.flatMap((message) => {
      const { name, args } = message as { name?: string; args: [{ recipients: unknown }] };
      return name === 'encrypt' ? [args[0].recipients === 'as before'] : [];
    });
    expect(passed).toEqual([false, true, false]);
    expect([second.sessionId === first.sessionId, alone.sessionId === first.sessionId]).toEqual([true, false]);
  });

  test('rejects as it would here: with its own codes, and with those of the server', async () => {
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    await expect(a1.approveIdentity(bob, bytes)).rejects.toMatchObject({ code: 'UNKNOWN' });
    await expect(a1.startBackup(0, bytes)).rejects.toBeInstanceOf(ClientError);
    world.server.before = () => {
      throw new ClientError('REJECTED', 'no', { rejection: 3, retryAfterMs: 70 });
    };
    await expect(a1.refresh([bob])).rejects.toMatchObject({ code: 'REJECTED', rejection: 3, retryAfterMs: 70 });
    world.server.before = () => {
      throw new Error('a bug');
    };
    await expect(a1.refresh([bob])).rejects.toThrow('a bug');
  });

  test('tells a bug in a request that nobody waits for, and no lost connection', async () => {
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    const faults: Error[] = [];
    a1.on('fault', (error) => faults.push(error));
    for (const error of [new ClientError('OFFLINE', 'no'), new TypeError('x is not a function')]) {
      world.server.before = () => {
        throw error;
      };
      await a1.receive({ messages: [], changedUsers: [alice] });
      expect(await a1.flush()).toMatchObject({ failed: 1 });
    }
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('x is not a function')]);
  });

  test('confirms own devices, and knows each verification at once', async () => {
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    const a2 = await world.device(alice, '2', { open: remote });
    await world.verify(a1, a2);
    expect(a1.verifications()).toMatchObject([{ state: { phase: 'done' } }]);
    expect(await a2.confirmed()).toBe(true);
  });

  test('ends once, and rejects from then on', async () => {
    const server: CryptoServer = world.server.portOf(alice, '1');
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    await Promise.all([a1.close(), a1.close()]);
    expect(over.filter((message) => message === 'ended')).toHaveLength(1);
    await expect(a1.confirmed()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(server.queryKeys([alice])).resolves.toHaveLength(1);
  });

  test('that can not be opened says why', async () => {
    await expect(world.device('nobody', '1', { open: remote })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await expect(openEngine({ user: 'x' } as EngineOptions)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  // Else the client could not be closed, and its stores stayed locked.
  test('whose thread ends rejects what waits, and what comes, and can be closed', async () => {
    const { engine, lost } = await stuck();
    const waiting = engine.refresh([bob]);
    lost(new Error('gone'));
    await expect(waiting).rejects.toMatchObject({ code: 'STORE' });
    await expect(engine.confirmed()).rejects.toMatchObject({ code: 'STORE' });
    await engine.close();
    expect(over).toEqual(['ended']);
    await expect(engine.confirmed()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('whose thread ends while it is opened is not opened, and the thread is let go of', async () => {
    const gone = new Error('gone');
    const port: Port = { post: () => {}, listen: () => {} };
    const thread = { port, died: Promise.reject(gone), end: () => over.push('ended') };
    const options = { user: alice, device: '1', server: world.server.portOf(alice, '1'), ledger: new MemoryLedger() };
    await expect(openEngineIn(thread, options)).rejects.toBe(gone);
    expect(over).toEqual(['ended']);
  });

  test('whose thread ends while it closes is closed', async () => {
    const { engine, lost } = await stuck();
    void engine.refresh([bob]).catch(() => {});
    const closing = engine.close();
    lost(new Error('gone'));
    await closing;
    expect(over).toEqual(['ended']);
  });
});

describe('the other side', () => {
  const encrypts = (recipients: unknown) => ({ room, recipients, plaintext: bytes, rotation: wide });

  /** Calls of a side that was never told anything. */
  async function bare(): Promise<Calls> {
    const [here, there] = ports();
    serveEngine(there);
    const server = world.server.portOf(alice, '1');
    const calls = new Calls(here, (name, args) => calledOn(server, name.replace('server.', ''), args));
    await calls.call('open', { user: alice, device: '1' });
    return calls;
  }

  test('does not take nobody for the receivers of before', async () => {
    const calls = await bare();
    await expect(calls.call('encrypt', encrypts('as before'))).rejects.toThrow('nobody was named');
    await calls.call('close');
  });

  test('does not answer what it does not know', async () => {
    const calls = await bare();
    await expect(calls.call('encode')).rejects.toThrow('nothing to call as encode');
    await calls.call('close');
  });

  test('is told the receivers again where they may not have reached it', async () => {
    const a1 = await world.device(alice, '1', { first: true, open: remote });
    const everyone = world.server.recipients(alice);
    const hollow = { room, recipients: everyone, plaintext: bytes, rotation: wide };
    await expect(a1.encrypt({ ...hollow, audience: Symbol('can not be copied') as never })).rejects.toThrow();
    expect(await send(a1, everyone)).toMatchObject({ index: 0 });
  });
});

test('a thread of Node holds an engine, and ends with it', async () => {
  const open = ({ store: _, ...options }: EngineOptions) => openThreadedEngine(options, undefined);
  const a1 = await world.device(alice, '1', { first: true, open });
  const sent = await send(a1, world.server.recipients(alice));
  expect(await a1.decrypt({ room, sender: alice, eventId: 'e', body: sent.body })).toMatchObject({ ok: true });
  await expect(openThreadedEngine({ ...a1, user: 'nobody' } as never, undefined)).rejects.toThrow();
});
