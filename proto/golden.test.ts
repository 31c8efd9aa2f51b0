// Golden bytes: two codecs that share no code read the recorded bytes alike, damaged bytes never hang, crash or read past their end, and what a
// later version adds survives.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { ClientFrame, ServerFrame, Welcome } from './gen/client.ts';
import type { Rejection } from './gen/codes.ts';
import { EventHeader, Stamp } from './gen/record.ts';
import {
  allSamples,
  codecOf,
  describeGenerated,
  describeReflected,
  type Golden,
  messageTypes,
} from './golden/sample.ts';
import { joinFrames, splitFrames } from './rules/bytes/frames.ts';

const folder = new URL('golden/', import.meta.url);
const types = new Map<string, protobuf.Type>(messageTypes().map((type) => [type.name, type]));
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Golden[];
const files = readdirSync(folder).filter((name) => /^messages(-\d+)?\.json$/.test(name));
/** Of all releases and of the contract in the making, each once. */
const goldens = [
  ...new Map(
    files.flatMap(read).map((golden) => [`${golden.message} ${golden.variant} ${golden.hex}`, golden]),
  ).values(),
];
const bytesOf = (golden: Golden) => new Uint8Array(Buffer.from(golden.hex, 'hex'));

describe('golden messages', () => {
  it('cover every message and field of the contract (else: npx node proto/golden/make.ts)', () => {
    expect(read('messages.json')).toEqual(JSON.parse(JSON.stringify(allSamples())));
  });

  it('are read by ts-proto and by protobufjs as what was recorded', () => {
    for (const golden of goldens) {
      const type = types.get(golden.message)!;
      const bytes = bytesOf(golden);
      const name = `${golden.message} ${golden.variant}`;
      expect([name, describeGenerated(type, codecOf(type).decode(bytes))]).toEqual([name, golden.json]);
      expect([name, describeReflected(type, type.decode(bytes))]).toEqual([name, golden.json]);
    }
  });

  it('are written again byte for byte by both', () => {
    for (const golden of goldens) {
      const type = types.get(golden.message)!;
      const bytes = bytesOf(golden);
      const again = codecOf(type).encode(codecOf(type).decode(bytes)).finish();
      expect([golden.message, Buffer.from(again).toString('hex')]).toEqual([golden.message, golden.hex]);
      const reflected = type.encode(type.decode(bytes)).finish();
      expect([golden.message, Buffer.from(reflected).toString('hex')]).toEqual([golden.message, golden.hex]);
    }
  });
});

describe('damaged bytes', () => {
  it('cut at every byte give a message or an error, and nothing behind the end is looked at', () => {
    const misread: string[] = [];
    for (const golden of goldens) {
      const codec = codecOf(types.get(golden.message)!);
      const bytes = bytesOf(golden);
      const followed = new Uint8Array(bytes.length + 64).fill(0x08);
      followed.set(bytes);
      for (let end = 0; end <= bytes.length; end++) {
        const alone = outcome(codec, bytes.slice(0, end));
        // The same bytes as a view in front of others: reading on would change the result.
        const view = followed.subarray(0, end);
        followed.fill(0xff, end);
        if (outcome(codec, view) !== alone) misread.push(`${golden.message} ${golden.variant} cut at ${end}`);
        followed.set(bytes.subarray(end), end);
      }
    }
    expect(misread).toEqual([]);
  });

  it('of any kind give a message or an error', () => {
    const codecs = [...types.values()].map(codecOf);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, pick) => {
        outcome(codecs[pick % codecs.length]!, bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('flipped anywhere in a frame give a message or an error', () => {
    const frames = goldens.filter(({ message }) => message === 'ClientFrame' || message === 'ServerFrame');
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.nat(), fc.nat(255), (golden, at, value) => {
        const bytes = bytesOf(golden);
        if (bytes.length > 0) bytes[at % bytes.length] = value;
        outcome(codecOf(types.get(golden.message)!), bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('nested deeper than any message are an error, not a crash', () => {
    const groups = new Uint8Array(60_000).fill(0x0b);
    expect(() => ClientFrame.decode(groups)).toThrow();
  });
});

describe('frames in one message', () => {
  it('come out as they went in, however many are put together', () => {
    const frames = goldens.filter(({ message, hex }) => message === 'ServerFrame' && hex !== '').map(bytesOf);
    for (let count = 1; count <= frames.length; count++) {
      const [message] = joinFrames(frames.slice(0, count));
      expect(splitFrames(message!).map((frame) => ServerFrame.decode(frame))).toEqual(
        frames.slice(0, count).map((frame) => ServerFrame.decode(frame)),
      );
    }
  });
});

describe('numbers', () => {
  const stampWithSeq = (varint: readonly number[]) => Uint8Array.of(0x10, ...varint);

  it('of 2^53 - 1 pass, above they are an error', () => {
    const max = Stamp.encode({ ...Stamp.decode(new Uint8Array(0)), seq: Number.MAX_SAFE_INTEGER }).finish();
    expect(Stamp.decode(max).seq).toBe(Number.MAX_SAFE_INTEGER);
    const above = stampWithSeq([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    expect(() => Stamp.decode(above)).toThrow('larger than Number.MAX_SAFE_INTEGER');
    const largest = stampWithSeq([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    expect(() => Stamp.decode(largest)).toThrow('larger than Number.MAX_SAFE_INTEGER');
  });

  it('that TypeScript cannot hold are never written', () => {
    const write = (seq: number) => Stamp.encode({ ...Stamp.decode(new Uint8Array(0)), seq }).finish();
    expect(() => write(-1)).toThrow();
    expect(() => write(1.5)).toThrow();
    expect(() => write(2 ** 64)).toThrow();
  });
});

describe('what a later version adds', () => {
  it('survives decode and encode: unknown fields, in nested messages too', () => {
    const inner = Uint8Array.of(0x08, 0x07, 0xf8, 0x3f, 0x01);
    const header = Uint8Array.of(0x10, 0x01, 0x4a, inner.length, ...inner, 0xfa, 0x3f, 0x02, 0xaa, 0xbb);
    expect(EventHeader.encode(EventHeader.decode(header)).finish()).toEqual(header);
  });

  it('survives as an unknown enum value', () => {
    const code = 999 as Rejection;
    const frame = {
      request: 1,
      body: { $case: 'rejected' as const, value: { code, retryAfterMs: 0, control: undefined, manifest: undefined } },
    };
    const read = ServerFrame.decode(ServerFrame.encode(frame).finish());
    expect(read.body?.$case === 'rejected' && read.body.value.code).toBe(999);
  });

  it('survives as an unknown frame body, which reads as none', () => {
    const frame = Uint8Array.of(0x08, 0x05, 0xa2, 0x1f, 0x02, 0x08, 0x01);
    const read = ServerFrame.decode(frame);
    expect([read.request, read.body]).toEqual([5, undefined]);
    expect(ServerFrame.encode(read).finish()).toEqual(frame);
  });

  it('leaves older fields at their defaults', () => {
    expect(Welcome.decode(new Uint8Array(0)).heartbeatSeconds).toBe(0);
  });
});

function outcome(codec: ReturnType<typeof codecOf>, bytes: Uint8Array): string {
  try {
    const encoded = codec.encode(codec.decode(bytes)).finish();
    return Buffer.from(encoded).toString('hex');
  } catch (error) {
    // Malformed is what this is about; anything that is no Error would be a crash of another kind.
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
}
