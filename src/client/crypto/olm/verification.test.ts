// A second device joins: seven emoji, signatures, secrets, and what happens when it does not go well.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoEngine, DeviceMessage, Verification } from '../engine.ts';
import { alice, bob, flowOf, room, TestWorld, wide } from '../test-world.ts';
import { canonicalBytes, type JsonObject, objectOf, parseObject } from './json.ts';

let world: TestWorld;
let b1: CryptoEngine;
let b2: CryptoEngine;

beforeEach(async () => {
  world = new TestWorld();
  b1 = await world.device(bob, '1', { first: true });
  b2 = await world.device(bob, '2');
});
afterEach(() => world.close());

describe('comparing emoji', () => {
  test('goes through its states on both sides, in order, each told once', async () => {
    const [older, newer] = [phasesOf(b1), phasesOf(b2)];
    await world.verify(b1, b2);
    expect(older).toEqual(['requested', 'started', 'emoji', 'confirmed', 'done']);
    expect(newer).toEqual(['requested', 'started', 'emoji', 'confirmed', 'done']);
  });

  // The library asks for the same keys again under a new id each time: a flush without a server that answers went round for ever, at full speed.
  test('ends each flush though no claim of keys is answered', async () => {
    world.server.before = (call) => {
      if (call === 'claimKeys') throw new Error('away');
    };
    await world.verify(b1, b2);
    const before = world.server.calls.claimKeys ?? 0;
    expect(before).toBeGreaterThan(0);
    await b1.flush();
    await b2.flush();
    expect(world.server.calls.claimKeys ?? 0).toBeLessThanOrEqual(before + 2);
  });

  test('works when all own devices are asked', async () => {
    const { flowId, otherDevice } = await b2.requestVerification();
    expect(otherDevice).toBeUndefined();
    await world.settle();
    await b1.acceptVerification(flowId);
    await world.settle();
    expect(flowOf(b2, flowId)).toMatchObject({ otherDevice: '1', state: { phase: 'emoji' } });
  });

  test('works when the older device asks', async () => {
    await world.verify(b2, b1);
    expect(await b2.confirmed()).toBe(true);
  });

  test('works when the request comes before the older device has heard of the newer one', async () => {
    const b3 = await world.device(bob, '3', { alone: true });
    await b3.track([bob]);
    const { flowId } = await b3.requestVerification('1');
    await b3.flush();
    await world.receive(b1);
    expect(flowOf(b1, flowId)).toMatchObject({ otherDevice: '3', weStarted: false });
  });

  // Those that nobody had looked at since counted as under way, and stayed whatever came.
  test('remembers twenty, and not one more however many are asked for at once; what goes is told as cancelled', async () => {
    const told = new Map<string, string[]>();
    b2.on('verification', ({ flowId, state }) => told.set(flowId, [...(told.get(flowId) ?? []), state.phase]));
    const asked: string[] = [];
    const ask = async (count: number) => {
      for (let n = 0; n < count; n++) asked.push((await b2.requestVerification('1')).flowId);
    };
    const remembered = () => b2.verifications().map(({ flowId }) => flowId);
    await ask(20);
    expect(remembered()).toEqual(asked);
    await ask(1);
    expect(remembered()).toHaveLength(20);
    expect(remembered()).toContain(asked.at(-1));
    await ask(60);
    expect(remembered()).toHaveLength(20);
    expect(remembered().at(-1)).toBe(asked.at(-1));
    const forgotten = asked.filter((flowId) => !remembered().includes(flowId));
    expect(forgotten.filter((flowId) => told.get(flowId)?.at(-1) !== 'cancelled')).toEqual([]);
    await world.settle();
    expect(b1.verifications().length).toBeLessThanOrEqual(20);
  });

  test('cancelled on one side is cancelled on the other', async () => {
    const { flowId } = await b2.requestVerification('1');
    await world.settle();
    await b1.cancelVerification(flowId);
    await world.settle();
    expect(flowOf(b1, flowId)?.state).toMatchObject({ phase: 'cancelled', byUs: true });
    expect(flowOf(b2, flowId)?.state).toMatchObject({ phase: 'cancelled', byUs: false, code: 'm.user' });
    expect(await b2.confirmed()).toBe(false);
  });

  test('confirmed on one side only confirms nothing', async () => {
    const { flowId } = await b2.requestVerification('1');
    await world.settle();
    await b1.acceptVerification(flowId);
    await world.settle();
    await b2.confirmVerification(flowId);
    await world.settle();
    expect(flowOf(b2, flowId)?.state.phase).toBe('confirmed');
    expect(flowOf(b1, flowId)?.state.phase).toBe('emoji');
    expect(await b2.confirmed()).toBe(false);
    expect(await b2.holdsIdentity()).toBe(false);
  });

  test('of a flow that is not there is refused', async () => {
    for (const act of [b1.acceptVerification, b1.confirmVerification, b1.cancelVerification]) {
      await expect(act.call(b1, 'nothing')).rejects.toMatchObject({ code: 'UNKNOWN' });
    }
    await expect(b1.requestVerification('77')).rejects.toMatchObject({ code: 'UNKNOWN' });
  });

  /** Both accept, and what the server makes of their messages reaches them. */
  async function compared(): Promise<string> {
    const { flowId } = await b2.requestVerification('1');
    await world.settle();
    await b1.acceptVerification(flowId);
    await world.settle();
    return flowId;
  }
  const states = (flowId: string) => [flowOf(b1, flowId)?.state, flowOf(b2, flowId)?.state];
  const confirmed = async () => [await b2.confirmed(), await b2.holdsIdentity()];

  test('shows both sides the same seven', async () => {
    const [shown, other] = states(await compared());
    expect(shown).toMatchObject({ phase: 'emoji' });
    expect(shown?.phase === 'emoji' && shown.emoji).toHaveLength(7);
    expect(other).toEqual(shown);
  });

  test('is cancelled on both sides where the server puts its own keys in between', async () => {
    world.server.alter = (message) =>
      isKey(message) ? withContent(message, () => ({ key: keyOfTheServer() })) : message;
    const cancelled = { phase: 'cancelled', code: 'm.key_mismatch' };
    expect(states(await compared())).toMatchObject([cancelled, cancelled]);
    expect(await confirmed()).toEqual([false, false]);
  });

  test('shows different emoji where it had also promised its own key, and confirms nothing though both say that they are the same', async () => {
    const promised = keyOfTheServer();
    let start: JsonObject = {};
    let promising = '';
    world.server.alter = (message) => {
      if (message.type === 'm.key.verification.start') start = contentOf(message);
      if (message.type === 'm.key.verification.accept') {
        promising = message.device === '1' ? '2' : '1';
        const commitment = toBase64(sha256(Uint8Array.from([...utf8(promised), ...canonicalBytes(start)])));
        return withContent(message, () => ({ commitment }));
      }
      if (!isKey(message)) return message;
      const isFromPromising = message.device !== promising;
      return withContent(message, () => ({ key: isFromPromising ? promised : keyOfTheServer() }));
    };
    const flowId = await compared();
    const [shown, other] = states(flowId);
    expect([shown, other]).toMatchObject([{ phase: 'emoji' }, { phase: 'emoji' }]);
    expect(shown).not.toEqual(other);
    expect(await confirmed()).toEqual([false, false]);
    for (const engine of [b1, b2]) await engine.confirmVerification(flowId);
    await world.settle();
    expect(states(flowId)).toMatchObject([{ phase: 'cancelled' }, { phase: 'cancelled' }]);
    expect(await confirmed()).toEqual([false, false]);
  });
});

