// A placed event as a row of the log and back. Reading a row back yields the very Placed that wrote it, so that applying rows again after a crash
// is what the live room did. Rows are the room's own: signatures were checked before they were written and are not checked again.
import type { Credential, Person, Record } from '#proto/gen/record.ts';
import { ControlEntry, Emptying, EventHeader, EventKind, SlotWrite, Stamp } from '#proto/gen/record.ts';
import { StoredRecord } from '#proto/gen/room.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { encodePassing } from '#proto/rules/bytes/encode.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { applyControl } from '#proto/rules/control/chain.ts';
import { decodeControl } from '#proto/rules/control/entry.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { emptied, withoutValue } from '#proto/rules/record/record.ts';
import type { KeptCredential } from './people.ts';
import type { Change, Placed, RoomState } from './room-state.ts';

/** Bytes of a header's hash that are kept with a send id. */
const headerHashBytes = 16;

/** What is kept of a header to tell a repeat from another event under the same send id. */
export function headerHashOf(header: Uint8Array, primitives: Primitives): Uint8Array {
  return primitives.sha256(header).slice(0, headerHashBytes);
}

/** The row of a record with what came beside it. */
export function encodeRow(record: Record, person: Person | null, credential: KeptCredential | null): Uint8Array {
  const beside = { person: person ?? undefined, credential: credential?.credential, emptiedSlot: undefined };
  return encodePassing(StoredRecord, { record, ...beside });
}

/** The record of a row. Throws where there is none (a broken store). */
export function recordOf(row: Uint8Array): Record {
  return must(StoredRecord.decode(row).record);
}

/** The row without the record's body, emptied by the event at seq `event`; null where it is empty already. What came beside it stays. */
export function emptiedRow(row: Uint8Array, event: number): Uint8Array | null {
  const stored = StoredRecord.decode(row);
  const record = must(stored.record);
  if (record.emptiedBy !== 0) return null;
  const isSlot = EventHeader.decode(record.header).kind === EventKind.EVENT_KIND_SLOT;
  const emptiedSlot = isSlot ? withoutValue(SlotWrite.decode(record.body)) : undefined;
  return StoredRecord.encode({ ...stored, record: emptied(record, event), emptiedSlot }).finish();
}

/** Reads a row again and puts it into both views of the state. Rows come in the order of their seqs. */
export function replayRow(state: RoomState, row: Uint8Array, primitives: Primitives): Placed {
  const stored = StoredRecord.decode(row);
  const { person, credential } = stored;
  const record = must(stored.record);
  const stamp = Stamp.decode(record.stamp);
  const header = EventHeader.decode(record.header);
  const { incarnation, seq, acceptedMs, count } = stamp;
  if (seq > state.ahead.seq && (seq !== state.ahead.seq + 1 || !equalBytes(stamp.previousHash, state.ahead.hash))) {
    throw new Error('a row does not continue the head');
  }
  if (person !== undefined) state.people.keepPerson(seq, person);
  const isForgotten = credential !== undefined && state.people.hasForgotten(credential.member);
  const kept = credential === undefined || isForgotten ? null : keptCredential(state, seq, record, credential);
  if (kept !== null) state.people.keepCredential(kept);
  const placed: Placed = {
    seq,
    record,
    header,
    headerHash: headerHashOf(record.header, primitives),
    head: { incarnation, seq, acceptedMs, count, hash: recordHash(record.stamp, record.header, primitives) },
    bytes: row.length,
    change: changeOf(state, { seq, kind: header.kind, record, stored }, primitives),
    credential: kept,
  };
  state.place(placed);
  state.cover(placed);
  return placed;
}

function changeOf(
  state: RoomState,
  row: { readonly seq: number; readonly kind: EventKind; readonly record: Record; readonly stored: StoredRecord },
  primitives: Primitives,
): Change {
  const { seq, kind, record, stored } = row;
  if (stored.emptiedSlot !== undefined) {
    const bytes = SlotWrite.encode(stored.emptiedSlot).finish();
    return { kind: 'slot', write: stored.emptiedSlot, bytes };
  }
  if (record.emptiedBy !== 0) return { kind: 'content' };
  switch (kind) {
    case EventKind.EVENT_KIND_CONTROL:
      return controlOf(state, seq, ControlEntry.decode(record.body), primitives);
    case EventKind.EVENT_KIND_SLOT:
      return { kind: 'slot', write: SlotWrite.decode(record.body), bytes: record.body };
    case EventKind.EVENT_KIND_EMPTYING:
      return { kind: 'emptying', emptying: Emptying.decode(record.body) };
    default:
      return { kind: 'content' };
  }
}

function controlOf(state: RoomState, seq: number, entry: ControlEntry, primitives: Primitives): Change {
  const body = decodeControl(entry);
  if (typeof body === 'string') throw new Error(`a control row is ${body}`);
  const before = state.chainAhead;
  // The state rows hold it already.
  if (before !== null && body.number <= before.number) return { kind: 'content' };
  const trusting: Primitives = { ...primitives, verify: () => true };
  const context = { room: state.room, seq, primitives: trusting, roll: state.people.roll };
  const result = applyControl(before, entry, { ...context, providerOf: () => '', fresh: false });
  if (result.invalid !== undefined) throw new Error(`a control row is ${result.invalid}`);
  return { kind: 'control', before, after: result.state, entry, body };
}

/** The credential with the key that signed the entry in this record, and the master key of the actor as it was then. */
function keptCredential(state: RoomState, seq: number, record: Record, credential: Credential): KeptCredential {
  const body = decodeControl(ControlEntry.decode(record.body));
  if (typeof body === 'string') throw new Error(`a control row is ${body}`);
  const signer = state.people.person(state.chainAhead?.members.get(body.actor)?.person ?? body.person);
  return { seq, credential, key: body.deviceKey, fingerprint: must(signer).fingerprint };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a row lacks what it must hold');
  return value;
}
