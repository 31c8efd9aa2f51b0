// Taking a record into a held room: checked against the one before, opened, kept with everything that follows from it in one write, told.
// A record is taken once and in order; what contradicts what is held freezes sending and is not taken. Only within the room's `exclusive`.
import { Rejection } from '#proto/gen/codes.ts';
import { LocalRecord, type LocalRoom } from '#proto/gen/local.ts';
import {
  ControlEntry,
  ControlKind,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  Stamp,
} from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { decodeControl } from '#proto/rules/control/entry.ts';
import { mayPost, maySetSlot } from '#proto/rules/control/state.ts';
import { decodeEmptying } from '#proto/rules/record/emptying.ts';
import { checkControlHead } from '#proto/rules/record/event.ts';
import { isWrittenApart } from '#proto/rules/record/payload.ts';
import { type CheckedRecord, checkRecord } from '#proto/rules/record/record.ts';
import type { TroubleCause } from '../alarms.ts';
import { type Beside, syncChain, takeControl } from '../chain/room-control.ts';
import { identityIn } from '../chain/room-identity.ts';
import { ClientError } from '../errors.ts';
import { type Opened, openEvent } from '../sending/content.ts';
import { emptyingAfter } from '../sending/deleting.ts';
import type { OutboxChange } from '../sending/waiting.ts';
import { everyPage, type LocalChange, prefixRange } from '../store/store.ts';
import { messageId } from '../timeline/timeline.ts';
import type { RoomCopy } from './room-copy.ts';
import { checkEmptied, emptiedMark, emptyTargets, isLawfulEmptying, judgeMarks } from './room-emptying.ts';
import { lineChangedBy, recordAt, recordById, rowsOf } from './room-rows.ts';
import { repairSlot, setSlot } from './room-slots.ts';
import { compareWitness } from './room-witness.ts';

/** Seq of a record that was not checked yet; NaN where it does not decode. */
export function seqOf(record: LogRecord): number {
  try {
    return Stamp.decode(record.stamp).seq;
  } catch {
    // The server's bytes, and nothing but the codec.
    return Number.NaN;
  }
}

/** Takes the next record. False = it contradicts what is held: nothing more is taken. Rejects as requests do, and with PROTOCOL where rows are
 * missing before it: then nothing was taken. */
export async function takeRecord(room: RoomCopy, record: LogRecord, beside: Beside): Promise<boolean> {
  const { parts } = room.ports;
  const continues = placeOf(room, record);
  const checked = checkRecord(record, continues ? (room.local.head ?? null) : null, {
    room: room.room,
    primitives: parts.primitives,
  });
  if (typeof checked === 'string') {
    await room.freeze(checked === 'FORK' ? 'HISTORY_FORKED' : 'RECORD_INVALID');
    return false;
  }
  const { header, stamp } = checked;
  const changes: LocalChange[] = [];
  if (!(await isAllowed(room, record, checked, { beside, changes }))) return false;
  const { kept, session } = await openRecord(room, record, checked, room.acceptedAfterMs(stamp.seq));
  changes.push(...(await judgeMarks(room, record, checked)));
  const targets = await emptyTargets(room, record, checked);
  const sending = [...outboxOf(room, checked, record), ...(await emptyLateEdit(room, kept)), ...heard(room, kept)];
  changes.push(...targets.rows, ...sending.flatMap(({ rows }) => rows));
  // Everything that follows from the record becomes durable with it: a crash may come at any moment.
  const before = stretchOf(room);
  advance(room, checked, continues);
  if (header.kind === EventKind.EVENT_KIND_SLOT) setSlot(room, kept, header, stamp.seq);
  if (record.emptiedBy > 0) changes.push(emptiedMark(room.room, stamp.seq, record.emptiedBy));
  if (isOwnReading(room, record, checked)) room.readTo(stamp.seq, stamp.count);
  await keep(room, before, [...changes, ...rowsOf(room.room, kept, session)]);
  for (const { settle } of sending) settle();
  for (const row of [...targets.emptied, kept]) await tell(room, row);
  return true;
}

