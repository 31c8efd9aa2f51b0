// Rotation, concurrency and failing servers: what must hold around share -> deliver -> encrypt.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CryptoEngine, Encrypted, IdentityState, Recipient, Rotation } from '../engine.ts';
import { alice, bob, flowOf, room, TestWorld, wide } from '../test-world.ts';
import { sessionMessagesMax } from './sharing.ts';

let world: TestWorld;
let a1: CryptoEngine;
let b1: CryptoEngine;
let everyone: Recipient[];

beforeEach(async () => {
  world = new TestWorld();
  a1 = await world.device(alice, '1', { first: true });
  b1 = await world.device(bob, '1', { first: true });
  everyone = world.server.recipients(alice, bob);
});
afterEach(() => world.close());

// In a room whose chain names somebody's new identity the engine is told of it at each message: each message then had all receivers judged anew.
test('an identity that is approved once more leaves a session shared as it is', async () => {
  const { masterKey } = (await a1.identity(bob)) as IdentityState;
  const first = await send(wide);
  const shares = vi.spyOn(wasm.OlmMachine.prototype, 'shareRoomKey');
  expect(await a1.approveIdentity(bob, masterKey)).toBe(true);
  expect((await send(wide)).sessionId).toBe(first.sessionId);
  expect(shares).not.toHaveBeenCalled();
  shares.mockRestore();
});

