// Users and devices talk through the engine: who can read, who cannot, and which cause is named.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CryptoEngine, Encrypted, Recipient } from './engine.ts';
import { alice, bob, room, TestWorld, wide } from './test-world.ts';

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

describe('a message', () => {
  test('arrives as the bytes that were sent, with what is proven about its sender', async () => {
    const plaintext = Uint8Array.from({ length: 300 }, (_, at) => at % 256);
    const sent = await a1.encrypt({ room, recipients: everyone, plaintext, rotation: wide });
    await world.receive(b1);
    const read = await decrypt(b1, sent);
    expect(read).toMatchObject({ ok: true, sender: alice, device: '1', trust: 'crossSigned', index: 0 });
    expect(read.ok && read.plaintext).toEqual(plaintext);
  });

  test('is readable on the device that sent it', async () => {
    expect(await decrypt(a1, await send(a1))).toMatchObject({ ok: true, sender: alice });
  });

  test('goes both ways', async () => {
    const [there, back] = [await send(a1), await send(b1)];
    await world.settle();
    expect(await decrypt(b1, there)).toMatchObject({ ok: true });
    expect(await decrypt(a1, back, bob)).toMatchObject({ ok: true, sender: bob });
  });

  test('reveals nothing of its text to the server', async () => {
    const sent = await a1.encrypt({ room, recipients: everyone, plaintext: bytes('canary'), rotation: wide });
    const seen =
      JSON.stringify([...world.server.inboxes.values()].flat().map(({ bytes }) => text(bytes))) + text(sent.body);
    for (const form of ['canary', btoa('canary').replace(/=+$/, '')]) expect(seen).not.toContain(form);
  });
});

describe('what cannot be decrypted has a cause', () => {
  test('no key yet, then the key arrives and it decrypts', async () => {
    const sent = await send(a1);
    expect(await decrypt(b1, sent)).toMatchObject({ ok: false, cause: 'NO_KEY', sessionId: sent.sessionId });
    const { roomKeys } = await world.receive(b1);
    expect(roomKeys).toEqual([{ room, sessionId: sent.sessionId }]);
    expect(await decrypt(b1, sent)).toMatchObject({ ok: true });
  });

  test('a device of an identity not heard of yet, until its keys are fetched', async () => {
    const c1 = await world.device('@carol:lux', '1', { first: true, alone: true });
    await c1.track([alice]);
    const recipients = world.server.recipients(alice, '@carol:lux');
    const sent = await c1.encrypt({ room, recipients, plaintext: bytes('x'), rotation: wide });
    await world.receive(a1);
    expect(await decrypt(a1, sent, '@carol:lux')).toMatchObject({ cause: 'NOT_CROSS_SIGNED' });
    await a1.refresh(['@carol:lux']);
    expect(await decrypt(a1, sent, '@carol:lux')).toMatchObject({ ok: true });
  });

  test('another sender than the log names', async () => {
    const sent = await send(a1);
    await world.receive(b1);
    expect(await decrypt(b1, sent, bob)).toMatchObject({ cause: 'SENDER_MISMATCH' });
  });

  test('moved to another room', async () => {
    const { body } = await send(a1);
    await world.receive(b1);
    const moved = await b1.decrypt({ room: '!other:lux', sender: alice, eventId: 'e', body });
    expect(moved).toMatchObject({ ok: false, cause: 'NO_KEY' });
  });

  test('a replay under another event id, while the same event again is fine', async () => {
    const sent = await send(a1);
    await world.receive(b1);
    expect(await decrypt(b1, sent, alice, 'first')).toMatchObject({ ok: true });
    expect(await decrypt(b1, sent, alice, 'first')).toMatchObject({ ok: true });
    expect(await decrypt(b1, sent, alice, 'second')).toMatchObject({ cause: 'REPLAY', firstEventId: 'first' });
  });

  test('altered anywhere, without using up the step of the true one', async () => {
    const sent = await send(a1);
    await world.receive(b1);
    const content = JSON.parse(text(sent.body)) as { ciphertext: string };
    for (const at of [20, 60, content.ciphertext.length - 10]) {
      const letter = content.ciphertext[at] === 'A' ? 'B' : 'A';
      const ciphertext = content.ciphertext.slice(0, at) + letter + content.ciphertext.slice(at + 1);
      const body = bytes(JSON.stringify({ ...content, ciphertext }));
      const read = await b1.decrypt({ room, sender: alice, eventId: `altered ${at}`, body });
      expect(read).toMatchObject({ ok: false, cause: 'BAD_CIPHERTEXT' });
    }
    expect(await decrypt(b1, sent)).toMatchObject({ ok: true });
  });

  test('a body that is no encrypted one', async () => {
    for (const body of ['', '{}', '[]', '{"session_id":"x","ciphertext":"AwgA"}', '{"a":1}},{"b":2}', '\u0000']) {
      const read = await b1.decrypt({ room, sender: alice, eventId: 'e', body: bytes(body) });
      expect(read.ok ? '' : read.cause, body).toMatch(/BAD_CIPHERTEXT|NO_KEY/);
    }
  });

  test('a sender whose identity changed, until it is approved', async () => {
    await send(a1);
    await world.receive(b1);
    const fingerprint = (await b1.identity(alice))?.masterKey;
    world.server.users.delete(alice);
    const again = await world.device(alice, '9', { first: true });
    await b1.refresh([alice]);
    const identity = await b1.identity(alice);
    expect(identity).toMatchObject({ changed: true });
    expect(identity?.masterKey).not.toEqual(fingerprint);
    const sent = await again.encrypt({
      room,
      recipients: world.server.recipients(alice, bob),
      plaintext: bytes('x'),
      rotation: wide,
    });
    await world.receive(b1);
    expect(await decrypt(b1, sent)).toMatchObject({ cause: 'IDENTITY_CHANGED' });
    const reply = await b1.encrypt({
      room,
      recipients: world.server.recipients(alice, bob),
      plaintext: bytes('y'),
      rotation: wide,
    });
    expect(reply.excluded).toEqual([{ user: alice, device: '9', reason: 'IDENTITY_CHANGED' }]);
    // Only the one that was meant: what the person compared may not be what the server shows by now.
    expect(await b1.approveIdentity(alice, fingerprint!)).toBe(false);
    expect(await b1.identity(alice)).toMatchObject({ changed: true });
    expect(await b1.approveIdentity(alice, identity!.masterKey)).toBe(true);
    expect(await decrypt(b1, sent)).toMatchObject({ ok: true });
    const second = await b1.encrypt({
      room,
      recipients: world.server.recipients(alice, bob),
      plaintext: bytes('z'),
      rotation: wide,
    });
    expect(second.excluded).toEqual([]);
  });
});

