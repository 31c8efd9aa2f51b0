import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromHex, toBase32, toBase64, toBase64Url, toHex } from './base.ts';
import { asciiBytes, concatBytes, equalBytes, putUint32, utf8Bytes, utf8Text } from './bytes.ts';

describe('texts of bytes', () => {
  it('agree with Node for all bytes, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(toHex(bytes)).toBe(buffer.toString('hex'));
        expect(toBase64Url(bytes)).toBe(buffer.toString('base64url'));
        expect(toBase64(bytes)).toBe(buffer.toString('base64').replaceAll('=', ''));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it('base32 follows the vectors of RFC 4648', () => {
    const vectors = {
      '': '',
      f: 'my',
      fo: 'mzxq',
      foo: 'mzxw6',
      foob: 'mzxw6yq',
      fooba: 'mzxw6ytb',
      foobar: 'mzxw6ytboi',
    };
    for (const [text, encoded] of Object.entries(vectors)) expect(toBase32(asciiBytes(text))).toBe(encoded);
  });

  it.each(['A', 'AB', 'AAB', 'AA==', 'A-_A', 'AA A', 'AAAAé'])('base64 %j is not strict', (text) => {
    expect(fromBase64(text)).toBe(null);
  });

  it('hex is lower case and whole', () => {
    expect([fromHex('0'), fromHex('AB'), fromHex('zz')]).toEqual([null, null, null]);
  });
});

describe('bytes', () => {
  it('are joined, compared and numbered', () => {
    const target = new Uint8Array(6);
    putUint32(target, 1, 0xfedc_ba98);
    expect(toHex(target)).toBe('00fedcba9800');
    expect(equalBytes(concatBytes(target, target).subarray(6), target)).toBe(true);
    expect(equalBytes(target, target.subarray(1))).toBe(false);
  });

  it('of a text that is not ASCII, or no UTF-8, are refused', () => {
    expect(() => asciiBytes('é')).toThrow(RangeError);
    expect(utf8Text(Uint8Array.of(0xc3))).toBe(null);
    expect(utf8Text(utf8Bytes('\uFEFFé🙂'))).toBe('\uFEFFé🙂');
  });
});
