// For tests: what other people do in the rooms of a DirectHub: control entries that they sign, and things that they say.
import { Content } from '#proto/gen/content.ts';
import {
  Algorithm,
  ControlEntry,
  ControlKind,
  EventHeader,
  EventKind,
  HistoryFrom,
  type ManifestHead,
  MemberStatus,
  Payload,
  PayloadInner,
  type Person,
  Role,
} from '#proto/gen/record.ts';
import { type Actor, bodyAfter, signBody, type Wish } from '#proto/golden/cast.ts';
import { noBytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { personCommitment } from '#proto/rules/bytes/hash.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { checkManifest, manifestHead } from '#proto/rules/identity/manifest.ts';
import { directRoomId } from '#proto/rules/ids.ts';
import { nodePrimitives as primitives } from '../node/node-primitives.ts';
import type { DirectHub } from './direct-hub.ts';

/** A control entry that somebody signs; `brings` is the person whom it brings in. */
export function enters(
  hub: DirectHub,
  room: string,
  actor: Actor,
  { brings, ...wish }: Wish & { readonly brings?: Person },
): void {
  const before = { room, ...hub.control(room) } as ControlState;
  const body = bodyAfter(before, actor, {
    ...wish,
    ...(brings ? { person: personCommitment(brings, primitives) } : {}),
  });
  const entry = ControlEntry.encode(signBody(body, actor.device(1).keys)).finish();
  const place = placeOf(hub, room, { member: body.actor, kind: EventKind.EVENT_KIND_CONTROL });
  const header = headerOf({ ...place, algorithm: Algorithm.ALGORITHM_NONE }, entry);
  const beside = { credential: actor.credential(body.actor, 1), ...(brings ? { person: brings } : {}) };
  hub.add(room, { header, body: entry }, beside);
}

/** Somebody begins the 1:1 room with the device's user and invites them; `bot`: as their provider says. The room. */
export function invites(hub: DirectHub, actor: Actor, bot = false): string {
  const room = begins(hub, actor, hub.me, bot);
  hub.room(room).status = MemberStatus.MEMBER_STATUS_INVITED;
  enters(hub, room, actor, {
    ...{ kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_ADMIN },
    brings: hub.me.person(2),
  });
  return room;
}

/** Somebody begins the 1:1 room with another, one of the two is the device's user, and invites nobody. The room. */
export function begins(hub: DirectHub, actor: Actor, other: Actor, bot = false): string {
  const room = directRoomId(actor.user, other.user, primitives);
  const history = HistoryFrom.HISTORY_FROM_START;
  const policy = { direct: true, history, inviteRole: 0, slotRole: 0, postRole: 0, membersMax: 0 } as const;
  const create = { kind: ControlKind.CONTROL_KIND_CREATE, target: 1, role: Role.ROLE_ADMIN, policy };
  const position = { hub: { provider: 'localhost', epoch: 1 }, nonce: new Uint8Array(16).fill(1) };
  enters(hub, room, actor, { ...create, ...position, brings: { ...actor.person(1), bot } });
  return room;
}

/** Somebody says something, from their first device; its body is its plaintext. */
export function says(hub: DirectHub, room: string, member: number, content: Content): void {
  const counts = content.body?.$case === 'text';
  const place = { ...placeOf(hub, room, { member, kind: EventKind.EVENT_KIND_CONTENT }), counts };
  const inner = PayloadInner.encode({
    ...PayloadInner.decode(noBytes),
    ...place,
    seen: { seq: 0, hash: zeroHash },
    manifest: listOf(hub, room, member),
    content: Content.encode(content).finish(),
    writtenMs: hub.nowMs,
  }).finish();
  const frankingKey = new Uint8Array(32).fill(1);
  const body = Payload.encode({ frankingKey, inner }).finish();
  const commitment = primitives.hmacSha256(frankingKey, inner);
  const header = headerOf({ ...place, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, commitment }, body);
  hub.add(room, { header, body });
}

/** The newest list of devices of whoever has this number. */
function listOf(hub: DirectHub, room: string, member: number): ManifestHead | undefined {
  const user = hub.room(room).persons.find((person) => person.member === member)?.user ?? '';
  const known = checkManifest(hub.manifest(hub.person(user)), user, primitives);
  return typeof known === 'string' ? undefined : manifestHead(known);
}

function placeOf(hub: DirectHub, room: string, { member, kind }: { member: number; kind: EventKind }) {
  const { number, hash } = hub.control(room);
  const sendId = 1_000 + hub.room(room).records.length;
  return { room, member, device: 1, sendId, kind, control: number > 0 ? { number, hash } : undefined };
}

function headerOf(parts: Partial<EventHeader>, body: Uint8Array): Uint8Array {
  const whole = { ...EventHeader.decode(noBytes), ...parts };
  return EventHeader.encode({ ...whole, bodySize: body.length, bodyHash: primitives.sha256(body) }).finish();
}
