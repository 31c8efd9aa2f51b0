// The control chain of a held room: read from the server entry by entry, taken when its record comes, compared with what others have seen.
// An entry that fails the rules, or a chain that went back, freezes sending and says why. What can't be followed is skipped to the newest CHECKPOINT.
import type { RoomSnapshot } from '#proto/gen/client.ts';
import { ControlEntry, ControlKind, type Credential, MemberStatus, type Person } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import type { AlarmCode } from '../alarms.ts';
import { countLater } from '../errors.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import type { LocalChange } from '../store/store.ts';
import { continues, hasVoucher, isContradicted, knowsSigner, numberOf, readCheckpoint } from './behind-checkpoint.ts';
import { type ChainLink, removals, type Taken } from './chain.ts';
import { isByTakenOff } from './taken-off-signer.ts';

/** What came with records: who the people in new entries are, and why their devices may sign. */
export interface Beside {
  readonly persons: readonly Person[];
  readonly credentials: readonly Credential[];
}

const byTakenOff: Taken = { result: 'invalid', fault: 'TAKEN_OFF' };

/** Nothing beside. */
export const nothingBeside: Beside = { persons: [], credentials: [] };

/** Reads the control entries that are not here. Rejects as requests do. Only within `exclusive`. */
export async function syncChain(room: RoomCopy): Promise<void> {
  const { parts } = room.ports;
  // A chain read for the first time is history: nobody joins now.
  const news = room.chain.number > 0;
  const known = room.chain.number;
  let isNew = false;
  for (;;) {
    const before = room.chain.number;
    const snapshot = await readFrom(room, before + 1);
    const changes: LocalChange[] = [];
    const read = await takeAll(room, snapshot, { changes, news });
    if (changes.length > 0) await parts.store.write([...changes, room.row()]);
    if (read === 'invalid') return;
    await meet(room, read === 'all' ? snapshot.persons : read);
    isNew ||= read !== 'all';
    if ((read !== 'all' || snapshot.next > 0) && room.chain.number > before) continue;
    const head = snapshot.head ?? { number: 0, hash: noBytes };
    await compareControl(room, head, known);
    await lookForVouchers(room, isNew);
    return;
  }
}

function readFrom(room: RoomCopy, fromControl: number): Promise<RoomSnapshot> {
  const value = { room: room.room, fromControl, slots: false, stateOffset: 0, afterSlot: '' };
  return room.ports.parts.request({ $case: 'readRoom', value }, 'roomSnapshot');
}

/** Takes what the answer has: all of it, or what is before a place that can't be followed, and the CHECKPOINT behind that with the persons who are given. */
async function takeAll(
  room: RoomCopy,
  snapshot: RoomSnapshot,
  { changes, news }: { readonly changes: LocalChange[]; readonly news: boolean },
): Promise<'all' | 'invalid' | readonly Person[]> {
  if (snapshot.checkpointNumber > room.chain.number) {
    // What was asked for is gone.
    const skipped = await skipTo(room, { changes, news });
    if (skipped) return skipped;
    await settle(room, { result: 'missing' }, { changes, news });
    return 'invalid';
  }
  for (const { seq, entry } of snapshot.control) {
    if (!entry) continue;
    const taken = await takeKnowing(room, { seq, entry, ...snapshot });
    const skipped = isIncomplete(taken) ? await skipTo(room, { changes, news }) : undefined;
    if (skipped) return skipped;
    if (!(await settle(room, taken, { changes, news }))) return 'invalid';
  }
  return 'all';
}

/** Goes on behind the newest CHECKPOINT. Undefined where there is none above what is here, or none that continues it. */
async function skipTo(
  room: RoomCopy,
  { changes, news }: { readonly changes: LocalChange[]; readonly news: boolean },
): Promise<'invalid' | readonly Person[] | undefined> {
  const { chain, local, ports } = room;
  const link = await readCheckpoint(room);
  if (!link || numberOf(link.entry) <= chain.number) return undefined;
  for (const person of link.persons) chain.roll.addPerson(person);
  if (!continues(chain, link)) return undefined;
  const isKnown = knowsSigner(chain, link);
  const taken = isByTakenOff(room, link.entry) ? byTakenOff : chain.skipTo(link);
  if (taken.result === 'applied') {
    ports.parts.count('chain.skipped');
    // Who went meanwhile is not told one by one.
    await ports.parts.engine.rotate(room.room);
    // Written with the chain: a crash must not leave it without this. It stays where an admin signed whom only such a beginning has.
    if (!isKnown && local.frozen === '') local.frozen = 'CONTROL_UNVOUCHED';
  }
  if (!(await settle(room, taken, { changes, news }))) return 'invalid';
  await checkSelf(room);
  return link.persons;
}

/** Does somebody stand for where the chain begins by now? Else the person is told, where it `isNew`, that nobody does. Only within `exclusive`. */
export async function lookForVouchers(room: RoomCopy, isNew: boolean): Promise<void> {
  if (room.local.frozen !== 'CONTROL_UNVOUCHED') return;
  if (isContradicted(room)) await room.freeze('CONTROL_ROLLED_BACK');
  else if (hasVoucher(room)) await vouched(room);
  else if (isNew) room.ports.parts.alarm({ code: 'CONTROL_UNVOUCHED', room: room.room });
}

