// Packets between nodes as bytes: proto/node.proto is what they mean, actors/cluster/packets.ts what the switchboard takes and gives.
// Guarantees: every packet comes out as it went in; foreign bytes, whatever they are, give a packet that is whole or null. It does not know links: who
// sent the bytes, and how many may come, is theirs to check.

import type { Letter, Packet } from '#actors/cluster/packets.ts';
import type { Address } from '#actors/kernel/address.ts';
import type { Audience } from '#actors/kernel/effects.ts';
import type { SessionMessage } from '#actors/kernel/messages.ts';
import { shardCount } from '#actors/log/shards.ts';
import { type Letter as LetterOnWire, Packet as PacketOnWire, type SummarisedPacket } from '#proto/gen/node.ts';
import { limits } from '#proto/rules/limits.ts';
import { addressOf, messageFromWire, receiverOf } from './incoming-messages.ts';
import { messageToWire } from './outgoing-messages.ts';

type Body = NonNullable<PacketOnWire['body']>;
type AudienceOnWire = { $case: 'room'; value: string } | { $case: 'user'; value: string };

/** A packet as bytes of its own. Throws for a bug alone: a message that never leaves a node, a number that is none. */
export function encodePacket(packet: Packet): Uint8Array {
  return PacketOnWire.encode({ body: toWire(packet) }).finish();
}

/**
 * What another node sent; null = of a kind that is not known here, malformed, or without what its kind needs. Never throws. The bytes are copied once,
 * and byte arrays in the packet are views of that copy: safe to keep, and whoever keeps one keeps its packet's bytes and no others.
 */
export function decodePacket(bytes: Uint8Array): Packet | null {
  const body = parse(new Uint8Array(bytes));
  return body === undefined ? null : fromWire(body);
}

function parse(bytes: Uint8Array): PacketOnWire['body'] {
  try {
    return PacketOnWire.decode(bytes).body;
  } catch {
    // The decoder throws for malformed bytes and for nothing else.
    return undefined;
  }
}

function toWire(packet: Packet): Body {
  switch (packet.kind) {
    case 'tell':
      return { $case: 'tell', value: letterToWire(packet) };
    case 'returned':
      return { $case: 'returned', value: letterToWire(packet) };
    case 'join':
      return { $case: 'join', value: { session: packet.session, audience: audienceToWire(packet.audience) } };
    case 'watch':
      return { $case: 'watch', value: packet };
    case 'evict':
      return { $case: 'evict', value: packet };
    case 'tellSessions': {
      const { user, device, message } = packet;
      return { $case: 'tellSessions', value: { user, device, message: messageToWire(message) } };
    }
    case 'disconnect':
      return { $case: 'disconnect', value: packet };
    case 'disconnectDevice':
      return { $case: 'disconnectDevice', value: packet };
    case 'deliver': {
      const { audience, frame, mark, shed } = packet;
      return { $case: 'deliver', value: { audience: audienceToWire(audience), frame, mark, shed } };
    }
    case 'left':
      return { $case: 'left', value: { audience: audienceToWire(packet.audience), joins: packet.joins } };
    case 'summarised': {
      const { room, token, summary } = packet;
      return { $case: 'summarised', value: { room, token, summary: summary ?? undefined } };
    }
    case 'revoked':
      return { $case: 'revoked', value: packet };
    case 'leaving':
      return { $case: 'leaving', value: {} };
    case 'sync':
      return { $case: 'sync', value: packet };
    case 'synced':
      return { $case: 'synced', value: packet };
    case 'owns':
      return { $case: 'owns', value: { shards: [...packet.shards] } };
  }
}

function fromWire(body: Body): Packet | null {
  switch (body.$case) {
    case 'tell':
    case 'returned': {
      const letter = letterFromWire(body.value);
      return letter && { kind: body.$case, ...letter };
    }
    case 'join': {
      const { session, audience } = body.value;
      return audience ? { kind: 'join', session, audience: audienceFromWire(audience) } : null;
    }
    case 'watch': {
      const { session, room } = body.value;
      return { kind: 'watch', session, room };
    }
    case 'evict': {
      const { user, room } = body.value;
      return { kind: 'evict', user, room };
    }
    case 'tellSessions': {
      const { user, device } = body.value;
      const message = body.value.message && messageFromWire(body.value.message);
      if (!message || receiverOf(message) !== 'session') return null;
      return { kind: 'tellSessions', user, device, message: message as SessionMessage };
    }
    case 'disconnect': {
      const { session, code, retryAfterMs } = body.value;
      return isCode(code) ? { kind: 'disconnect', session, code, retryAfterMs } : null;
    }
    case 'disconnectDevice': {
      const { user, device, code, except } = body.value;
      return isCode(code) ? { kind: 'disconnectDevice', user, device, code, except } : null;
    }
    case 'deliver': {
      const { audience, frame, mark, shed } = body.value;
      if (!audience || !isFrame(frame) || (mark !== undefined && !isFrame(mark))) return null;
      return { kind: 'deliver', audience: audienceFromWire(audience), frame, mark, shed };
    }
    case 'left': {
      const { audience, joins } = body.value;
      return audience ? { kind: 'left', audience: audienceFromWire(audience), joins } : null;
    }
    case 'summarised':
      return summarisedFromWire(body.value);
    case 'revoked': {
      const { user, device } = body.value;
      return { kind: 'revoked', user, device };
    }
    case 'leaving':
      return { kind: 'leaving' };
    case 'sync':
    case 'synced':
      return body.value.shard < shardCount ? { kind: body.$case, shard: body.value.shard } : null;
    case 'owns': {
      const { shards } = body.value;
      return shards.every((shard) => shard < shardCount) ? { kind: 'owns', shards } : null;
    }
  }
}

function letterToWire({ to, message, bytes }: Letter): LetterOnWire {
  return { to, bytes, message: messageToWire(message) };
}

function letterFromWire({ to, bytes, message: onWire }: LetterOnWire): Letter | null {
  const message = onWire && messageFromWire(onWire);
  const address: Address | null = addressOf(to);
  if (!message || address === null || !address.startsWith(`${receiverOf(message)}/`)) return null;
  return { to: address, message, bytes };
}

function summarisedFromWire({ room, token, summary }: SummarisedPacket): Packet | null {
  if (summary === undefined) return { kind: 'summarised', room, token, summary: null };
  const { entry, floor } = summary;
  return entry ? { kind: 'summarised', room, token, summary: { room: summary.room, entry, floor } } : null;
}

function audienceToWire(audience: Audience): AudienceOnWire {
  return 'room' in audience ? { $case: 'room', value: audience.room } : { $case: 'user', value: audience.user };
}

function audienceFromWire({ $case, value }: AudienceOnWire): Audience {
  return $case === 'room' ? { room: value } : { user: value };
}

/** A close code that a WebSocket can send: also one of a later version. */
function isCode(code: number): boolean {
  return code >= 4_000 && code <= 4_999;
}

function isFrame(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.length <= limits.frameBytesMax;
}