describe('keys go only to', () => {
  test('devices their owner signed: another one gets the word that it gets none', async () => {
    const b2 = await world.device(bob, '2');
    const sent = await a1.encrypt({
      room,
      recipients: world.server.recipients(alice, bob),
      plaintext: bytes('x'),
      rotation: wide,
    });
    expect(sent.excluded).toEqual([{ user: bob, device: '2', reason: 'NOT_CROSS_SIGNED' }]);
    await world.receive(b2);
    expect(await decrypt(b2, sent)).toMatchObject({ cause: 'WITHHELD', withheld: 'm.unverified' });
  });

  test('devices the caller lists, though they are cross-signed', async () => {
    const b2 = await world.device(bob, '2');
    await world.verify(b1, b2);
    const recipients = [
      { user: alice, devices: ['1'] },
      { user: bob, devices: ['1'] },
    ];
    const sent = await a1.encrypt({ room, recipients, plaintext: bytes('x'), rotation: wide });
    expect(sent.excluded).toEqual([{ user: bob, device: '2', reason: 'NOT_LISTED' }]);
    await world.settle();
    expect(await decrypt(b2, sent)).toMatchObject({ cause: 'WITHHELD', withheld: 'm.blacklisted' });
    expect(await decrypt(b1, sent)).toMatchObject({ ok: true });
  });

  test('members who are still there: who left reads nothing that follows', async () => {
    const before = await send(a1);
    await world.receive(b1);
    const onlyAlice = world.server.recipients(alice);
    const after = await a1.encrypt({ room, recipients: onlyAlice, plaintext: bytes('x'), rotation: wide });
    expect(after.sessionId).not.toBe(before.sessionId);
    await world.settle();
    expect(await decrypt(b1, before)).toMatchObject({ ok: true });
    expect(await decrypt(b1, after)).toMatchObject({ cause: 'NO_KEY' });
  });

  test('devices still listed: a device that drops out reads nothing that follows', async () => {
    const b2 = await world.device(bob, '2');
    await world.verify(b1, b2);
    const before = await a1.encrypt({
      room,
      recipients: world.server.recipients(bob),
      plaintext: bytes('x'),
      rotation: wide,
    });
    const after = await a1.encrypt({
      room,
      recipients: [{ user: bob, devices: ['1'] }],
      plaintext: bytes('y'),
      rotation: wide,
    });
    expect(after.sessionId).not.toBe(before.sessionId);
    await world.settle();
    expect(await decrypt(b2, before)).toMatchObject({ ok: true });
    expect(await decrypt(b2, after)).toMatchObject({ ok: false });
    expect(await decrypt(b1, after)).toMatchObject({ ok: true });
  });

  test('nobody, from a device that is not confirmed itself', async () => {
    const a2 = await world.device(alice, '2');
    await expect(send(a2)).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    await expect(a2.certificate()).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
  });
});

