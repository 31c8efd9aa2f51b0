// Packets of every kind, and letters with every message that may cross: what the tests send through the wire, and whose bytes packets.json records.
import type { Packet } from '#actors/cluster/packets.ts';
import { type Address, roomAddress, sessionAddress, userAddress } from '#actors/kernel/address.ts';
import type { Message, Requester } from '#actors/kernel/messages.ts';
import { samples } from '#actors/kernel/samples.ts';
import { shardCount } from '#actors/log/shards.ts';
import { type EphemeralKind, RoomEntry, UserKeys } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { RoomStanding } from '#proto/gen/record.ts';
import { type CrossingMessage, receiverOf } from '../incoming-messages.ts';

/** A packet by name. */
export interface NamedPacket {
  readonly name: string;
  readonly packet: Packet;
}

/** Samples of messages that never leave a node. */
export const localSamples: readonly Message[] = [
  samples.opened,
  samples.frames,
  samples.tokenChecked,
  samples.closed,
  samples.unheard,
  samples.summaries,
  samples.grantChecked,
  samples.accountClosed,
  samples.log,
  samples.timer,
];

const crossing = Object.values(samples).filter((sample) => !localSamples.includes(sample)) as CrossingMessage[];

const max = Number.MAX_SAFE_INTEGER;
const max32 = 2 ** 32 - 1;
const none = new Uint8Array();
const hash = Uint8Array.from({ length: 32 }, (_, i) => i);
const frame = Uint8Array.of(0x9a, 0x02, 0x02, 0x08, 0x05);
const ann = '@ann:lux';
const room = '!r:lux';
const replyTo = userAddress('@bob:lux');
const entry: RoomEntry = { ...RoomEntry.decode(none), room, member: 3, headSeq: max, headHash: hash };
const head = { version: max, hash };
const from: Requester = { session: max, request: max32, user: ann, device: max32, mayEnter: false, mayInvite: false };
const token = max;

/** What the samples of the kernel leave out: optional parts, no answer at all, the largest numbers. */
const fuller: readonly CrossingMessage[] = [
  { kind: 'subscribedPart', token, room, entry },
  { kind: 'subscribedPart', token, room, entry: null, busy: true },
  {
    kind: 'welcomed',
    body: { $case: 'inboxMoved', value: { head: max } },
    mayWrite: false,
    manifest: head,
    mayEnter: false,
    consent: { hidden: [room, room], inviteFromMs: max },
  },
  { kind: 'mayWrite', mayWrite: false, manifest: head },
  { kind: 'mayEnter', mayEnter: false },
  { kind: 'consent', hidden: [], inviteFromMs: 0 },
  { kind: 'answer', request: max32, body: { $case: 'roomList', value: { rooms: [entry, entry], next: room } } },
  { kind: 'hello', session: max, device: max32, deviceId: 'A', deviceName: '\ufeffé ✓ 🙂' },
  { kind: 'request', from, body: { $case: 'ackInbox', value: { through: max, synced: true } } },
  { kind: 'deposited', token, user: ann, undelivered: [] },
  {
    kind: 'claimed',
    token,
    user: ann,
    keys: [{ user: ann, device: 2, deviceId: 'A', keyId: 'a:b', key: hash }],
  },
  { kind: 'claimed', token, user: ann, keys: [], busy: true },
  { kind: 'readKeys', replyTo, token, devices: false, own: true, manifestsAbove: max },
  { kind: 'readKeys', replyTo, token, devices: true, own: true, manifestsAbove: 0 },
  { kind: 'keysRead', token, user: ann, keys: { ...UserKeys.decode(none), user: ann, masterJson: hash, bot: true } },
  { kind: 'keysRead', token, user: ann, keys: null, busy: true },
  {
    kind: 'standing',
    replyTo: roomAddress(room),
    standing: { ...RoomStanding.decode(none), room, controlNumber: max },
    readableFrom: max,
  },
  { kind: 'authorised', token, allowed: [ann, '@bob:lux'], invited: ['@eve:lux'] },
  { kind: 'authorised', token, allowed: [], invited: [], busy: true },
  { kind: 'subscribe', from, replyTo: sessionAddress(max), token, watch: true },
  { kind: 'fetch', from, fetch: { room, fromSeq: max, throughSeq: max, limit: 200, newestFirst: true } },
  { kind: 'putReceipt', from, write: hash },
  { kind: 'ephemeral', from, ephemeral: 999 as EphemeralKind },
  { kind: 'identityMoved', user: ann, fingerprint: hash, head },
];

