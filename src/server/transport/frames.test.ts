import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Disconnect } from './codes.ts';
import { joinFrames, splitFrames } from './frames.ts';
import { defaultLimits } from './limits.ts';

const malformed = Disconnect.DISCONNECT_MALFORMED_FRAME;
const tooLarge = Disconnect.DISCONNECT_FRAME_TOO_LARGE;
const frame = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);
const faultOf = (message: Uint8Array) => {
  const split = splitFrames(message, defaultLimits);
  return Array.isArray(split) ? undefined : split.disconnect;
};

describe('frames', () => {
  it('come out of a message as they went in, whatever their number and size', () => {
    const sizes = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(127, 128, 16_383, 16_384, 65_536)),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(sizes, (lengths) => {
        const frames = lengths.map((length, i) => frame(length, i));
        expect(splitFrames(joinFrames(frames), defaultLimits)).toEqual(frames);
      }),
    );
  });

  it('are refused when cut at any byte that is not a boundary, and whole at every boundary', () => {
    const frames = [frame(1), frame(127), frame(128), frame(5), frame(300)];
    const message = joinFrames(frames);
    const boundaries = frames.map((_, i) => joinFrames(frames.slice(0, i + 1)).length);
    for (let cut = 1; cut <= message.length; cut++) {
      const split = splitFrames(message.subarray(0, cut), defaultLimits);
      const whole = boundaries.indexOf(cut);
      if (whole >= 0) expect(split).toEqual(frames.slice(0, whole + 1));
      else expect(split).toMatchObject({ disconnect: malformed });
    }
  });

  it('are copies, so that the message may be overwritten', () => {
    const message = Buffer.from(joinFrames([frame(3), frame(4)]));
    const split = splitFrames(message, defaultLimits) as Uint8Array[];
    message.fill(0);
    expect(split).toEqual([frame(3), frame(4)]);
    expect(split.map((one) => one.buffer.byteLength)).toEqual([3, 4]);
  });

  it('may be as large as the limit and not one byte larger', () => {
    expect(faultOf(joinFrames([frame(65_536)]))).toBeUndefined();
    expect(faultOf(joinFrames([frame(65_537)]))).toBe(tooLarge);
  });

  it('may fill a message to its limit and not one byte more', () => {
    // 15 frames of 65,536 with 3 length bytes each, and one that fills up.
    const frames = Array.from({ length: 15 }, () => frame(65_536));
    const rest = 1024 * 1024 - joinFrames(frames).length - 3;
    expect(joinFrames([...frames, frame(rest)]).length).toBe(1024 * 1024);
    expect(faultOf(joinFrames([...frames, frame(rest)]))).toBeUndefined();
    expect(faultOf(joinFrames([...frames, frame(rest + 1)]))).toBe(tooLarge);
  });

  it('may be as many as the limit and not one more', () => {
    expect(faultOf(joinFrames(Array.from({ length: 1024 }, () => frame(1))))).toBeUndefined();
    expect(faultOf(joinFrames(Array.from({ length: 1025 }, () => frame(1))))).toBe(malformed);
  });

  it('are malformed when the message is empty, a length is zero, overlong or unfinished', () => {
    expect(faultOf(Uint8Array.of())).toBe(malformed);
    expect(faultOf(Uint8Array.of(0))).toBe(malformed);
    expect(faultOf(Uint8Array.of(1, 7, 0))).toBe(malformed);
    expect(faultOf(Uint8Array.of(0x81, 0x00, 7))).toBe(malformed);
    expect(faultOf(Uint8Array.of(0x81, 0x80, 0x00, 7))).toBe(malformed);
    expect(faultOf(Uint8Array.of(0x80))).toBe(malformed);
    expect(faultOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toBe(tooLarge);
  });

  it('never make the splitter throw or return an empty or oversized frame, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (message) => {
        const split = splitFrames(message, defaultLimits);
        if (!Array.isArray(split)) return;
        expect(split.every((one) => one.length > 0 && one.length <= defaultLimits.frameBytesMax)).toBe(true);
        expect(joinFrames(split)).toEqual(message);
      }),
      { numRuns: 2000 },
    );
  });

  it('cannot be joined when one is empty', () => {
    expect(() => joinFrames([frame(1), Uint8Array.of()])).toThrow(RangeError);
  });
});