describe('private messages', () => {
  test('reach the listed devices and name their sender', async () => {
    const sealed = await a1.sealForDevices('luxchat.position', { seq: 7 }, everyone);
    expect(sealed.map(({ user, device }) => `${user} ${device}`)).toEqual([`${bob} 1`]);
    const messages = sealed.map(({ type, bytes }) => ({ sender: alice, type, bytes }));
    expect(await b1.receive({ messages })).toEqual({
      roomKeys: [],
      messages: [{ sender: alice, device: '1', type: 'luxchat.position', content: { seq: 7 } }],
      dropped: 0,
      undecrypted: [],
    });
  });

  test('leave out a device that has no key to begin a session with, and hide no other failure so', async () => {
    await world.verify(b1, await world.device(bob, '2'));
    const keyless = world.server.users.get(bob)?.devices.get('2');
    if (keyless) Object.assign(keyless, { oneTimeKeys: [], fallback: undefined });
    const both = [{ user: bob, devices: ['1', '2'] }];
    const sealed = await a1.sealForDevices('luxchat.position', { seq: 7 }, both);
    expect(sealed.map(({ device }) => device)).toEqual(['1']);
    await expect(a1.sealForDevices('luxchat.position', { seq: Symbol('7') }, both)).rejects.toThrow();
  });

  test("open once: after that they are named as their sender's that can not be opened", async () => {
    const [sealed] = await a1.sealForDevices('luxchat.position', { seq: 7 }, everyone);
    const messages = [{ sender: alice, type: sealed?.type ?? '', bytes: sealed?.bytes ?? bytes('') }];
    await b1.receive({ messages });
    expect(await b1.receive({ messages })).toMatchObject({ messages: [], undecrypted: [alice] });
  });

  test('that are broken are dropped and spoil no other', async () => {
    const [sealed] = await a1.sealForDevices('luxchat.position', { seq: 7 }, everyone);
    const good = { sender: alice, type: sealed?.type ?? '', bytes: sealed?.bytes ?? bytes('') };
    const bad = ['', 'x', '{}},{"sender":"@alice:lux"', '[]'].map((json) => ({ ...good, bytes: bytes(json) }));
    const report = await b1.receive({ messages: [...bad, good, good] });
    expect(report.messages).toHaveLength(1);
    expect(report.dropped).toBe(bad.length + 1);
  });
});

describe('a server that hands device messages out as it likes', () => {
  /** Messages under a key each, and the device messages with these keys, which wait for Bob's device. */
  async function underKeysOfTheirOwn(count: number) {
    // Both have heard each other: from here on the ratchet between them turns with each message.
    await send(a1);
    await send(b1);
    await world.settle();
    const sent: Encrypted[] = [];
    for (let at = 0; at < count; at += 1) {
      await a1.rotate(room);
      sent.push(await send(a1));
    }
    const keys = world.server.fetch(bob, '1');
    expect(keys).toHaveLength(count);
    return { sent, keys };
  }
  const causes = async (sent: readonly Encrypted[]) => {
    const read = await Promise.all(sent.map((one) => decrypt(b1, one, alice, one.sessionId)));
    return read.map((each) => (each.ok ? 'read' : each.cause));
  };

  test('in another order loses nothing', async () => {
    const { sent, keys } = await underKeysOfTheirOwn(5);
    expect(await b1.receive({ messages: keys.toReversed() })).toMatchObject({ dropped: 0, undecrypted: [] });
    expect(await causes(sent)).toEqual(Array(5).fill('read'));
  });

  test('twice is told that the second can not be opened, and nothing else changes', async () => {
    const { sent, keys } = await underKeysOfTheirOwn(2);
    expect(await b1.receive({ messages: [...keys, ...keys] })).toMatchObject({ dropped: 2 });
    expect(await causes(sent)).toEqual(['read', 'read']);
  });

  test('but for one leaves what is under that key, with its cause, until it comes at last', async () => {
    const { sent, keys } = await underKeysOfTheirOwn(3);
    const [first, second, third] = keys;
    await b1.receive({ messages: [first!, third!] });
    expect(await causes(sent)).toEqual(['read', 'NO_KEY', 'read']);
    const { roomKeys } = await b1.receive({ messages: [second!] });
    expect(roomKeys).toEqual([{ room, sessionId: sent[1]?.sessionId }]);
    expect(await causes(sent)).toEqual(['read', 'read', 'read']);
  });

  test('in the name of another is not believed: the key stays out', async () => {
    await world.device('@carol:lux', '1', { first: true });
    const { sent, keys } = await underKeysOfTheirOwn(1);
    const { roomKeys } = await b1.receive({ messages: keys.map((key) => ({ ...key, sender: '@carol:lux' })) });
    expect(roomKeys).toEqual([]);
    expect(await causes(sent)).toEqual(['NO_KEY']);
  });
});

function send(engine: CryptoEngine): Promise<Encrypted> {
  return engine.encrypt({ room, recipients: everyone, plaintext: bytes('hello'), rotation: wide });
}

function decrypt(engine: CryptoEngine, { body }: Encrypted, sender = alice, eventId = 'event') {
  return engine.decrypt({ room, sender, eventId, body });
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
