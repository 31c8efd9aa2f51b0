import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Letter, Packet } from '#actors/cluster/packets.ts';
import { type Address, roomAddress, sessionAddress, userAddress } from '#actors/kernel/address.ts';
import { samples } from '#actors/kernel/samples.ts';
import type { ClientFrame } from '#proto/gen/client.ts';
import type { Disconnect } from '#proto/gen/codes.ts';
import { Packet as PacketOnWire } from '#proto/gen/node.ts';
import { localSamples, packetSamples, rejections } from './golden/packets.ts';
import { decodePacket, encodePacket } from './wire.ts';

const max = Number.MAX_SAFE_INTEGER;
const room = '!r:lux';
const code = 4_000 as Disconnect;
const encoded = packetSamples.map(({ packet }) => encodePacket(packet));
const golden = JSON.parse(readFileSync(new URL('golden/packets.json', import.meta.url), 'utf8')) as {
  readonly [name: string]: string;
};

/** Without the fields that the codec adds to every message, where they are empty. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name, of]) => name !== '_unknownFields' || Object.keys(of).length > 0);
  return Object.fromEntries(fields.map(([name, of]) => [name, plain(of)]));
}

/** A field of a protobuf message: number and bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const tag = (number << 3) | 2;
  const tagBytes = tag < 0x80 ? [tag] : [(tag & 0x7f) | 0x80, tag >>> 7];
  return Uint8Array.of(...tagBytes, bytes.length, ...bytes);
}

const text = (value: string) => new TextEncoder().encode(value);
const onWire = (body: NonNullable<PacketOnWire['body']>) => PacketOnWire.encode({ body }).finish();

describe('a packet', () => {
  it.each(packetSamples)('comes out as it went in: $name', ({ packet }) => {
    expect(plain(decodePacket(encodePacket(packet)))).toStrictEqual(plain(packet));
  });

  it('comes out as it went in with every rejection', () => {
    for (const packet of rejections) expect(plain(decodePacket(encodePacket(packet)))).toEqual(plain(packet));
  });

  it('is sampled with every message of the kernel, or the message never leaves a node and is refused', () => {
    const told = packetSamples.flatMap(({ packet }) => (packet.kind === 'tell' ? [packet.message.kind] : []));
    const local = localSamples.map(({ kind }) => kind);
    expect([...new Set([...told, ...local])].sort()).toEqual(Object.keys(samples).sort());
    for (const message of localSamples) {
      const letter: Letter = { to: sessionAddress(7), message, bytes: 0 };
      expect(() => encodePacket({ kind: 'tell', ...letter })).toThrow('never leaves a node');
    }
  });

  it('has the bytes that were recorded (else: node src/server/cluster/golden/make.ts)', () => {
    const now = packetSamples.map(({ name, packet }) => [name, Buffer.from(encodePacket(packet)).toString('hex')]);
    expect(Object.fromEntries(now)).toEqual(golden);
  });

  it('keeps its own copy of its bytes, and no others', () => {
    const packet: Packet = { kind: 'deliver', audience: { room }, frame: text('frame'), mark: undefined, shed: false };
    const bytes = encodePacket(packet);
    const received = Buffer.alloc(10_000);
    received.set(bytes, 100);
    const decoded = decodePacket(received.subarray(100, 100 + bytes.length));
    received.fill(0);
    expect(plain(decoded)).toEqual(plain(packet));
    expect(decoded?.kind === 'deliver' && decoded.frame.buffer.byteLength).toBe(bytes.length);
  });

  it('is not made of numbers that are none', () => {
    for (const session of [-1, 1.5, Number.NaN, 2 ** 64]) {
      expect(() => encodePacket({ kind: 'watch', session, room })).toThrow();
    }
  });
});

describe('foreign bytes', () => {
  it('cut at every byte give a packet that can be sent on, or null', () => {
    for (const bytes of encoded) {
      for (let end = 0; end < bytes.length; end++) {
        const packet = decodePacket(bytes.subarray(0, end));
        if (packet !== null) encodePacket(packet);
      }
    }
  });

  it('flipped, or of any kind, give a packet that can be sent on, or null', () => {
    const flipped = fc.tuple(fc.constantFrom(...encoded), fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
      const copy = bytes.slice();
      if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const packet = decodePacket(bytes);
        if (packet !== null) encodePacket(packet);
      }),
      { numRuns: 10_000 },
    );
  });

  it('nested deeper than any packet are null', () => {
    expect(decodePacket(new Uint8Array(60_000).fill(0x0b))).toBeNull();
  });

  it.each([
    ['nothing at all', new Uint8Array()],
    ['a packet of a later version', field(99, text('x'))],
    [
      'a message of a later version',
      field(1, Uint8Array.of(...field(1, text('room/!r:lux')), ...field(3, field(99, text('x'))))),
    ],
    ['a number of 2^53', field(4, Uint8Array.of(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10))],
    ['a letter without message', onWire({ $case: 'tell', value: { to: room, bytes: 0, message: undefined } })],
    ['a join without audience', onWire({ $case: 'join', value: { session: 1, audience: undefined } })],
    [
      'a delivery without frame',
      onWire({
        $case: 'deliver',
        value: { audience: { $case: 'room', value: room }, frame: new Uint8Array(), mark: undefined, shed: false },
      }),
    ],
    [
      'a summary without entry',
      onWire({ $case: 'summarised', value: { room, token: 1, summary: { room, entry: undefined, floor: 0 } } }),
    ],
  ])('that are %s give null', (_what, bytes) => {
    expect(decodePacket(bytes)).toBeNull();
  });

  it('with a body of a later version in a request or an answer give null', () => {
    const frame = { request: 3, body: undefined, _unknownFields: { [(99 << 3) | 2]: [Uint8Array.of(0)] } };
    const { from } = samples.request;
    const request = onWire({
      $case: 'tell',
      value: { to: 'user/@ann:lux', bytes: 0, message: { body: { $case: 'request', value: { from, frame } } } },
    });
    const answer = onWire({
      $case: 'tell',
      value: { to: 'session/7', bytes: 0, message: { body: { $case: 'answer', value: frame } } },
    });
    expect([decodePacket(request), decodePacket(answer)]).toEqual([null, null]);
  });

  it('with a request that is not for a user actor give null', () => {
    const { from } = samples.request;
    const frame: ClientFrame = { request: 0, body: { $case: 'subscribe', value: { rooms: [room] } } };
    const bytes = onWire({
      $case: 'tell',
      value: { to: 'user/@ann:lux', bytes: 0, message: { body: { $case: 'request', value: { from, frame } } } },
    });
    expect(decodePacket(bytes)).toBeNull();
  });

  it('keep what a later version added to a request, also where the letter is returned', () => {
    const { submit } = samples.submit;
    const added = { ...submit, _unknownFields: { [(200 << 3) | 2]: [Uint8Array.of(1, 0xaa)] } };
    const letter: Letter = { to: roomAddress(room), message: { ...samples.submit, submit: added }, bytes: 9 };
    const returned = decodePacket(encodePacket({ kind: 'returned', ...letter }));
    expect(plain(returned)).toEqual(plain({ kind: 'returned', ...letter }));
  });
});

describe('what a packet must keep to', () => {
  const passes = (packet: Packet) => decodePacket(encodePacket(packet)) !== null;
  const deliver = (length: number, mark?: number): Packet => ({
    kind: 'deliver',
    audience: { room },
    frame: new Uint8Array(length),
    mark: mark === undefined ? undefined : new Uint8Array(mark),
    shed: false,
  });

  it('is a frame of 1 byte to 64 KiB', () => {
    expect([0, 1, 65_536, 65_537].map((length) => passes(deliver(length)))).toEqual([false, true, true, false]);
    expect([0, 1, 65_536, 65_537].map((length) => passes(deliver(1, length)))).toEqual([false, true, true, false]);
  });

  it('is a close code that a WebSocket can send', () => {
    const codes = [0, 3_999, 4_000, 4_999, 5_000] as Disconnect[];
    const kept = [false, false, true, true, false];
    expect(codes.map((code) => passes({ kind: 'disconnect', session: 1, code, retryAfterMs: 0 }))).toEqual(kept);
    const device = { kind: 'disconnectDevice', user: '@ann:lux', device: 2, except: undefined } as const;
    expect(codes.map((code) => passes({ ...device, code }))).toEqual(kept);
    expect(passes({ ...device, code, except: max })).toBe(true);
  });

  it('is a shard that there is', () => {
    expect([63, 64].map((shard) => passes({ kind: 'owns', shards: [0, shard] }))).toEqual([true, false]);
  });

  it('is a message for the kind of actor that it is addressed to', () => {
    const message = samples.deviceRevoked;
    const to = [userAddress('@ann:lux'), roomAddress(room), sessionAddress(7)];
    expect(to.map((to) => passes({ kind: 'tell', to, message, bytes: 0 }))).toEqual([true, false, false]);
    const told = { kind: 'tellSessions', user: '@ann:lux', device: undefined } as const;
    expect(passes({ ...told, message: samples.mayWrite })).toBe(true);
    expect(passes({ ...told, message: message as never })).toBe(false);
  });

  it('is an address: to whom, and where an answer goes', () => {
    const addresses = [
      '',
      'session',
      'session/',
      'session/x',
      'session/-1',
      'session/1.5',
      'user/',
      'node/1',
      `session/${max + 1}`,
    ];
    for (const text of addresses) {
      const address = text as Address;
      expect([text, passes({ kind: 'tell', to: address, message: samples.evicted, bytes: 0 })]).toEqual([text, false]);
      const asking = [
        samples.subscribe,
        samples.deposit,
        samples.claim,
        samples.readKeys,
        samples.standing,
        samples.authorise,
      ];
      for (const message of asking) {
        const to = (['subscribe', 'authorise'].includes(message.kind) ? 'room/!r:lux' : 'user/@ann:lux') as Address;
        expect(passes({ kind: 'tell', to, message, bytes: 0 })).toBe(true);
        expect([text, passes({ kind: 'tell', to, message: { ...message, replyTo: address }, bytes: 0 })]).toEqual([
          text,
          false,
        ]);
      }
    }
  });
});
