// The logs as the store holds them when all is over: read segment by segment, as whoever opens them next would, and applied by the rules alone.
// This is the truth that everything else is held against; it shares no code with the room or user actor but the row formats.
import type { MemoryStore } from '#actors/log/memory-store.ts';
import type { StoredRow } from '#actors/ports/log-store.ts';
import {
  type ControlBody,
  ControlEntry,
  type Emptying,
  type EventHeader,
  EventKind,
  InboxEntry,
  type Record,
} from '#proto/gen/record.ts';
import { StoredRecord } from '#proto/gen/room.ts';
import { applyControl } from '#proto/rules/control/chain.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { Roll } from '#proto/rules/identity/roll.ts';
import { decodeEmptying } from '#proto/rules/record/emptying.ts';
import { checkRecord, type LogHead } from '#proto/rules/record/record.ts';
import { simPrimitives } from '../primitives.ts';
import { short } from '../witness.ts';

/** A record in its place. */
export interface FinalRecord {
  readonly seq: number;
  readonly acceptedMs: number;
  readonly hash: string;
  readonly record: Record;
  readonly header: EventHeader;
  readonly control: ControlBody | null;
  readonly emptying: Emptying | null;
}

/** One room as it is in the end. */
export interface FinalRoom {
  readonly room: string;
  readonly records: readonly FinalRecord[];
  readonly chain: ControlState | null;
  readonly roll: Roll;
}

/** All rows of a log that exist, in order; `wrong` hears of holes. */
export function rowsOf(memory: MemoryStore, log: string, wrong: (what: string) => void): StoredRow[] {
  const rows: StoredRow[] = [];
  let next = 1;
  for (const { id, start, end } of memory.readMeta(log)?.segments ?? []) {
    if (start !== next) wrong(`${log}: segment ${id} starts at ${start}, not at ${next}`);
    const through = end === null ? Number.MAX_SAFE_INTEGER : end - 1;
    const range = { from: start, through, limit: 1_000_000, bytesMax: Number.MAX_SAFE_INTEGER, backwards: false };
    next = start;
    for (const row of memory.readRows(log, id, range)) {
      if (row.seq !== next) break;
      rows.push(row);
      next++;
    }
    if (end !== null && next !== end) wrong(`${log}: row ${next} of segment ${id} is missing, which ends at ${end}`);
  }
  return rows;
}

/** Reads a room and checks that its records are one chain from 1 to the head. */
export function readRoomLog(memory: MemoryStore, room: string, wrong: (what: string) => void): FinalRoom {
  const roll = new Roll(simPrimitives);
  const records: FinalRecord[] = [];
  let head: LogHead | null = null;
  let chain: ControlState | null = null;
  for (const { seq, bytes } of rowsOf(memory, `room/${room}`, wrong)) {
    const { record, person, credential } = StoredRecord.decode(bytes);
    if (record === undefined) {
      wrong(`${room}: row ${seq} holds no record`);
      break;
    }
    const checked = checkRecord(record, head, { room, primitives: simPrimitives });
    if (typeof checked === 'string' || checked.stamp.seq !== seq) {
      wrong(`${room}: record ${seq} is ${typeof checked === 'string' ? checked : 'in the wrong place'}`);
      break;
    }
    head = checked.head;
    if (person !== undefined) roll.addPerson(person);
    if (credential !== undefined) roll.addCredential(credential);
    const { header } = checked;
    let control: ControlBody | null = null;
    if (header.kind === EventKind.EVENT_KIND_CONTROL) {
      const context = { room, seq, primitives: simPrimitives, roll, providerOf: () => undefined, fresh: true };
      const result = applyControl(chain, ControlEntry.decode(record.body), context);
      if (result.state === undefined) wrong(`${room}: the control entry at ${seq} is ${result.invalid}`);
      else {
        chain = result.state;
        control = result.body;
      }
    }
    const isEmptying = header.kind === EventKind.EVENT_KIND_EMPTYING;
    const decoded = isEmptying ? decodeEmptying(record.body) : null;
    const emptying = typeof decoded === 'number' ? null : decoded;
    const { acceptedMs, hash } = checked.head;
    records.push({ seq, acceptedMs, hash: short(hash), record, header, control, emptying });
  }
  return { room, records, chain, roll };
}

/** A user's inbox rows. */
export function readInboxLog(memory: MemoryStore, user: string, wrong: (what: string) => void): InboxEntry[] {
  return rowsOf(memory, `user/${user}`, wrong).map(({ seq, bytes }) => {
    const entry = InboxEntry.decode(bytes);
    if (entry.seq !== seq) wrong(`user/${user}: row ${seq} says that it is ${entry.seq}`);
    return entry;
  });
}
