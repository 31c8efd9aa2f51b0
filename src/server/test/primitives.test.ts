// The sets of primitives agree on every input: an entry that one end takes and the other refuses would freeze a room.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { nodePrimitives as devicePrimitives } from '#client/node/node-primitives.ts';
import { portablePrimitives } from '#client/primitives.ts';
import { signatures } from '#proto/golden/signatures.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { nodePrimitives } from '../primitives.ts';

const all: readonly Primitives[] = [nodePrimitives, portablePrimitives, devicePrimitives];
const message = new TextEncoder().encode('luxchat control v1 …');
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
const signature = new Uint8Array(sign(null, message, privateKey));
const verdicts = (k: Uint8Array, m: Uint8Array, s: Uint8Array) => all.map((primitives) => primitives.verify(k, m, s));
const taken = [true, true, true];
const refused = [false, false, false];

describe('hub and SDK', () => {
  it('make the same hashes, as plain arrays of their own', () => {
    for (const length of [0, 1, 55, 56, 64, 65, 1_000, 50_000]) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
      const [a, b] = all.map((primitives) => primitives.sha256(data));
      const [c, d] = all.map((primitives) => primitives.hmacSha256(data, message));
      expect(a).toEqual(b);
      expect(c).toEqual(d);
      expect([a?.constructor, c?.constructor]).toEqual([Uint8Array, Uint8Array]);
    }
  });

  it('agree with the vectors of the contract', () => {
    const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
    for (const { name, publicKey, message: said, signature: given, holds } of signatures()) {
      expect([name, ...verdicts(hex(publicKey), hex(said), hex(given))]).toEqual([name, holds, holds, holds]);
    }
  });

  it('take a good signature and no changed one', () => {
    expect(verdicts(key, message, signature)).toEqual(taken);
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = signature.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect([bit, ...verdicts(key, message, changed)]).toEqual([bit, ...refused]);
    }
    expect(verdicts(key, message.subarray(1), signature)).toEqual(refused);
    expect(verdicts(key.subarray(1), message, signature)).toEqual(refused);
    expect(verdicts(key, message, signature.subarray(1))).toEqual(refused);
  });

  it('refuse an S that was raised by the order of the group', () => {
    const order = ed25519.Point.Fn.ORDER;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const raised = Uint8Array.from([
      ...signature.subarray(0, 32),
      ...Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(),
    ]);
    expect(verdicts(key, message, raised)).toEqual(refused);
  });

  it('refuse keys and Rs of small or mixed order, and points that are none', () => {
    const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    const strange = [
      ed25519.Point.ZERO.toBytes(),
      torsion.toBytes(),
      ed25519.Point.fromBytes(key).add(torsion).toBytes(),
      // y = p + 1: the neutral element, not canonically written.
      Uint8Array.of(0xee, ...new Array<number>(30).fill(0xff), 0x7f),
      // y without an x.
      Uint8Array.of(2, ...new Array<number>(31).fill(0)),
    ];
    const zeroS = new Uint8Array(32);
    for (const point of strange) {
      expect(verdicts(point, message, signature)).toEqual(refused);
      expect(verdicts(point, message, Uint8Array.from([...point, ...zeroS]))).toEqual(refused);
      expect(verdicts(point, message, Uint8Array.from([...ed25519.Point.ZERO.toBytes(), ...zeroS]))).toEqual(refused);
      expect(verdicts(key, message, Uint8Array.from([...point, ...signature.subarray(32)]))).toEqual(refused);
    }
  });

  it('refuse a signature that only holds when multiplied by the cofactor', () => {
    // R = rB + T with a torsion point T, S = r + k a: the equation holds times eight, and only then.
    const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    const secret = new Uint8Array(32).fill(9);
    const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(secret);
    const r = 1_234_567n;
    const point = ed25519.Point.BASE.multiply(r).add(torsion).toBytes();
    const digest = ed25519Challenge(point, pointBytes);
    const s = (r + digest * scalar) % ed25519.Point.Fn.ORDER;
    const crafted = Uint8Array.from([...point, ...Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()]);
    expect(ed25519.verify(crafted, message, pointBytes, { zip215: true })).toBe(true);
    expect(verdicts(pointBytes, message, crafted)).toEqual(refused);
  });
});

function ed25519Challenge(point: Uint8Array, publicBytes: Uint8Array): bigint {
  const hash = createSha512(point, publicBytes);
  return BigInt(`0x${Buffer.from(hash).reverse().toString('hex')}`) % ed25519.Point.Fn.ORDER;
}

function createSha512(...parts: readonly Uint8Array[]): Uint8Array {
  const hasher = createHash('sha512');
  for (const part of [...parts, message]) hasher.update(part);
  return hasher.digest();
}