type Samples = { readonly [Kind in Packet['kind']]: readonly Extract<Packet, { kind: Kind }>[] };

const packets: Samples = {
  tell: [...crossing, ...fuller].map((message) => ({ kind: 'tell', to: addressFor(message), message, bytes: 777 })),
  returned: [
    { kind: 'returned', to: roomAddress(room), message: samples.submit, bytes: 0 },
    { kind: 'returned', to: userAddress(ann), message: samples.deposit, bytes: max },
  ],
  join: [
    { kind: 'join', session: 7, audience: { room } },
    { kind: 'join', session: max, audience: { user: ann } },
  ],
  watch: [{ kind: 'watch', session: max, room }],
  evict: [{ kind: 'evict', user: ann, room }],
  leaving: [{ kind: 'leaving' }],
  sync: [{ kind: 'sync', shard: shardCount - 1 }],
  synced: [{ kind: 'synced', shard: 0 }],
  revoked: [{ kind: 'revoked', user: ann, device: max32 }],
  tellSessions: [
    { kind: 'tellSessions', user: ann, device: undefined, message: samples.mayWrite },
    { kind: 'tellSessions', user: ann, device: max32, message: samples.mayEnter },
    { kind: 'tellSessions', user: ann, device: 0, message: samples.evicted },
  ],
  disconnect: [
    { kind: 'disconnect', session: max, code: Disconnect.DISCONNECT_BUSY, retryAfterMs: max32 },
    { kind: 'disconnect', session: 0, code: 4_999 as Disconnect, retryAfterMs: 0 },
  ],
  disconnectDevice: [
    { kind: 'disconnectDevice', user: ann, device: 2, code: Disconnect.DISCONNECT_LOGGED_OUT, except: undefined },
    { kind: 'disconnectDevice', user: ann, device: max32, code: Disconnect.DISCONNECT_REPLACED, except: max },
    { kind: 'disconnectDevice', user: ann, device: 2, code: Disconnect.DISCONNECT_REPLACED, except: 0 },
  ],
  deliver: [
    { kind: 'deliver', audience: { room }, frame, mark: frame.subarray(1), shed: false },
    { kind: 'deliver', audience: { user: ann }, frame, mark: undefined, shed: true },
  ],
  left: [
    { kind: 'left', audience: { room }, joins: max },
    { kind: 'left', audience: { user: ann }, joins: 0 },
  ],
  summarised: [
    { kind: 'summarised', room, token: max, summary: { room, entry, floor: max } },
    { kind: 'summarised', room, token: 5, summary: null },
  ],
  owns: [
    { kind: 'owns', shards: [] },
    { kind: 'owns', shards: [0, 5, 63] },
  ],
};

/** All samples, each with its own name. */
export const packetSamples: readonly NamedPacket[] = named(Object.values(packets).flat());

/** Of every answer that rejects, with each of its codes: what crosses most often when something is wrong. */
export const rejections: readonly Packet[] = Object.values(Rejection).map((code) => ({
  kind: 'tell',
  to: sessionAddress(7),
  message: {
    kind: 'answer',
    request: 3,
    body: { $case: 'rejected', value: { code, retryAfterMs: 500, control: { number: 4, hash }, manifest: undefined } },
  },
  bytes: 128,
}));

/** An actor of the kind that the message is for. */
function addressFor(message: CrossingMessage): Address {
  switch (receiverOf(message)) {
    case 'session':
      return sessionAddress(7);
    case 'user':
      return userAddress(ann);
    case 'room':
      return roomAddress(room);
  }
}

function named(all: readonly Packet[]): NamedPacket[] {
  const counts = new Map<string, number>();
  return all.map((packet) => {
    const what = packet.kind === 'tell' ? `tell ${packet.message.kind}` : packet.kind;
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    return { name: `${what} ${count}`, packet };
  });
}
