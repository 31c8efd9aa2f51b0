import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../limits.ts';
import { FrameError, framedBytes, joinFrames, splitFrames } from './frames.ts';

const { frameBytesMax, messageBytesMax, messageFramesMax } = limits;

const frame = fc.uint8Array({ minLength: 1, maxLength: 300 });

describe('frames', () => {
  it('splits what it joined, at every boundary', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), (frames) => {
        const messages = joinFrames(frames);
        expect(messages.flatMap((message) => splitFrames(message).map((view) => view.slice()))).toEqual(frames);
      }),
    );
  });

  it('refuses a message cut at any byte that is not a boundary', () => {
    const frames = [new Uint8Array(1).fill(1), new Uint8Array(200).fill(2), new Uint8Array(20_000).fill(3)];
    const message = joinFrames(frames)[0] as Uint8Array;
    const boundaries = new Set([2, 2 + 202, 2 + 202 + 20_003]);
    for (let cut = 0; cut <= message.length; cut++) {
      if (boundaries.has(cut)) expect(splitFrames(message.subarray(0, cut)).length).toBeGreaterThan(0);
      else expect(() => splitFrames(message.subarray(0, cut))).toThrow(FrameError);
    }
  });

  it('takes a frame of 64 KiB and refuses one byte more', () => {
    expect(splitFrames(joinFrames([new Uint8Array(frameBytesMax)])[0] as Uint8Array)).toHaveLength(1);
    expect(() => joinFrames([new Uint8Array(frameBytesMax + 1)])).toThrow(FrameError);
    const over = new Uint8Array(frameBytesMax + 4);
    over.set([0x81, 0x80, 0x04]);
    expect(() => splitFrames(over)).toThrow(expect.objectContaining({ fault: 'TOO_LARGE' }));
  });

  it('fills messages up to 1 MiB and refuses one byte more', () => {
    const frames = Array.from({ length: 40 }, () => new Uint8Array(frameBytesMax));
    for (const message of joinFrames(frames)) expect(message.length).toBeLessThanOrEqual(messageBytesMax);
    expect(() => splitFrames(new Uint8Array(messageBytesMax + 1))).toThrow(
      expect.objectContaining({ fault: 'TOO_LARGE' }),
    );
  });

  it('puts 1,024 frames into a message and the next one into another', () => {
    const frames = Array.from({ length: messageFramesMax + 1 }, () => new Uint8Array([1]));
    const messages = joinFrames(frames);
    expect(messages.map((message) => splitFrames(message).length)).toEqual([messageFramesMax, 1]);
    const over = new Uint8Array(2 * (messageFramesMax + 1)).fill(1);
    expect(() => splitFrames(over)).toThrow(expect.objectContaining({ fault: 'MALFORMED' }));
  });

  it('refuses empty messages, empty frames and lengths of four bytes', () => {
    for (const bytes of [[], [0], [0x80, 0x80, 0x80, 0x00], [0x81, 0x00, 1], [0x05, 1]]) {
      expect(() => splitFrames(Uint8Array.from(bytes))).toThrow(FrameError);
    }
    expect(framedBytes(127)).toBe(128);
    expect(framedBytes(128)).toBe(130);
  });
});
