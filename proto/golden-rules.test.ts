// The vectors in golden/rules.json are what the rules make today, and their hashes, like those of every release, follow from the prose alone: they are
// made again here with nothing but node:crypto.
import { createHash, createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ruleVectors } from './golden/rule-vectors.ts';
import { parseJsonObject } from './rules/bytes/json.ts';

type Vectors = ReturnType<typeof ruleVectors>;
const folder = new URL('golden/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vectors;
const files = readdirSync(folder).filter((name) => /^rules(-\d+)?\.json$/.test(name));
const hex = (text: string) => Buffer.from(text, 'hex');
const sha256 = (...parts: readonly (string | Buffer)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u16 = (value: number) => u32(value).subarray(2);
const zero = Buffer.alloc(32).toString('hex');

it('the vectors of the rules are what the rules make (else: npx node proto/golden/make.ts)', () => {
  expect(read('rules.json')).toEqual(JSON.parse(JSON.stringify(ruleVectors())));
});

describe.each(files)('the vectors in %s', (file) => {
  const recorded = read(file);

  it('follow from the prose: persons', () => {
    for (const { user, salt, fingerprint, commitment } of recorded.persons) {
      const parts = ['luxchat person v1\0', hex(salt), u16(user.length), user, hex(fingerprint)];
      expect(sha256(...parts).toString('hex')).toBe(commitment);
    }
  });

  it('follow from the prose: entries, their order and their room', () => {
    const { entries, room, stateBeforeCheckpoint, state, stateHash } = recorded.chain;
    for (const { signed, textToSign, hash } of entries) {
      expect(sha256('luxchat control v1\0', hex(signed)).toString('hex')).toBe(hash);
      expect(textToSign).toBe(`luxchat control v1 ${sha256(hex(signed)).toString('base64url')}`);
    }
    expect(entries.slice(1).every(({ signed }, index) => signed.includes(entries[index]!.hash))).toBe(true);
    expect(entries[0]!.signed.includes(zero)).toBe(true);
    const letters = 'abcdefghijklmnopqrstuvwxyz234567';
    const bits = [...hex(entries[0]!.hash).subarray(0, 20)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const name = Array.from({ length: 32 }, (_, i) => letters[Number.parseInt(bits.slice(5 * i, 5 * i + 5), 2)]).join(
      '',
    );
    expect(room).toBe(`!g${name}:alpha.lu`);
    expect(sha256('luxchat state v1\0', hex(state)).toString('hex')).toBe(stateHash);
    const checkpoint = sha256('luxchat state v1\0', hex(stateBeforeCheckpoint)).toString('hex');
    expect(entries.some(({ signed }) => signed.includes(checkpoint))).toBe(true);
  });

  it('follow from the prose: records', () => {
    let previous = zero;
    for (const { stamp, header, hash, body } of recorded.records) {
      const parts = ['luxchat record v1\0', u32(stamp.length / 2), hex(stamp), u32(header.length / 2), hex(header)];
      expect(sha256(...parts).toString('hex')).toBe(hash);
      expect(stamp.endsWith(previous)).toBe(true);
      expect(header.includes(sha256(hex(body)).toString('hex'))).toBe(true);
      previous = hash;
    }
  });

  it('follow from the prose: manifests and franking', () => {
    for (const { signed, textToSign, hash } of recorded.manifests) {
      expect(sha256('luxchat manifest v1\0', hex(signed)).toString('hex')).toBe(hash);
      expect(textToSign).toBe(`luxchat manifest v1 ${sha256(hex(signed)).toString('base64url')}`);
    }
    const { frankingKey, inner, commitment } = recorded.franking;
    expect(createHmac('sha256', hex(frankingKey)).update(hex(inner)).digest('hex')).toBe(commitment);
  });

  it('refuse the JSON that they say is refused', () => {
    for (const text of recorded.canonicalJson.refused) expect(parseJsonObject(Buffer.from(text))).toBe(null);
  });
});
