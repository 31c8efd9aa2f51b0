// How a room begins: the signed genesis of a group or a 1:1 room, and the way in which any control entry is submitted.
import { Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlBody, ControlEntry, type Event, EventKind, type Person } from '#proto/gen/record.ts';
import { zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { manifestHead } from '#proto/rules/identity/manifest.ts';
import { groupRoomId } from '#proto/rules/ids.ts';
import { reconnectMs } from '../connection/requests.ts';
import { isRejection, wasLost } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import { plainEvent, type SealingPlace } from '../sending/content.ts';
import { type Author, controlBytes, type SignedControl, type Statement, signControl } from './control-author.ts';

const genesisTries = 4;
/** Where the genesis of a group is kept until it is answered. */
const keptRow = { table: 'account', key: 'genesis' } as const;

/** Makes a room known to this device before its genesis goes out. */
export type HoldRoom = (room: string) => RoomCopy;

/**
 * Signs and submits the genesis of a group. The new room's id. A lost answer does not make two groups: the same event goes out again, and where that
 * does not help in time it is kept for the next call, also over a restart.
 */
export async function createGroupRoom(
  parts: Parts,
  self: Person,
  statement: Statement,
  hold: HoldRoom,
): Promise<string> {
  const kept = await keptGenesis(parts, statement, hold);
  const genesis = kept ?? (await signGenesis(parts, self, statement, hold));
  try {
    await submitUntilAnswered(parts, genesis);
  } catch (error) {
    if (wasLost(error)) throw error;
    // Its number may be forgotten at the hub: the room is there all the same.
    if (!kept || !isRejection(error, Rejection.REJECTION_ROOM_EXISTS)) {
      await forgetGenesis(parts);
      throw error;
    }
  }
  await forgetGenesis(parts);
  return genesis.room;
}

async function signGenesis(parts: Parts, self: Person, statement: Statement, hold: HoldRoom): Promise<Submit> {
  const signed = await signControl(author(parts), genesisPlace(''), { ...statement, person: self });
  const room = groupRoomId(controlHash(signed.entry.signed, parts.primitives), statement.hub?.provider ?? '');
  const replica = hold(room);
  const genesis = genesisOf(replica, signed, '');
  await parts.store.write([replica.row(), { ...keptRow, value: Submit.encode(genesis).finish() }]);
  return genesis;
}

function forgetGenesis({ store }: Parts): Promise<void> {
  return store.write([{ ...keptRow, value: undefined }]);
}

/** The genesis of a group that was not answered, if it is one like this. One that nobody has used since: else it is no new group any more. */
async function keptGenesis(parts: Parts, { policy }: Statement, hold: HoldRoom): Promise<Submit | undefined> {
  const row = await parts.store.get(keptRow.table, keptRow.key);
  const genesis = row && Submit.decode(row);
  if (!genesis?.event) return undefined;
  const { signed } = ControlEntry.decode(genesis.event.body);
  const isAlike = ControlBody.decode(signed).policy?.history === policy?.history;
  return isAlike && hold(genesis.room).chain.number <= 1 ? genesis : undefined;
}

/** Signs and submits the genesis of a 1:1 room. Rejects with REJECTED ROOM_EXISTS where the other was quicker. */
export async function createDirectRoom(
  replica: RoomCopy,
  self: Person,
  statement: Statement,
  partner: string,
): Promise<void> {
  const signed = await signControl(author(replica.ports.parts), genesisPlace(replica.room), {
    ...statement,
    person: self,
  });
  const genesis = genesisOf(replica, signed, partner);
  await replica.save();
  await submitUntilAnswered(replica.ports.parts, genesis);
}

function genesisPlace(room: string) {
  return { room, number: 1, previousHash: zeroHash, actor: 1 };
}

/** Takes a send id: durable before it goes out, since after a crash the id must not be given to something else. The caller writes the room's row. */
function genesisOf(replica: RoomCopy, signed: SignedControl, partner: string): Submit {
  const { room, local, ports } = replica;
  local.lastSendId += 1;
  local.member = 1;
  const nothing = { seen: { seq: 0, hash: zeroHash }, manifest: manifestHead(null), recipients: [] };
  const place: SealingPlace = { room, member: 1, sendId: local.lastSendId, control: controlHead(null), ...nothing };
  const { person, credential } = signed;
  return { room, event: controlEvent(ports.parts, place, signed), person, credential, partner };
}

async function submitUntilAnswered(parts: Parts, genesis: Submit): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await parts.request({ $case: 'submit', value: genesis }, 'accepted');
      return;
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
export async function submitControl(parts: Parts, room: string, event: Event, signed: SignedControl): Promise<void> {
  const { person, credential } = signed;
  await parts.request({ $case: 'submit', value: { room, event, person, credential, partner: '' } }, 'accepted');
}

/** Who signs here. */
export function author(parts: Parts): Author {
  return { engine: parts.engine, primitives: parts.primitives, device: parts.device, now: parts.now };
}