describe('a session ends', () => {
  test('after as many messages as it may have, not one earlier or later', async () => {
    const sent = await sendMany(7, { messages: 3, ageMs: 1e9 });
    expect(sent.map(({ index }) => index)).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(new Set(sent.map(({ sessionId }) => sessionId)).size).toBe(3);
  });

  test('when it is as old as it may be', async () => {
    const rotation = { messages: 100, ageMs: 1000 };
    const first = await send(rotation);
    world.nowMs += 999;
    const second = await send(rotation);
    world.nowMs += 1;
    const third = await send(rotation);
    expect(second.sessionId).toBe(first.sessionId);
    expect(third.sessionId).not.toBe(first.sessionId);
  });

  test('when the caller says so', async () => {
    const first = await send(wide);
    await a1.rotate(room);
    expect((await send(wide)).sessionId).not.toBe(first.sessionId);
  });

  test('at once when its bounds become narrower', async () => {
    await sendMany(5, wide);
    expect(await send({ messages: 5, ageMs: 1e9 })).toMatchObject({ index: 0 });
  });

  test('not when somebody joins, who then reads from there on', async () => {
    const before = await a1.encrypt({
      room,
      recipients: world.server.recipients(alice),
      plaintext: utf8('x'),
      rotation: wide,
    });
    const after = await send(wide);
    expect(after.sessionId).toBe(before.sessionId);
    await world.settle();
    expect(await decrypt(before)).toMatchObject({ cause: 'UNKNOWN_INDEX' });
    expect(await decrypt(after)).toMatchObject({ ok: true });
  });

  test('bounds outside of what is possible are refused', async () => {
    for (const messages of [0, sessionMessagesMax + 1, Number.NaN]) {
      await expect(send({ messages, ageMs: 1000 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    }
    await expect(send({ messages: 1, ageMs: 0 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(await send({ messages: 1, ageMs: 1 })).toMatchObject({ index: 0 });
  });
});

describe('many at once', () => {
  test('thousands under a small bound never meet the panic, use each step once, and can all be read', async () => {
    const count = 2000;
    const sent = await Promise.all(Array.from({ length: count }, () => send({ messages: 7, ageMs: 1e9 })));
    const steps = new Set(sent.map(({ sessionId, index }) => `${sessionId} ${index}`));
    expect(steps.size).toBe(count);
    expect(Math.max(...sent.map(({ index }) => index))).toBe(6);
    await world.settle();
    for (const one of sent) expect((await decrypt(one, `${one.sessionId} ${one.index}`)).ok).toBe(true);
  }, 600_000);

  test('the library is used up to its own bound and no further', async () => {
    const rotation = { messages: sessionMessagesMax, ageMs: 1e12 };
    const sent = await sendMany(sessionMessagesMax + 2, rotation);
    expect(sent.at(-3)?.index).toBe(sessionMessagesMax - 1);
    expect(sent.at(-2)?.index).toBe(0);
  }, 600_000);

  test('in many rooms, with inboxes and flushes in between', async () => {
    const rooms = Array.from({ length: 20 }, (_, at) => `!room${at}:lux`);
    const rotation = { messages: 3, ageMs: 1e9 };
    const work = rooms.flatMap((room) =>
      [0, 1, 2, 3].map(() => a1.encrypt({ room, recipients: everyone, plaintext: utf8('x'), rotation })),
    );
    const noise = rooms.flatMap(() => [world.receive(a1), a1.flush(), a1.refresh([bob])]);
    const sent = await Promise.all(work);
    await Promise.all(noise);
    expect(new Set(sent.map(({ sessionId, index }) => `${sessionId} ${index}`)).size).toBe(work.length);
  });

  test('claim each one-time key once, whoever asks', async () => {
    const others = await Promise.all(
      ['2', '3', '4'].map((device) => world.device(`@user${device}:lux`, device, { first: true })),
    );
    for (const engine of [a1, ...others]) await engine.track([bob]);
    const recipients = world.server.recipients(bob);
    const engines = [a1, ...others];
    await Promise.all(
      engines.flatMap((engine) =>
        ['!x:lux', '!y:lux'].map((room) => engine.encrypt({ room, recipients, plaintext: utf8('x'), rotation: wide })),
      ),
    );
    const claimed = world.server.claimed.filter((key) => key.startsWith(bob));
    expect(new Set(claimed).size).toBe(claimed.length);
    expect(claimed).toHaveLength(engines.length);
  });
});

test('a device whose one-time keys are used up is reached by its fallback key', async () => {
  await b1.receive({ messages: [], unusedFallback: [] });
  await b1.flush();
  const entry = world.server.users.get(bob)?.devices.get('1');
  entry?.oneTimeKeys.splice(0);
  const sent = await send(wide);
  expect(sent.excluded).toEqual([]);
  await world.receive(b1);
  expect(await decrypt(sent)).toMatchObject({ ok: true });
});

test('a device without any one-time key is named, and gets the room key once it has brought new ones', async () => {
  world.server.users.get(bob)?.devices.get('1')?.oneTimeKeys.splice(0);
  const before = await send(wide);
  expect(before.excluded).toEqual([{ user: bob, device: '1', reason: 'NO_SESSION' }]);
  await world.receive(b1);
  expect(await decrypt(before)).toMatchObject({ cause: 'NO_KEY' });
  await b1.flush();
  world.nowMs += 29_999;
  expect(await send(wide)).toMatchObject({ excluded: before.excluded });
  // The library waits on its own, too, by the process's clock.
  const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
  world.nowMs += 60_000;
  const after = await send(wide);
  later.mockRestore();
  expect(after).toMatchObject({ excluded: [], sessionId: before.sessionId });
  await world.receive(b1);
  expect(await decrypt(after)).toMatchObject({ ok: true });
});

describe('a server that fails', () => {
  test('to deliver keys fails the encryption; the next one brings the same keys and reads', async () => {
    failOnce('sendDeviceMessages');
    await expect(send(wide)).rejects.toThrow('sendDeviceMessages fails');
    const sent = await send(wide);
    expect(sent.index).toBe(0);
    await world.receive(b1);
    expect(await decrypt(sent)).toMatchObject({ ok: true });
  });

  test('to deliver to others than before spoils nothing for those from before', async () => {
    await send(wide);
    await world.device('@carol:lux', '1', { first: true });
    await a1.track(['@carol:lux']);
    const fewer = world.server.recipients(alice, '@carol:lux');
    failOnce('sendDeviceMessages');
    await expect(a1.encrypt({ room, recipients: fewer, plaintext: utf8('x'), rotation: wide })).rejects.toThrow(
      'fails',
    );
    const sent = await send(wide);
    await world.receive(b1);
    expect(await decrypt(sent)).toMatchObject({ ok: true });
  });

  test('to answer a claim fails the encryption; the next one succeeds', async () => {
    failOnce('claimKeys');
    await expect(send(wide)).rejects.toThrow('claimKeys fails');
    const sent = await send(wide);
    await world.receive(b1);
    expect(await decrypt(sent)).toMatchObject({ ok: true });
  });

  test('to answer a query of keys does not hold up those whose keys are known', async () => {
    await a1.receive({ messages: [], changedUsers: [bob] });
    failOnce('queryKeys');
    const sent = await send(wide);
    await world.receive(b1);
    expect(await decrypt(sent)).toMatchObject({ ok: true });
  });

  test('loses no request: a flush reports it, and the next one makes it again', async () => {
    await a1.receive({ messages: [], oneTimeKeys: 0, changedUsers: [bob] });
    world.server.before = (call) => {
      throw new Error(`${call} fails`);
    };
    expect(await a1.flush()).toMatchObject({ sent: 0, failed: 2 });
    world.server.before = () => {};
    const uploads = world.server.calls.uploadKeys ?? 0;
    expect(await a1.flush()).toMatchObject({ sent: 2, failed: 0 });
    expect(world.server.calls.uploadKeys).toBe(uploads + 1);
  });

  test('while a verification goes on delays it, no more', async () => {
    const b2 = await world.device(bob, '2');
    const failed = new Set<unknown>();
    world.server.before = (call, messages) => {
      const name = call + JSON.stringify(messages);
      if (call !== 'sendDeviceMessages' || failed.has(name)) return;
      failed.add(name);
      throw new Error('busy');
    };
    const { flowId } = await b2.requestVerification('1');
    await settleStubbornly();
    await b1.acceptVerification(flowId);
    await settleStubbornly();
    await b1.confirmVerification(flowId);
    await b2.confirmVerification(flowId);
    await settleStubbornly();
    expect(flowOf(b2, flowId)?.state).toEqual({ phase: 'done' });
    expect(failed.size).toBeGreaterThan(5);
  });

  test('before the identity is complete is no harm: creating it again completes the same', async () => {
    const c1 = await world.device('@carol:lux', '1');
    for (const call of ['uploadCrossSigning', 'uploadSignatures'] as const) {
      failOnce(call);
      await expect(c1.createIdentity()).rejects.toThrow(`${call} fails`);
    }
    await c1.createIdentity();
    await c1.createIdentity();
    expect(await c1.confirmed()).toBe(true);
  });
});

test('a closed engine waits for what is under way and refuses what comes after', async () => {
  const last = send(wide);
  await a1.close();
  expect((await last).index).toBe(0);
  await expect(send(wide)).rejects.toMatchObject({ code: 'CLOSED' });
  await a1.close();
});

async function settleStubbornly(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await world.settle();
}

function failOnce(failing: string): void {
  world.server.before = (call) => {
    if (call !== failing) return;
    world.server.before = () => {};
    throw new Error(`${call} fails`);
  };
}

async function sendMany(count: number, rotation: Rotation): Promise<Encrypted[]> {
  const sent: Encrypted[] = [];
  while (sent.length < count) sent.push(await send(rotation));
  return sent;
}

function send(rotation: Rotation): Promise<Encrypted> {
  return a1.encrypt({ room, recipients: everyone, plaintext: utf8('hello'), rotation });
}

function decrypt({ body }: Encrypted, eventId = 'event') {
  return b1.decrypt({ room, sender: alice, eventId, body });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
