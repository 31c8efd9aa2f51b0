// One WebSocket message = frames, each with its length before it (unsigned varint, at most 3 bytes, shortest form, never 0).
// Splitting guarantees all or nothing: a message with one bad frame yields no frame, and copies no byte before it was checked whole.
// Each frame is its own copy: whoever keeps one keeps that frame's bytes only, and the caller's buffer may be reused at once.
import { Disconnect, type Disconnection } from './codes.ts';
import type { TransportLimits } from './limits.ts';

type FrameLimits = Pick<TransportLimits, 'frameBytesMax' | 'messageBytesMax' | 'messageFramesMax'>;

const malformed = (reason: string): Disconnection => ({ disconnect: Disconnect.DISCONNECT_MALFORMED_FRAME, reason });
const tooLarge = (reason: string): Disconnection => ({ disconnect: Disconnect.DISCONNECT_FRAME_TOO_LARGE, reason });

/** Frames of a received message in order, or why the connection must end. The message may be overwritten afterwards. */
export function splitFrames(message: Uint8Array, limits: FrameLimits): Uint8Array[] | Disconnection {
  if (message.length === 0) return malformed('empty message');
  if (message.length > limits.messageBytesMax) return tooLarge('message');
  const bounds: number[] = [];
  let at = 0;
  while (at < message.length) {
    const length = readLength(message, at);
    if (length === 0) return malformed('frame length');
    if (length > limits.frameBytesMax) return tooLarge('frame');
    const start = at + lengthBytes(length);
    at = start + length;
    if (at > message.length) return malformed('truncated frame');
    if (bounds.length === 2 * limits.messageFramesMax) return malformed('too many frames');
    bounds.push(start, at);
  }
  const frames: Uint8Array[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    const [start = 0, end = 0] = [bounds[i], bounds[i + 1]];
    // Not slice(): that of a Buffer would share the memory.
    const frame = new Uint8Array(end - start);
    frame.set(message.subarray(start, end));
    frames.push(frame);
  }
  return frames;
}

/** Frames as one message: the opposite of `splitFrames`. Throws on an empty frame; checks no upper limit, that is the caller's. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let bytes = 0;
  for (const frame of frames) bytes += framedBytes(frame);
  const message = new Uint8Array(bytes);
  writeFrames(message, frames);
  return message;
}

/** Writes frames with their lengths at the start of `target`, which must be long enough; returns the bytes written. */
export function writeFrames(target: Uint8Array, frames: readonly Uint8Array[]): number {
  let at = 0;
  for (const frame of frames) {
    let rest = frame.length;
    while (rest >= 0x80) {
      target[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    target[at++] = rest;
    target.set(frame, at);
    at += frame.length;
  }
  return at;
}

/** Bytes that a frame takes in a message, its length included. Throws a RangeError on an empty frame. */
export function framedBytes(frame: Uint8Array): number {
  if (frame.length === 0) throw new RangeError('a frame must not be empty');
  return frame.length + lengthBytes(frame.length);
}

function lengthBytes(length: number): number {
  return length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : 4;
}

/**
 * The varint at `at`, or 0 for anything that is not one in shortest form. Of a varint longer than 3 bytes only the size matters
 * (too large), so the fourth byte ends the reading: no frame limit reaches 2^21.
 */
function readLength(message: Uint8Array, at: number): number {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = message[at + i];
    if (byte === undefined) return 0;
    length |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return byte === 0 && i > 0 ? 0 : length;
  }
  return 2 ** 28;
}