/** Somebody stands for where the chain begins: what was held up for that goes on. */
async function vouched(room: RoomCopy): Promise<void> {
  room.local.frozen = '';
  await room.save();
  room.ports.changed();
  // Who waits to send looks again.
  room.ports.membersChanged({ kind: ControlKind.CONTROL_KIND_CHECKPOINT, actor: 0, target: 0, news: false });
}

/** Takes the entry in a CONTROL record. False = it is not valid: the room is frozen. Rejects as requests do. */
export async function takeControl(
  room: RoomCopy,
  link: { readonly seq: number; readonly body: Uint8Array } & Beside,
  changes: LocalChange[],
): Promise<boolean> {
  const entry = decodeCanonical(ControlEntry, link.body);
  if (!entry) {
    await room.freeze('CONTROL_INVALID');
    return false;
  }
  for (const person of link.persons) room.chain.roll.addPerson(person);
  // Taken without its person, the entry would be known, and nobody would bring the person any more.
  let taken: Taken = room.chain.lacksPerson(entry) ? { result: 'missing' } : takeFrom(room, { ...link, entry });
  if (isIncomplete(taken)) {
    // Persons, credentials or entries before it did not come along: the snapshot has them.
    await syncChain(room);
    taken = await takeKnowing(room, { ...link, entry });
  }
  const isTaken = await settle(room, taken, { changes, news: true });
  if (isTaken) await meet(room, link.persons);
  await lookForVouchers(room, false);
  return isTaken;
}

/** Takes an entry; where it rests on a person or credential that is not here, everything that the room knows of people is read again first. */
async function takeKnowing(room: RoomCopy, link: ChainLink): Promise<Taken> {
  const taken = takeFrom(room, link);
  if (taken.result !== 'invalid' || !isIncomplete(taken)) return taken;
  for (let from = 1; from > 0; ) {
    const snapshot = await readFrom(room, from);
    for (const person of snapshot.persons) room.chain.roll.addPerson(person);
    for (const credential of snapshot.credentials) room.chain.roll.addCredential(credential);
    if (snapshot.next <= from) break;
    from = snapshot.next;
  }
  return takeFrom(room, link);
}

/** Takes an entry, unless a device signed it that was off. */
function takeFrom(room: RoomCopy, link: ChainLink): Taken {
  return isByTakenOff(room, link.entry) ? byTakenOff : room.chain.take(link);
}

/** The server's control head must be in the own chain, and not below what was `known` when it was asked for. */
export async function compareControl(
  room: RoomCopy,
  head: { readonly number: number; readonly hash: Uint8Array },
  known: number,
): Promise<void> {
  const own = room.chain.hashAt(head.number);
  if (head.number < known || (own && !equalBytes(own, head.hash))) await room.freeze('CONTROL_ROLLED_BACK');
}

/** Does the chain name this user's own identity, or one that was theirs before? Else whoever brought them in was shown another one, whose holder would read
 * here in their name. */
export async function checkSelf(room: RoomCopy): Promise<void> {
  const { user } = room.ports.parts;
  if (room.identity === 'foreign') await room.freeze('IDENTITY_SWAPPED', user);
}

/** People who have joined: their manifests are fetched before keys are shared with them; what fails now is done then. Not those who are only invited:
 * they get no keys yet, and asking for them costs this user as strangers do. */
async function meet(room: RoomCopy, persons: readonly Person[]): Promise<void> {
  const { people, count } = room.ports.parts;
  const hasJoined = ({ user }: Person) =>
    room.chain.state?.members.get(room.chain.memberOf(user))?.status === MemberStatus.MEMBER_STATUS_JOINED;
  const strangers = persons.filter((person) => !people.get(person.user) && hasJoined(person)).map(({ user }) => user);
  if (strangers.length === 0) return;
  await people.refresh([...new Set(strangers)], room.room).catch((error) => countLater(count, error));
}

async function settle(
  room: RoomCopy,
  taken: Taken,
  { changes, news }: { changes: LocalChange[]; news: boolean },
): Promise<boolean> {
  if (taken.result === 'known') return true;
  if (taken.result === 'applied') {
    changes.push(...taken.changes);
    if (removals.has(taken.kind)) await room.ports.parts.engine.rotate(room.room);
    const { kind, actor, target } = taken;
    room.ports.membersChanged({ kind, actor, target, news });
    if (room.chain.user(taken.target) === room.ports.parts.user) await checkSelf(room);
    return true;
  }
  if (isIncomplete(taken)) await room.freeze('CONTROL_WITHHELD');
  else await room.freeze(alarmsOfFaults.get(taken.fault) ?? 'CONTROL_INVALID');
  return false;
}

/** Faults that say more than that an entry breaks the rules. */
const alarmsOfFaults: ReadonlyMap<string, AlarmCode> = new Map([
  ['REWRITTEN', 'CONTROL_ROLLED_BACK'],
  ['MOVED', 'HISTORY_FORKED'],
]);

type Invalid = Extract<Taken, { result: 'invalid' }>;

function isIncomplete(taken: Taken): taken is Exclude<Taken, Invalid | { result: 'applied' }> {
  return taken.result === 'missing' || (taken.result === 'invalid' && taken.fault.startsWith('MISSING_'));
}
