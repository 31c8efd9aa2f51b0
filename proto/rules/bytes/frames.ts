// One WebSocket message = one or more frames, each with its length before it as a varint (at most three bytes, since a frame is at most
// 64 KiB, in shortest form). Splitting makes views, it copies nothing; joining fills messages up to 1 MiB and 1,024 frames. Devices and tools
// use this; the server's transport has a splitter of its own that takes its limits and answers with a Disconnect.
import { limits } from '../limits.ts';

const { frameBytesMax, messageBytesMax, messageFramesMax } = limits;

/** What is wrong with a message. */
export type FrameFault = 'MALFORMED' | 'TOO_LARGE';

/** Thrown by `splitFrames`; `fault` tells a broken length from a passed limit. */
export class FrameError extends Error {
  readonly fault: FrameFault;
  constructor(fault: FrameFault) {
    super(
      fault === 'MALFORMED' ? 'A message that does not consist of frames.' : 'A frame or message is over its limit.',
    );
    this.name = 'FrameError';
    this.fault = fault;
  }
}

/**
 * The frames of a message as views into it: copy what outlives the message's buffer. Empty messages and empty frames are malformed.
 * Throws FrameError.
 */
export function splitFrames(message: Uint8Array): Uint8Array[] {
  if (message.length > messageBytesMax) throw new FrameError('TOO_LARGE');
  if (message.length === 0) throw new FrameError('MALFORMED');
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < message.length) {
    let length = 0;
    let shift = 0;
    for (;;) {
      const byte = message[at++];
      if (byte === undefined) throw new FrameError('MALFORMED');
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw new FrameError('MALFORMED');
        break;
      }
      shift += 7;
      if (shift > 14) throw new FrameError('TOO_LARGE');
    }
    if (length > frameBytesMax) throw new FrameError('TOO_LARGE');
    if (length === 0 || at + length > message.length) throw new FrameError('MALFORMED');
    if (frames.length === messageFramesMax) throw new FrameError('MALFORMED');
    frames.push(message.subarray(at, at + length));
    at += length;
  }
  return frames;
}

/** Bytes that a frame takes in a message, its length prefix included. */
export function framedBytes(length: number): number {
  return length + (length < 0x80 ? 1 : length < 0x4000 ? 2 : 3);
}

/** Writes a frame with its length at `at`; returns the position after it. */
export function writeFrame(message: Uint8Array, at: number, frame: Uint8Array): number {
  let rest = frame.length;
  let position = at;
  while (rest > 0x7f) {
    message[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  message[position++] = rest;
  message.set(frame, position);
  return position + frame.length;
}

/** Packs frames, in order, into as few messages as their limit allows. A frame over the limit throws FrameError. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let first = 0;
  while (first < frames.length) {
    let bytes = 0;
    let end = first;
    for (; end < frames.length && end - first < messageFramesMax; end++) {
      const length = (frames[end] as Uint8Array).length;
      if (length > frameBytesMax || length === 0) throw new FrameError(length === 0 ? 'MALFORMED' : 'TOO_LARGE');
      if (bytes + framedBytes(length) > messageBytesMax) break;
      bytes += framedBytes(length);
    }
    const message = new Uint8Array(bytes);
    let at = 0;
    for (; first < end; first++) at = writeFrame(message, at, frames[first] as Uint8Array);
    messages.push(message);
  }
  return messages;
}