/** Would an honest hub have taken it, by the chain? A control entry is taken into the chain. False = the room is frozen. Rejects as requests do. */
async function isAllowed(
  room: RoomCopy,
  record: LogRecord,
  checked: CheckedRecord,
  { beside, changes }: { readonly beside: Beside; readonly changes: LocalChange[] },
): Promise<boolean> {
  const { header, stamp } = checked;
  if (header.kind === EventKind.EVENT_KIND_CONTROL)
    return takeControl(room, { seq: stamp.seq, body: record.body, ...beside }, changes);
  if ((header.control?.number ?? 0) > room.chain.number) await syncChain(room);
  if (room.chain.standsAt(stamp.seq)) {
    // The chain was read with an entry in this very place.
    await room.freeze('HISTORY_FORKED');
    return false;
  }
  if (knowsRemovals(room, checked) && maySay(room, record, checked)) return true;
  await room.freeze('RECORD_INVALID');
  return false;
}

/** Takes the record below those that are held. False = it contradicts them, or the room's chain. */
export async function takeOlderRecord(room: RoomCopy, record: LogRecord): Promise<boolean> {
  const { parts } = room.ports;
  const { local } = room;
  const checked = checkRecord(record, null, { room: room.room, primitives: parts.primitives });
  if (typeof checked === 'string' || !maySay(room, record, checked)) {
    await room.freeze('RECORD_INVALID');
    return false;
  }
  const { seq, previousHash } = checked.stamp;
  const joins = seq === local.lowSeq - 1;
  if (joins ? !equalBytes(checked.head.hash, local.beforeLowHash) : !room.mayMiss(seq + 1, local.lowSeq - 1)) {
    await room.freeze('HISTORY_FORKED');
    return false;
  }
  const held = (await recordAt(room, seq))?.record;
  // One that is here is of an earlier stay in this room.
  const opened = held ? undefined : await openRecord(room, record, checked, room.acceptedAfterMs(seq));
  if (opened) await checkEmptied(room, record);
  if (opened && checked.header.kind === EventKind.EVENT_KIND_SLOT) repairSlot(room, opened.kept, seq);
  const before = stretchOf(room);
  local.lowSeq = seq;
  local.beforeLowHash = previousHash;
  const said = opened ? heard(room, opened.kept) : [];
  const rows = opened ? rowsOf(room.room, opened.kept, opened.session) : [];
  await keep(room, before, [...said.flatMap((one) => one.rows), ...rows]);
  for (const { settle } of said) settle();
  return held ? compareHeld(room, held, checked) : true;
}

/** Tries records again that could not be decrypted, where `test` holds for cause and session ('' = not known). */
export async function retryRecords(
  room: RoomCopy,
  test: (cause: TroubleCause, session: string) => boolean,
): Promise<void> {
  const { store } = room.ports.parts;
  for await (const waiting of everyPage(store, 'undecrypted', prefixRange(`${room.room} `)))
    for (const { key, value } of waiting) {
      const [cause = '', session = ''] = new TextDecoder().decode(value).split(' ');
      if (!test(cause as TroubleCause, session)) continue;
      const row = await store.get('records', key);
      if (row) await reopen(room, LocalRecord.decode(row));
    }
}

async function reopen(room: RoomCopy, old: LocalRecord): Promise<void> {
  const { parts } = room.ports;
  if (!old.record || old.trouble === '') return;
  const checked = checkRecord(old.record, null, { room: room.room, primitives: parts.primitives });
  if (typeof checked === 'string') return;
  const { kept, session } = await openRecord(room, old.record, checked, old.afterMs);
  const tried = { ...kept, tries: old.tries + 1 };
  if (kept.trouble === '' && checked.header.kind === EventKind.EVENT_KIND_SLOT)
    repairSlot(room, tried, checked.stamp.seq);
  const sending = [...(await emptyLateEdit(room, kept)), ...heard(room, kept)];
  const rows = sending.flatMap((one) => one.rows);
  await parts.store.write([...rows, ...rowsOf(room.room, tried, session), room.row()]);
  for (const { settle } of sending) settle();
  if (kept.trouble !== '') return;
  parts.count(`repaired.${old.trouble}`);
  await tell(room, tried);
  room.ports.changed();
}

/** True where it continues the head; false where it begins a new stretch, because this user was away, or the rows between expired. */
function placeOf(room: RoomCopy, record: LogRecord): boolean {
  const { headSeq } = room;
  const seq = seqOf(record);
  if (headSeq === 0) return false;
  if (!(seq > headSeq + 1)) return true;
  if (room.mayMiss(headSeq + 1, seq - 1)) return false;
  throw new ClientError('PROTOCOL', `Records ${headSeq + 1} to ${seq - 1} of ${room.room} were not handed out.`);
}

