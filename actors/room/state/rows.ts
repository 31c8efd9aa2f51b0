// The state rows of a room: what each key holds, how the covered view is written to them and read back. Only the keys that changed are written.
// A row that cannot be read is a bug or a broken store: it throws, and the room does not open.
import { PlacedControl } from '#proto/gen/client.ts';
import { Slot } from '#proto/gen/record.ts';
import {
  CheckpointRow,
  CredentialRow,
  EmptyingRow,
  HeadRow,
  IdentityRow,
  PersonRow,
  SentRow,
  StandingsRow,
  SummaryRow,
} from '#proto/gen/room.ts';
import { toHex } from '#proto/rules/base.ts';
import { decodeControl } from '#proto/rules/control-entry.ts';
import { decodeState, encodeState } from '#proto/rules/control-state.ts';
import type { StateChange, StateRow } from '../../log/messages.ts';
import type { RoomState } from './room-state.ts';
import { SendIds } from './send-ids.ts';

type Value = Uint8Array | null;

/** Takes all changes of the covered view since the last call, for one save. The caller sees to it that they are saved, or the actor goes. */
export function takeChanges(state: RoomState): StateChange[] {
  if (state.dirty.size === 0) return [];
  state.saves++;
  state.dirty.add('head');
  const rows = [...state.dirty].flatMap((key) => rowsOf(state, key));
  state.dirty.clear();
  return rows.map(({ key, value }) => ({ key, value, seq: state.head.seq, sub: state.saves }));
}

/** The change of one row for a save of its own, outside of `takeChanges`. */
export function changeNow(state: RoomState, key: string): StateChange {
  state.saves++;
  // The count of saves must get into the row `head` before the same segment is opened again.
  state.dirty.add('head');
  const [row] = rowsOf(state, key);
  return { ...must(row), seq: state.head.seq, sub: state.saves };
}

/** Puts the rows into a fresh state. Rows that belong together may come in any order. */
export function loadRows(state: RoomState, rows: readonly StateRow[]): void {
  const persons: PersonRow[] = [];
  const credentials: CredentialRow[] = [];
  const control: PlacedControl[] = [];
  for (const { key, value } of rows) {
    const slash = key.indexOf('/');
    const [name, rest] = slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
    switch (name) {
      case 'person':
        persons.push(PersonRow.decode(value));
        break;
      case 'credential':
        credentials.push(CredentialRow.decode(value));
        break;
      case 'control':
        control.push(PlacedControl.decode(value));
        break;
      default:
        loadRow(state, name, rest, value);
    }
  }
  // Of one member the newest person counts, and the roll wants the oldest first.
  for (const { seq, person } of persons.sort((a, b) => a.seq - b.seq)) state.people.keepPerson(seq, must(person));
  for (const { seq, credential, key, fingerprint } of credentials.sort((a, b) => a.seq - b.seq)) {
    state.people.keepCredential({ seq, credential: must(credential), key, fingerprint });
  }
  for (const { seq, entry } of control.sort((a, b) => a.seq - b.seq)) {
    const body = decodeControl(must(entry));
    if (typeof body === 'string') throw new Error(`a kept control entry is ${body}`);
    state.control.push({ seq, entry: must(entry), body });
  }
}

function loadRow(state: RoomState, name: string, rest: string, value: Uint8Array): void {
  switch (name) {
    case 'head': {
      const { incarnation, seq, acceptedMs, count, hash, saves } = HeadRow.decode(value);
      state.head = { incarnation: Math.max(incarnation, state.head.incarnation), seq, acceptedMs, count, hash };
      state.ahead = state.head;
      state.saves = saves;
      return;
    }
    case 'chain':
      state.chain = must(decodeState(value) ?? undefined);
      state.chainAhead = state.chain;
      return;
    case 'checkpoint': {
      const { number, state: encoded } = CheckpointRow.decode(value);
      state.checkpoint = { number, state: encoded };
      return;
    }
    case 'slot': {
      const slot = Slot.decode(value);
      state.setSlot(rest, slot);
      return;
    }
    case 'sent': {
      const { ids } = SentRow.decode(value);
      state.sent.set(rest, new SendIds(ids.map(({ sendId, seq, headerHash }) => ({ sendId, seq, headerHash }))));
      return;
    }
    case 'identity':
      state.identities.set(Number(rest), IdentityRow.decode(value).fingerprint);
      return;
    case 'standings':
      state.standings.load(StandingsRow.decode(value).owed);
      return;
    case 'emptying':
      state.emptyings.set(Number(rest), new Set(EmptyingRow.decode(value).seqs));
      return;
    case 'summary':
      // For those who list rooms without waking this one; here it only says whether a new one is due.
      state.summarySeq = SummaryRow.decode(value).entry?.headSeq ?? 0;
      return;
    default:
      throw new Error(`unknown state row ${name}`);
  }
}

function rowsOf(state: RoomState, key: string): { key: string; value: Value }[] {
  const slash = key.indexOf('/');
  const [name, rest] = slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
  switch (name) {
    case 'person':
      return personRows(state, Number(rest));
    case 'credential':
      return credentialRows(state, rest);
    case 'control': {
      const { seq, entry } = must(state.control[Number(rest) - 1]);
      return [{ key: `control/${rest.padStart(10, '0')}`, value: PlacedControl.encode({ seq, entry }).finish() }];
    }
    default:
      return [{ key, value: encodeUnit(state, name, rest) }];
  }
}

function encodeUnit(state: RoomState, name: string, rest: string): Value {
  switch (name) {
    case 'head':
      return HeadRow.encode({ ...state.head, saves: state.saves }).finish();
    case 'chain':
      return encodeState(must(state.chain ?? undefined));
    case 'checkpoint':
      return CheckpointRow.encode(must(state.checkpoint ?? undefined)).finish();
    case 'slot':
      return Slot.encode(must(state.slots.get(rest))).finish();
    case 'sent':
      return SentRow.encode({ ids: must(state.sent.get(rest)).through(state.head.seq) }).finish();
    case 'identity':
      return IdentityRow.encode({ fingerprint: must(state.identities.get(Number(rest))) }).finish();
    case 'standings':
      return StandingsRow.encode({ owed: state.standings.toRow() }).finish();
    case 'emptying': {
      const seqs = state.emptyings.get(Number(rest));
      return seqs === undefined ? null : EmptyingRow.encode({ seqs: [...seqs] }).finish();
    }
    default:
      throw new Error(`unknown state row ${name}`);
  }
}

/** All persons that ever stood under this number and are covered. */
function personRows(state: RoomState, member: number): { key: string; value: Value }[] {
  return state.people
    .personsOf(member)
    .filter(({ seq }) => seq <= state.head.seq)
    .map(({ seq, person, commitment }) => ({
      key: `person/${member}/${toHex(commitment.subarray(0, 16))}`,
      value: PersonRow.encode({ seq, person }).finish(),
    }));
}

function credentialRows(state: RoomState, device: string): { key: string; value: Value }[] {
  const [member, number] = device.split('/').map(Number) as [number, number];
  return state.people
    .credentials(member, number)
    .filter(({ seq }) => seq <= state.head.seq)
    .map(({ seq, credential, key, fingerprint }) => ({
      key: `credential/${device}/${seq}`,
      value: CredentialRow.encode({ seq, credential, key, fingerprint }).finish(),
    }));
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a part of the room state is missing');
  return value;
}
