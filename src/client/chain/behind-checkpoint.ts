// Going on behind a CHECKPOINT where a chain can't be followed: its entries are gone at the hub, or one rests on somebody who was erased. A hub can make up such a
// state, with an admin of its own who signs it: so it is compared with the chain that is held, or somebody has to stand for it before anything is sent.
import {
  ControlBody,
  type ControlEntry,
  ControlKind,
  type Credential,
  MemberStatus,
  type Person,
  Role,
} from '#proto/gen/record.ts';
import { concatBytes, equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { decodeState } from '#proto/rules/control/state.ts';
import { ClientError } from '../errors.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import type { Chain, CheckpointLink, Signed } from './chain.ts';

/** Bytes of a state: far above the one of 65,535 members who each came sixteen times. Over it: PROTOCOL. */
const stateBytesMax = 64 * 1_024 * 1_024;
/** A room where checkpoints come faster than one can be read is looked at later. */
const readTries = 4;

/** Reads the newest CHECKPOINT with its state; undefined where there is none. Rejects as requests do, and with PROTOCOL where the answers do not fit. */
export async function readCheckpoint(room: RoomCopy): Promise<CheckpointLink | undefined> {
  for (let attempt = 0; attempt < readTries; attempt++) {
    const read = await tryRead(room);
    if (read !== 'moved') return read;
  }
  throw new ClientError('PROTOCOL', `The checkpoint of ${room.room} does not stand still.`);
}

async function tryRead(room: RoomCopy): Promise<CheckpointLink | undefined | 'moved'> {
  const pieces: Uint8Array[] = [];
  const persons: Person[] = [];
  const credentials: Credential[] = [];
  for (let [offset, number] = [0, 0]; ; ) {
    const read = { room: room.room, fromControl: 0, slots: false, stateOffset: offset + 1, afterSlot: '' };
    const page = await room.ports.parts.request({ $case: 'readRoom', value: read }, 'roomSnapshot');
    if (page.checkpointNumber === 0) return undefined;
    if (offset > 0 && page.checkpointNumber !== number) return 'moved';
    number = page.checkpointNumber;
    pieces.push(page.checkpointState);
    persons.push(...page.persons);
    credentials.push(...page.credentials);
    offset += page.checkpointState.length;
    if (offset > stateBytesMax || (page.checkpointState.length === 0 && offset < page.checkpointStateSize))
      throw new ClientError('PROTOCOL', `The checkpoint of ${room.room} is not handed out.`);
    if (offset < page.checkpointStateSize) continue;
    const [first] = page.control;
    if (first?.entry && numberOf(first.entry) === number)
      return { seq: first.seq, entry: first.entry, persons, credentials, stateBytes: concatBytes(...pieces) };
    // The page had no room left for the entry.
    const entry = await readEntry(room, number);
    if (!entry) throw new ClientError('PROTOCOL', `The checkpoint of ${room.room} has no entry.`);
    persons.push(...entry.persons);
    credentials.push(...entry.credentials);
    return { seq: entry.seq, entry: entry.entry, persons, credentials, stateBytes: concatBytes(...pieces) };
  }
}

async function readEntry(room: RoomCopy, number: number) {
  const read = { room: room.room, fromControl: number, slots: false, stateOffset: 0, afterSlot: '' };
  const { control, persons, credentials } = await room.ports.parts.request(
    { $case: 'readRoom', value: read },
    'roomSnapshot',
  );
  const [first] = control;
  return first?.entry && numberOf(first.entry) === number
    ? { seq: first.seq, entry: first.entry, persons, credentials }
    : undefined;
}

/**
 * Could the chain that is here have come to this state? Nobody whom it knows is missing or somebody else, no removal and no move of the hub is undone. Who is gone
 * may be: that they left is what the CHECKPOINT says.
 */
export function continues({ state, roll }: Chain, { stateBytes }: CheckpointLink): boolean {
  const after = decodeState(stateBytes);
  // What is wrong with the bytes is said by the rules.
  if (!state || typeof after === 'string') return true;
  if (after.lastRemoval < state.lastRemoval || after.hub.epoch < state.hub.epoch) return false;
  return [...state.members].every(({ number, person }) => {
    const now = after.members.get(number);
    if (!now || equalBytes(now.person, person)) return now !== undefined;
    // Another identity of the same user, or nobody whom anybody gives keys to.
    const user = roll.person(now.person)?.user;
    return user === undefined || user === roll.person(person)?.user;
  });
}

/** Does the chain, as far as it is here, have the signer of this CHECKPOINT joined as an admin, as the same person? */
export function knowsSigner({ state, roll }: Chain, { entry, stateBytes }: CheckpointLink): boolean {
  const body = decodeCanonical(ControlBody, entry.signed);
  const after = decodeState(stateBytes);
  if (!state || !body || typeof after === 'string') return false;
  const [then, now] = [state.members.get(body.actor), after.members.get(body.actor)];
  const isAdmin = then?.status === MemberStatus.MEMBER_STATUS_JOINED && then.role >= Role.ROLE_ADMIN;
  return isAdmin && now !== undefined && roll.person(then.person) !== undefined && equalBytes(then.person, now.person);
}

/** Does somebody who signed since, or what another own device named, stand for where the chain begins? */
export function hasVoucher(room: RoomCopy): boolean {
  const { chain, local } = room;
  const named = local.toldControl >= chain.start ? chain.hashAt(local.toldControl) : undefined;
  const isNamed = named !== undefined && equalBytes(named, local.toldHash);
  return isNamed || chain.signed.some((signed) => vouches(room, signed));
}

/** Did another own device name another entry under a number that is here? */
export function isContradicted({ chain, local }: RoomCopy): boolean {
  const named = chain.hashAt(local.toldControl);
  return named !== undefined && !equalBytes(named, local.toldHash);
}

function vouches({ chain, own, ports }: RoomCopy, { kind, actor, device, target, person }: Signed): boolean {
  const { people, user, device: ownDevice } = ports.parts;
  const signer = chain.roll.person(person);
  if (!signer) return false;
  const known = people.get(signer.user);
  const isKnown = known !== undefined && equalBytes(known.fingerprint, signer.fingerprint);
  // What this device signs says nothing: it did not see what was before.
  if (signer.user === user) return isKnown && device !== ownDevice;
  const broughtIn = kind === ControlKind.CONTROL_KIND_INVITE || kind === ControlKind.CONTROL_KIND_IDENTITY;
  // Who was in the room before could be shown out of it, to be let in by somebody who never was.
  if (!broughtIn || target !== own || actor === own || chain.wasInBefore(own)) return false;
  return known === undefined || isKnown;
}

/** Number of an entry that was not checked yet; 0 where it does not decode. */
export function numberOf({ signed }: ControlEntry): number {
  return decodeCanonical(ControlBody, signed)?.number ?? 0;
}