describe('scanning a code', () => {
  const codeOf = (engine: CryptoEngine, flowId: string): Uint8Array => {
    const state = flowOf(engine, flowId)?.state;
    return state?.phase === 'started' ? (state.code ?? new Uint8Array()) : new Uint8Array();
  };
  async function bothShow(): Promise<string> {
    const { flowId } = await b2.requestVerification('1', true);
    await world.settle();
    await b1.acceptVerification(flowId);
    await world.settle();
    return flowId;
  }

  test.each(['the confirmed device', 'the new one'])(
    'that %s shows confirms the new one, once its person says so',
    async (who) => {
      const [older, newer] = [phasesOf(b1), phasesOf(b2)];
      const flowId = await bothShow();
      const [shows, scans] = who === 'the new one' ? [b2, b1] : [b1, b2];
      await scans.scanVerification(flowId, codeOf(shows, flowId));
      await world.settle();
      expect(flowOf(shows, flowId)?.state).toEqual({ phase: 'scanned' });
      expect(await b2.confirmed()).toBe(false);
      await shows.confirmVerification(flowId);
      await world.settle();
      for (const engine of [b1, b2]) await engine.receive({ messages: [], changedUsers: [bob] });
      await world.settle();
      expect([older.at(-1), newer.at(-1)]).toEqual(['done', 'done']);
      expect([await b2.confirmed(), await b2.holdsIdentity()]).toEqual([true, true]);
      expect(flowOf(b1, flowId)).toMatchObject({ otherDevice: '2' });
    },
  );

  test('of another verification, of other keys or of nothing is refused, and confirms nothing', async () => {
    const flowId = await bothShow();
    const code = codeOf(b1, flowId);
    // MATRIX, version, mode, length and bytes of the flow's id, two keys, a secret.
    const keysAt = 10 + (code[8]! << 8) + code[9]!;
    const otherFlow = code.map((byte, at) => (at === 12 ? byte ^ 1 : byte));
    const foreign = ed25519.keygen().publicKey;
    for (const at of [keysAt, keysAt + 32]) {
      const otherKey = Uint8Array.from([...code.subarray(0, at), ...foreign, ...code.subarray(at + 32)]);
      await expect(b2.scanVerification(flowId, otherKey)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    }
    await expect(b2.scanVerification(flowId, otherFlow)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    await expect(b2.scanVerification(flowId, Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await expect(b2.scanVerification('nothing', code)).rejects.toMatchObject({ code: 'UNKNOWN' });
    await world.settle();
    expect(flowOf(b1, flowId)?.state.phase).not.toBe('scanned');
    expect(await b2.confirmed()).toBe(false);
  });

  test('by one who did not see it is cancelled: the secret in it is missing', async () => {
    const flowId = await bothShow();
    const guessed = codeOf(b1, flowId).map((byte, at, { length }) => (at === length - 1 ? byte ^ 1 : byte));
    await b2.scanVerification(flowId, guessed);
    await world.settle();
    expect([flowOf(b1, flowId)?.state.phase, flowOf(b2, flowId)?.state.phase]).toEqual(['cancelled', 'cancelled']);
    expect(await b2.confirmed()).toBe(false);
  });

  test('can be called off', async () => {
    const flowId = await bothShow();
    await b1.cancelVerification(flowId);
    await world.settle();
    expect(flowOf(b2, flowId)?.state).toMatchObject({ phase: 'cancelled', byUs: false });
  });

  test('is not offered where emoji were asked for', async () => {
    const { flowId } = await b2.requestVerification('1');
    await world.settle();
    await b1.acceptVerification(flowId);
    await world.settle();
    expect(flowOf(b1, flowId)?.state.phase).toBe('emoji');
  });
});

describe('a confirmed second device', () => {
  beforeEach(() => world.verify(b1, b2));

  test('is signed by its user, receives, and sends', async () => {
    const a1 = await world.device(alice, '1', { first: true });
    const recipients = world.server.recipients(alice, bob);
    expect(await b2.confirmed()).toBe(true);
    const there = await a1.encrypt({ room, recipients, plaintext: utf8('x'), rotation: wide });
    const back = await b2.encrypt({ room, recipients, plaintext: utf8('y'), rotation: wide });
    expect([...there.excluded, ...back.excluded]).toEqual([]);
    await world.settle();
    const request = { room, eventId: 'e' };
    expect(await b2.decrypt({ ...request, sender: alice, body: there.body })).toMatchObject({ ok: true });
    expect(await a1.decrypt({ ...request, sender: bob, body: back.body })).toMatchObject({ ok: true, device: '2' });
  });

  test('holds the identity, so that it can confirm a third', async () => {
    expect(await b2.holdsIdentity()).toBe(true);
    const b3 = await world.device(bob, '3');
    await world.verify(b2, b3);
    expect(await b3.confirmed()).toBe(true);
  });

  test('gets no room key by asking for it: what it was not given stays unreadable', async () => {
    const recipients = [{ user: bob, devices: ['1'] }];
    const { body } = await b1.encrypt({ room, recipients, plaintext: utf8('old'), rotation: wide });
    const request = { room, sender: bob, eventId: 'e', body };
    await b2.decrypt(request);
    await world.settle();
    expect(await b2.decrypt(request)).toMatchObject({ cause: 'WITHHELD' });
  });
});

describe('certificate and signature', () => {
  test('can be checked with plain Ed25519: device key <- self-signing key <- master key', async () => {
    await world.verify(b1, b2);
    for (const engine of [b1, b2]) {
      const { deviceJson, selfSigningJson, masterJson } = await engine.certificate();
      const { ed25519: deviceKey } = await engine.ownKeys();
      const [device, selfSigning, master] = [deviceJson, selfSigningJson, masterJson].map(read) as [
        Signed,
        Signed,
        Signed,
      ];
      expect(keyOf(device, `ed25519:${engine.device}`)).toEqual(deviceKey);
      expect(check(device, keyOf(device, `ed25519:${engine.device}`), `ed25519:${engine.device}`)).toBe(true);
      expect(check(device, ...onlyKey(selfSigning))).toBe(true);
      expect(check(selfSigning, ...onlyKey(master))).toBe(true);
      expect(onlyKey(master)[0]).toEqual((await engine.identity(bob))?.masterKey);
    }
  });

  test('of a text are by the device key', async () => {
    const signature = await b1.sign('luxchat test v1 é');
    const { ed25519: key } = await b1.ownKeys();
    expect(signature).toHaveLength(64);
    expect(ed25519.verify(signature, utf8('luxchat test v1 é'), key)).toBe(true);
    expect(ed25519.verify(signature, utf8('luxchat test v1 e'), key)).toBe(false);
  });

  test('fit the device JSON that the server hands out', async () => {
    const json = world.server.users.get(bob)?.devices.get('1')?.json ?? {};
    expect((await b1.ownKeys()).deviceJson).toEqual(canonicalBytes(json));
  });
});

interface Signed {
  object: JsonObject;
  signed: Uint8Array;
}

const isKey = ({ type }: DeviceMessage) => type === 'm.key.verification.key';
const contentOf = ({ bytes }: DeviceMessage) => parseObject(new TextDecoder().decode(bytes));

function withContent(message: DeviceMessage, change: (content: JsonObject) => JsonObject): DeviceMessage {
  const content = contentOf(message);
  return { ...message, bytes: canonicalBytes({ ...content, ...change(content) }) };
}

/** The man in the middle gives each side a key of his own in place of the other's. */
function keyOfTheServer(): string {
  return toBase64(ed25519.utils.toMontgomery(ed25519.keygen().publicKey));
}

function phasesOf(engine: CryptoEngine): string[] {
  const phases: string[] = [];
  engine.on('verification', ({ state }: Verification) => phases.push(state.phase));
  return phases;
}

function read(json: Uint8Array): Signed {
  const object = parseObject(new TextDecoder().decode(json));
  const { signatures: _, unsigned: __, ...signed } = object;
  return { object, signed: canonicalBytes(signed) };
}

function keyOf({ object }: Signed, id: string): Uint8Array {
  return decode(String(objectOf(object.keys)[id]));
}

function onlyKey(signed: Signed): [Uint8Array, string] {
  const [id = ''] = Object.keys(objectOf(signed.object.keys));
  return [keyOf(signed, id), id];
}

function check({ object, signed }: Signed, key: Uint8Array, id: string): boolean {
  return ed25519.verify(decode(String(objectOf(objectOf(object.signatures)[bob])[id])), signed, key);
}

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
