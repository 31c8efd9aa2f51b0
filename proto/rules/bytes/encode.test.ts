import { describe, expect, it } from 'vitest';
import { Slot, Stamp } from '../../gen/record.ts';
import { allSamples, codecOf, messageTypes } from '../../golden/sample.ts';
import { encodeMessage, encodePassing } from './encode.ts';

describe('encoding with a kept writer', () => {
  it('makes the same bytes as a fresh one', () => {
    const types = new Map(messageTypes().map((type) => [type.name, codecOf(type)]));
    for (const { message, hex } of allSamples()) {
      const codec = types.get(message)!;
      const bytes = encodeMessage(codec, codec.decode(Buffer.from(hex, 'hex')));
      expect([message, Buffer.from(bytes).toString('hex')]).toEqual([message, hex]);
      const passing = encodePassing(codec, codec.decode(bytes));
      expect([message, Buffer.from(passing).toString('hex')]).toEqual([message, hex]);
    }
  });

  it('makes arrays of their own', () => {
    const stamp = Stamp.decode(new Uint8Array(0));
    const first = encodeMessage(Stamp, { ...stamp, seq: 1 });
    encodeMessage(Stamp, { ...stamp, seq: 2 });
    expect(first).toEqual(Uint8Array.of(0x10, 1));
  });

  it('never writes again what passes, however much follows', () => {
    const slot = Slot.decode(new Uint8Array(0));
    const make = (n: number, length: number) => ({ ...slot, write: new Uint8Array(length).fill(n) });
    // On the heap, shared, over the half, and so many that several shared pieces are used up.
    const lengths = [10, 62, 63, 900, 8_188, 8_189, 20_000];
    const passing = Array.from({ length: 200 }, (_, n) => encodePassing(Slot, make(n, lengths[n % lengths.length]!)));
    for (const [n, bytes] of passing.entries()) {
      expect(Slot.decode(bytes)).toEqual(make(n, lengths[n % lengths.length]!));
    }
  });

  it('is none the worse for a message that could not be written, or was very large', () => {
    const stamp = Stamp.decode(new Uint8Array(0));
    expect(() => encodeMessage(Stamp, { ...stamp, incarnation: 1, seq: -1 })).toThrow();
    expect(encodeMessage(Stamp, { ...stamp, seq: 1 })).toEqual(Uint8Array.of(0x10, 1));
    const slot = { ...Slot.decode(new Uint8Array(0)), write: new Uint8Array(1_000_000) };
    expect(encodeMessage(Slot, slot).length).toBe(1_000_004);
    expect(encodeMessage(Stamp, { ...stamp, seq: 1 })).toEqual(Uint8Array.of(0x10, 1));
  });
});
