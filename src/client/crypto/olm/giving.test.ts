// Sessions from device to device: given with who made them, taken as what they are, and never for what somebody says they are.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { limits } from '#proto/rules/limits.ts';
import { readSessionMessage, sessionContents, sessionMessageType, sessionsMax } from '../../keys/session-message.ts';
import type { CryptoEngine, Encrypted } from '../engine.ts';
import type { SessionSecret } from '../keeping.ts';
import { alice, bob, room, TestWorld, wide } from '../test-world.ts';

const carol = '@carol:lux';
let world: TestWorld;
let a1: CryptoEngine;
let b1: CryptoEngine;
let c1: CryptoEngine;

beforeEach(async () => {
  world = new TestWorld();
  a1 = await world.device(alice, '1', { first: true });
  b1 = await world.device(bob, '1', { first: true });
  c1 = await world.device(carol, '1', { first: true });
}, 60_000);
afterEach(() => world.close());

const bytes = (text: string) => new TextEncoder().encode(text);
const send = (from: CryptoEngine, to: string[], inside = room): Promise<Encrypted> =>
  from.encrypt({
    ...{ room: inside, recipients: world.server.recipients(...to), plaintext: bytes('moien'), rotation: wide },
    audience: 7,
  });
const read = (engine: CryptoEngine, { body }: Encrypted, sender = alice, eventId = 'e') =>
  engine.decrypt({ room, sender, eventId, body });
const one = ([secret]: SessionSecret[]) => secret as SessionSecret;
async function curveOf(engine: CryptoEngine) {
  return { user: engine.user, device: engine.device, key: (await engine.ownKeys()).curve25519 };
}

describe('a session', () => {
  test('that another device gives opens what was written, in the name of who made it', async () => {
    const sent = await send(a1, [alice, bob]);
    await world.settle();
    const secret = one(await b1.giveSessions([sent].map(({ sessionId }) => ({ room, sessionId }))));
    expect(secret).toMatchObject({ sessionId: sent.sessionId, sender: await curveOf(a1) });
    expect(await read(c1, sent)).toMatchObject({ cause: 'NO_KEY' });
    expect(await c1.takeSessions([secret])).toEqual([{ room, sessionId: sent.sessionId }]);
    expect(await read(c1, sent)).toMatchObject({ ok: true, trust: 'restored', sender: alice, device: '1' });
    expect(await c1.takeSessions([secret])).toEqual([]);
  });

  test('is of whom it was given for: another may not claim it, nor be named for it', async () => {
    const sent = await send(a1, [alice, bob]);
    await world.settle();
    const secret = one(await a1.giveSessions([{ room, sessionId: sent.sessionId }]));
    const bobs = { ...secret, sender: await curveOf(b1) };
    expect(await c1.takeSessions([bobs])).toEqual([]);
    // He writes his own key into it as well. It opens nothing of hers in his name, nor of his in hers.
    const json = bytes(text(secret).replace(toBase64((await curveOf(a1)).key), toBase64((await curveOf(b1)).key)));
    await c1.takeSessions([{ ...bobs, json }]);
    expect(await read(c1, sent)).toMatchObject({ cause: 'SENDER_MISMATCH' });
    expect((await read(c1, sent, bob)).ok).toBe(true);
    expect(await read(c1, sent)).toMatchObject({ cause: 'SENDER_MISMATCH' });
  });

  test.each([
    ['another room', (secret: SessionSecret) => ({ ...secret, room: '!other:lux' })],
    [
      'another session',
      (secret: SessionSecret) => ({
        ...secret,
        sessionId: secret.sessionId.replace(/^./, (first) => (first === 'x' ? 'y' : 'x')),
      }),
    ],
    [
      'the secret of another session',
      (secret: SessionSecret) => ({
        ...secret,
        json: bytes(text(secret).replace(/("session_key":".*?).{4}"/, '$1AAAA"')),
      }),
    ],
    ['no JSON', (secret: SessionSecret) => ({ ...secret, json: bytes('x') })],
  ])('that is said to be what it is not is left out: %s', async (_, change) => {
    const sent = await send(a1, [alice, bob]);
    const secret = one(await a1.giveSessions([{ room, sessionId: sent.sessionId }]));
    expect(await c1.takeSessions([change(secret)])).toEqual([]);
    expect(await read(c1, sent)).toMatchObject({ cause: 'NO_KEY' });
  });

  test('that no library exports is an error, and harms nothing', async () => {
    const sent = await send(a1, [alice, bob]);
    const secret = one(await a1.giveSessions([{ room, sessionId: sent.sessionId }]));
    const broken = {
      ...secret,
      json: bytes(text(secret).replace(/"sender_claimed_keys":\{[^}]*\}/, '"sender_claimed_keys":1')),
    };
    await expect(c1.takeSessions([broken])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(await c1.takeSessions([secret])).toHaveLength(1);
  });

  test('that is not here is not given', async () => {
    expect(await b1.giveSessions([{ room, sessionId: 'nothing' }])).toEqual([]);
  });

  test('keeps for whom it was begun, on the device that began it', async () => {
    const first = await send(a1, [alice, bob]);
    await world.settle();
    await a1.rotate(room);
    const second = await a1.encrypt({
      ...{ room, recipients: world.server.recipients(alice, bob), plaintext: bytes('x'), rotation: wide },
      audience: 9,
    });
    expect(await a1.sessionAudience(room, first.sessionId)).toBe(7);
    expect(await a1.sessionAudience(room, second.sessionId)).toBe(9);
    expect(await b1.sessionAudience(room, first.sessionId)).toBeUndefined();
  });

  test('fits a device message with as many others as go into one', async () => {
    const wanted = [];
    for (let n = 0; n < sessionsMax; n++) {
      const { sessionId } = await send(a1, [alice, bob], `!room${n}:lux`);
      wanted.push({ room: `!room${n}:lux`, sessionId });
    }
    const longest = `!g${'a'.repeat(32)}:${'p'.repeat(63)}`;
    const given = (await a1.giveSessions(wanted)).map((secret) => ({ ...secret, room: longest }));
    const [content, ...more] = sessionContents({ given });
    expect([more, given.length]).toEqual([[], sessionsMax]);
    const [sealed] = await a1.sealForDevices(sessionMessageType, content, world.server.recipients(bob));
    expect(sealed?.bytes.length).toBeLessThan(limits.deviceMessageBytesMax);
    await world.server.portOf(alice, '1').sendDeviceMessages('x', sealed ? [sealed] : []);
    const [came] = (await world.receive(b1)).messages;
    expect(came).toMatchObject({ type: sessionMessageType, sender: alice, device: '1' });
    expect(came && readSessionMessage(came.content)).toMatchObject({
      given: [{ room: longest }, ...Array(23).fill({})],
    });
  });
});

function text({ json }: SessionSecret): string {
  return new TextDecoder().decode(json);
}
