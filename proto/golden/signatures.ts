// Ed25519 signatures and keys on which implementations differ: only what holds in the strictest reading is good. For tests and `make.ts` only.
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { toHex } from '../rules/bytes/base.ts';
import { asciiBytes, concatBytes } from '../rules/bytes/bytes.ts';
import { bytesOf, keyPair } from './cast.ts';

const order = ed25519.Point.Fn.ORDER;
const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const message = asciiBytes('luxchat control v1 AAAA');

/** Does the signature hold for key and message? */
export interface SignatureVector {
  readonly name: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  readonly holds: boolean;
}

/** One that holds and those that do not. */
export function signatures(): SignatureVector[] {
  const keys = keyPair('signatures');
  const good = keys.sign(message);
  const [r, s] = [good.subarray(0, 32), good.subarray(32)];
  const named = (name: string, publicKey: Uint8Array, signature: Uint8Array, holds = false) => {
    return { name, publicKey: toHex(publicKey), message: toHex(message), signature: toHex(signature), holds };
  };
  const zero = ed25519.Point.ZERO.toBytes();
  const mixed = ed25519.Point.fromBytes(keys.publicKey).add(torsion).toBytes();
  // y = p + 1: the neutral element, not canonically written.
  const uncanonical = Uint8Array.of(0xee, ...new Array<number>(30).fill(0xff), 0x7f);
  return [
    named('good', keys.publicKey, good, true),
    named(
      'one bit of S',
      keys.publicKey,
      concatBytes(
        r,
        s.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
      ),
    ),
    named(
      'one bit of R',
      keys.publicKey,
      concatBytes(
        r.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
        s,
      ),
    ),
    named('another key', keyPair('another').publicKey, good),
    named('S raised by the group order', keys.publicKey, concatBytes(r, scalarBytes(scalarOf(s) + order))),
    named('a key of small order', torsion.toBytes(), concatBytes(zero, new Uint8Array(32))),
    named('the neutral element as key', zero, concatBytes(zero, new Uint8Array(32))),
    named('a key of mixed order', mixed, good),
    named('an R of small order', keys.publicKey, concatBytes(torsion.toBytes(), s)),
    named('a key that is not canonically written', uncanonical, concatBytes(zero, new Uint8Array(32))),
    named('an R that is not canonically written', keys.publicKey, concatBytes(uncanonical, s)),
    cofactored(),
  ];
}

/** R = rB + T with a torsion point T, S = r + k a: the equation holds times eight, and only then. */
function cofactored(): SignatureVector {
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(bytesOf('cofactor'));
  const r = 1_234_567n;
  const point = ed25519.Point.BASE.multiply(r).add(torsion).toBytes();
  const digest = createHash('sha512').update(point).update(pointBytes).update(message).digest();
  const signature = concatBytes(point, scalarBytes((r + (scalarOf(digest) % order) * scalar) % order));
  const told = { publicKey: toHex(pointBytes), message: toHex(message), signature: toHex(signature) };
  return { name: 'holds only when multiplied by the cofactor', ...told, holds: false };
}

function scalarOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

function scalarBytes(scalar: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')).reverse();
}
