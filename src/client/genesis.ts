// How a room begins: the signed genesis of a group or a 1:1 room, and the way in which any control entry is submitted.
import type { Event, Person } from '#proto/gen/record.ts';
import { EventKind } from '#proto/gen/record.ts';
import { zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { manifestHead } from '#proto/rules/identity/manifest.ts';
import { groupRoomId } from '#proto/rules/ids.ts';
import { plainEvent, type SealingPlace } from './content.ts';
import { type Author, controlBytes, type SignedControl, type Statement, signControl } from './control-author.ts';
import { wasLost } from './errors.ts';
import type { Parts } from './parts.ts';
import { reconnectMs } from './requests.ts';
import type { RoomReplica } from './room.ts';

const genesisTries = 4;

/** Makes a room known to this device before its genesis goes out. */
export type HoldRoom = (room: string) => RoomReplica;

/** Signs and submits the genesis of a group. The new room's id. A lost answer does not make two groups: the same event goes out again. */
export async function createGroupRoom(
  parts: Parts,
  self: Person,
  statement: Statement,
  hold: HoldRoom,
): Promise<string> {
  const signed = await signControl(author(parts), genesisPlace(''), { ...statement, person: self });
  const room = groupRoomId(controlHash(signed.entry.signed, parts.primitives), statement.hub?.provider ?? '');
  await submitGenesis(hold(room), signed, '');
  return room;
}

/** Signs and submits the genesis of a 1:1 room. Rejects with REJECTED ROOM_EXISTS where the other was quicker. */
export async function createDirectRoom(
  replica: RoomReplica,
  self: Person,
  statement: Statement,
  partner: string,
): Promise<void> {
  const signed = await signControl(author(replica.ports.parts), genesisPlace(replica.room), {
    ...statement,
    person: self,
  });
  await submitGenesis(replica, signed, partner);
}

function genesisPlace(room: string) {
  return { room, number: 1, previousHash: zeroHash, actor: 1 };
}

async function submitGenesis(replica: RoomReplica, signed: SignedControl, partner: string): Promise<void> {
  const { room } = replica;
  const { parts } = replica.ports;
  // Durable before it goes out: after a crash the id must not be given to something else.
  replica.local.lastSendId += 1;
  replica.local.member = 1;
  await replica.save();
  const sendId = replica.local.lastSendId;
  const nothing = { seen: { seq: 0, hash: zeroHash }, manifest: manifestHead(null), recipients: [] };
  const place: SealingPlace = { room, member: 1, sendId, control: controlHead(null), ...nothing };
  const event = controlEvent(parts, place, signed);
  for (let attempt = 1; ; attempt++) {
    try {
      return await submitControl(parts, room, event, signed, partner);
    } catch (error) {
      // The room may be there: it answers the same event as it did at first.
      if (!wasLost(error) || attempt === genesisTries || !(await parts.whenLive(reconnectMs))) throw error;
    }
  }
}

/** A control entry as the event that carries it. */
export function controlEvent(parts: Parts, place: SealingPlace, signed: SignedControl): Event {
  return plainEvent(parts, place, EventKind.EVENT_KIND_CONTROL, controlBytes(signed.entry));
}

/** Submits a signed entry with what lies beside it. Rejects as requests do. */
export async function submitControl(
  parts: Parts,
  room: string,
  event: Event,
  signed: SignedControl,
  partner = '',
): Promise<void> {
  const { person, credential } = signed;
  await parts.request({ $case: 'submit', value: { room, event, person, credential, partner } }, 'accepted');
}

/** Who signs here. */
export function author(parts: Parts): Author {
  return { engine: parts.engine, primitives: parts.primitives, device: parts.device, now: parts.now };
}
