// The state rows of a room: what each key holds and how the covered view is written to them. Only the keys that changed are written.
import { PlacedControl } from '#proto/gen/client.ts';
import { Slot } from '#proto/gen/record.ts';
import {
  BudgetRow,
  CheckpointRow,
  CredentialRow,
  EmptyingRow,
  ErasedRow,
  HeadRow,
  IdentityRow,
  PersonRow,
  SentRow,
  StandingsRow,
} from '#proto/gen/room.ts';
import { type ControlState, encodeChunk, encodeHead } from '#proto/rules/control/state.ts';
import type { StateChange } from '../../log/messages.ts';
import { personKey, type RoomState } from './room-state.ts';

type Value = Uint8Array | null;

/** Takes all changes of the covered view since the last call, for one save. The caller sees to it that they are saved, or the actor goes. */
export function takeChanges(state: RoomState): StateChange[] {
  if (state.dirty.size === 0) return [];
  state.saves++;
  state.dirty.add('head');
  const rows = [...state.dirty].flatMap((key) => rowsOf(state, key));
  state.dirty.clear();
  state.hasForgotten = false;
  return rows.map(({ key, value }) => ({ key, value, seq: state.head.seq, sub: state.saves }));
}

/** The change of one row for a save of its own, outside of `takeChanges`, to a value that is not shown before it is saved. */
export function changeTo(state: RoomState, key: string, value: Value): StateChange {
  state.saves++;
  // The count of saves must get into the row `head` before the same segment is opened again.
  state.dirty.add('head');
  return { key, value, seq: state.head.seq, sub: state.saves };
}

function rowsOf(state: RoomState, key: string): { key: string; value: Value }[] {
  const slash = key.indexOf('/');
  const [name, rest] = slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
  switch (name) {
    case 'person':
      // One of somebody who is forgotten.
      if (rest.includes('/')) return [{ key, value: null }];
      return personRows(state, Number(rest));
    case 'credential':
      if (rest.split('/').length > 2) return [{ key, value: null }];
      return credentialRows(state, rest);
    case 'control': {
      const kept = state.control.get(Number(rest));
      const value = kept && PlacedControl.encode({ seq: kept.seq, entry: kept.entry }).finish();
      return [{ key: `control/${rest.padStart(10, '0')}`, value: value ?? null }];
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
      return pieceOf(must(state.chain ?? undefined), rest);
    case 'checkpoint': {
      const { number, state: before } = must(state.checkpoint ?? undefined);
      const piece = pieceOf(before, rest);
      return rest === 'head' ? CheckpointRow.encode({ number, state: piece }).finish() : piece;
    }
    case 'budget':
      return BudgetRow.encode({ spent: state.budget.toRow(state.head.acceptedMs) }).finish();
    case 'slot':
      return Slot.encode(must(state.slots.get(rest))).finish();
    case 'sent':
      return SentRow.encode({ ids: must(state.sent.get(rest)).through(state.head.seq) }).finish();
    case 'identity': {
      const fingerprint = state.identities.get(Number(rest));
      return fingerprint === undefined ? null : IdentityRow.encode({ fingerprint }).finish();
    }
    case 'erased':
      return ErasedRow.encode({ forgotten: must(state.erased.get(Number(rest))) }).finish();
    case 'standings':
      return StandingsRow.encode({ owed: state.standings.toRow() }).finish();
    case 'emptying': {
      const left = state.emptyings.get(Number(rest));
      return left === undefined ? null : EmptyingRow.encode(left).finish();
    }
    case 'emptied': {
      const throughSeq = must(state.emptiedThrough.get(Number(rest)));
      return EmptyingRow.encode({ seqs: [], fromSeq: 0, throughSeq, member: Number(rest) }).finish();
    }
    default:
      throw new Error(`unknown state row ${name}`);
  }
}

/** `head`, or the chunk of this index. */
function pieceOf(state: ControlState, name: string): Uint8Array {
  return name === 'head' ? encodeHead(state) : encodeChunk(must(state.members.chunks[Number(name)]));
}

/** All persons that ever stood under this number and are covered. */
function personRows(state: RoomState, member: number): { key: string; value: Value }[] {
  return state.people
    .personsOf(member)
    .filter(({ seq }) => seq <= state.head.seq)
    .map(({ seq, person, commitment }) => ({
      key: personKey(member, commitment),
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
