import { describe, expect, it } from 'vitest';
import { NodeHello } from '#proto/gen/node.ts';
import { helloOf, isProof, proofOf, readHello } from './handshake.ts';
import { identity, secret } from './testing/nodes.ts';

const nonce = new Uint8Array(32).fill(1);
const hellos = [helloOf(identity(2), nonce), helloOf(identity(1), nonce)] as const;

describe('a hello', () => {
  it('says who it is', () => {
    expect(readHello(hellos[0], identity(1))).toEqual(identity(2));
  });

  it.each([
    ['another provider', helloOf(identity(2, { provider: 'else.example' }), nonce)],
    ['this very process', helloOf(identity(1), nonce)],
    ['a node without a name', helloOf(identity(2, { node: '' }), nonce)],
    ['a nonce that is too short', helloOf(identity(2), nonce.slice(1))],
    ['a nonce that is too long', helloOf(identity(2), new Uint8Array(33))],
    ['another version', NodeHello.encode({ ...NodeHello.decode(hellos[0]), version: 2 }).finish()],
    ['no generation', NodeHello.encode({ ...NodeHello.decode(hellos[0]), generation: undefined }).finish()],
    ['nothing', new Uint8Array()],
    ['no hello at all', new Uint8Array([0xff, 0xff])],
  ])('is refused: %s', (_, bytes) => {
    expect(readHello(bytes, identity(1))).toBeNull();
  });
});

describe('a proof', () => {
  const proof = proofOf(secret, 'dialler', hellos);

  it('holds for its secret, its side and these hellos', () => {
    expect(isProof(proof, secret, { role: 'dialler', hellos })).toBe(true);
  });

  it.each([
    ['another secret', Buffer.from('another'), { role: 'dialler', hellos }],
    ['the other side', secret, { role: 'answerer', hellos }],
    [
      'other hellos',
      secret,
      {
        role: 'dialler',
        hellos: [
          helloOf(
            identity(2),
            nonce.map((byte) => byte + 1),
          ),
          hellos[1],
        ],
      },
    ],
    ['the hellos of the other order', secret, { role: 'dialler', hellos: [hellos[1], hellos[0]] }],
  ] as const)('does not hold for %s', (_, key, of) => {
    expect(isProof(proof, key, of)).toBe(false);
  });

  it('does not hold cut short, made longer, changed anywhere, or as nothing', () => {
    const of = { role: 'dialler', hellos } as const;
    for (let length = 0; length < proof.length; length++)
      expect(isProof(proof.slice(0, length), secret, of)).toBe(false);
    for (let at = 0; at < proof.length; at++) {
      expect(
        isProof(
          proof.map((byte, n) => (n === at ? byte ^ 1 : byte)),
          secret,
          of,
        ),
      ).toBe(false);
    }
  });
});