type Stretch = Pick<LocalRoom, 'head' | 'lowSeq' | 'beforeLowHash'>;

/** What of the log is held. */
function stretchOf({ local: { head, lowSeq, beforeLowHash } }: RoomCopy): Stretch {
  return { head, lowSeq, beforeLowHash };
}

/** Writes rows with the room's own. Where that fails the record was not taken: it comes again, and what is held has no hole. */
async function keep(room: RoomCopy, before: Stretch, rows: readonly LocalChange[]): Promise<void> {
  try {
    await room.ports.parts.store.write([...rows, room.row()]);
  } catch (error) {
    Object.assign(room.local, before);
    throw error;
  }
}

function advance(room: RoomCopy, { stamp, head }: CheckedRecord, continues: boolean): void {
  const { local } = room;
  local.head = head;
  if (!continues) {
    local.lowSeq = stamp.seq;
    local.beforeLowHash = stamp.previousHash;
  }
  local.serverSeq = Math.max(local.serverSeq, stamp.seq);
  local.serverCount = Math.max(local.serverCount, stamp.count);
}

/** A message of this device leaves the outbox for the log. */
function outboxOf(room: RoomCopy, { header }: CheckedRecord, record: LogRecord): readonly OutboxChange[] {
  const { parts, outbox } = room.ports;
  const isOwn = header.device === parts.device && room.chain.user(header.member) === parts.user;
  const leaving = isOwn ? outbox.arriving(room.room, record.header) : undefined;
  return leaving ? [leaving] : [];
}

async function emptyLateEdit(room: RoomCopy, kept: LocalRecord): Promise<readonly OutboxChange[]> {
  const emptying = await emptyingAfter(room, kept);
  return emptying ? [room.ports.outbox.prepare(emptying)] : [];
}

/** What its author says of themselves, if that is what it says and it is proven. Of an own device: what was said here last. */
function heard(room: RoomCopy, { record, content, unproven }: LocalRecord): readonly OutboxChange[] {
  const body = content?.body;
  if (body?.$case !== 'profile' || unproven || !record) return [];
  const { member, control } = EventHeader.decode(record.header);
  const { acceptedMs } = Stamp.decode(record.stamp);
  const { parts } = room.ports;
  const user = room.chain.user(member);
  if (user === '' || parts.hides(user, acceptedMs)) return [];
  if (user === parts.user && body.value.changedMs >= room.local.profileMs) {
    room.local.profileMs = body.value.changedMs;
    room.local.profileControl = Math.max(room.local.profileControl, control?.number ?? 0);
    room.local.profileAcceptedMs = Math.max(room.local.profileAcceptedMs, acceptedMs);
  }
  const change = parts.profiles.heard(user, body.value, acceptedMs);
  return change ? [change] : [];
}

/** Whoever writes, or has just come in, has read what came before, on whichever device. */
function isOwnReading(room: RoomCopy, record: LogRecord, { header }: CheckedRecord): boolean {
  if (room.chain.user(header.member) !== room.ports.parts.user) return false;
  if (header.kind !== EventKind.EVENT_KIND_CONTROL) return header.counts;
  const body = decodeControl(ControlEntry.decode(record.body));
  if (typeof body === 'string') return false;
  return body.kind === ControlKind.CONTROL_KIND_ACCEPT || body.kind === ControlKind.CONTROL_KIND_CREATE;
}

/** An honest hub refuses what someone wrote who did not know of the last removal: the one who was removed may hold its key. */
function knowsRemovals(room: RoomCopy, { header, stamp }: CheckedRecord): boolean {
  const state = room.chain.stateAt(stamp.seq);
  // Of an entry that is not here `compareWitness` speaks, once the author is proven.
  const number = header.control?.number ?? 0;
  if (state === null || number > state.number) return true;
  // Which hash an entry has that a CHECKPOINT stood in for is not known here, only whether it is new enough.
  if (room.chain.isSkipped(number)) return number >= state.lastRemoval;
  const hashAt = (number: number) => room.chain.hashAt(number);
  return checkControlHead(header, state, hashAt) !== Rejection.REJECTION_STALE_STATE;
}

/** Might the author say this in that moment, by the chain? An honest hub asks the same: who was removed, or stands too low, is not heard. */
function maySay(room: RoomCopy, record: LogRecord, { header, stamp }: CheckedRecord): boolean {
  if (header.kind === EventKind.EVENT_KIND_CONTROL) return true;
  if (room.chain.isUntold(stamp.seq)) return mightSay(room, record, header, stamp.seq);
  const state = room.chain.stateAt(stamp.seq);
  if (state === null) return false;
  if (header.kind === EventKind.EVENT_KIND_SLOT) return maySetSlot(state, header.member);
  if (header.kind === EventKind.EVENT_KIND_EMPTYING) return isLawfulEmptying(record.body, header, state);
  return mayPost(state, header.member);
}

/** The same where a CHECKPOINT stood in for the entries of then: who was in the room is known, and nobody's role. */
function mightSay(room: RoomCopy, record: LogRecord, { member, kind }: EventHeader, seq: number): boolean {
  const isEmptying = kind === EventKind.EVENT_KIND_EMPTYING;
  if (isEmptying && typeof decodeEmptying(record.body) === 'number') return false;
  return (isEmptying && member === 0) || room.chain.wasThere(member, seq);
}

/** Does another place hold this very message? An author gives an id once, so the server repeats it. */
async function isRepeated(room: RoomCopy, { header, stamp }: CheckedRecord): Promise<boolean> {
  const first = (await recordById(room, messageId(header)))?.record;
  return first !== undefined && seqOf(first) !== stamp.seq;
}

/** Opens a record: decrypts, checks binding and the author's view of chain and log. `afterMs` as it was when the record came. */
async function openRecord(
  room: RoomCopy,
  record: LogRecord,
  checked: CheckedRecord,
  afterMs: number,
): Promise<{ kept: LocalRecord; session: string }> {
  const { header, stamp } = checked;
  const kept: LocalRecord = {
    ...{ record, content: undefined, trouble: '', tries: 1 },
    ...{ writtenMs: 0, contradicts: '', unproven: false, afterMs },
  };
  const encrypted = header.kind === EventKind.EVENT_KIND_CONTENT || header.kind === EventKind.EVENT_KIND_SLOT;
  if (!encrypted || record.emptiedBy > 0) return { kept, session: '' };
  const sender = room.chain.user(header.member);
  const person = room.chain.person(header.member);
  const committed = person && identityIn(room, person);
  const opened: Opened = (await isRepeated(room, checked))
    ? { trouble: 'REPLAY', alarm: 'MESSAGE_REPLAYED' }
    : sender === ''
      ? { trouble: 'UNKNOWN_DEVICE' }
      : await openEvent(room.ports.parts, { header, body: record.body, sender, committed, stamp, afterMs });
  if ('trouble' in opened) {
    room.ports.parts.count(`trouble.${opened.trouble}`);
    room.ports.parts.lacking();
    // One bad message is not shown; the room goes on.
    if (opened.alarm) room.ports.parts.alarm({ code: opened.alarm, room: room.room, user: sender });
    return { kept: { ...kept, trouble: opened.trouble }, session: opened.sessionId ?? '' };
  }
  const { writtenMs } = opened.inner;
  if (isWrittenApart(writtenMs, stamp.acceptedMs)) room.ports.parts.count('written.apart');
  const contradicts = await compareWitness(room, checked, opened.inner);
  const { content, unproven } = opened;
  if (unproven) room.ports.parts.count('unproven');
  return { kept: { ...kept, content, writtenMs, contradicts, unproven }, session: '' };
}

async function compareHeld(room: RoomCopy, held: LogRecord, { head }: CheckedRecord): Promise<boolean> {
  const same = equalBytes(recordHash(held.stamp, held.header, room.ports.parts.primitives), head.hash);
  if (!same) await room.freeze('HISTORY_FORKED');
  return same;
}

async function tell(room: RoomCopy, kept: LocalRecord): Promise<void> {
  const item = await lineChangedBy(room, kept);
  if (item) room.ports.parts.emit('item', item);
  else if (EventHeader.decode(kept.record?.header ?? noBytes).counts) room.ports.parts.count('line.none');
}
