// What a log hands over when it opens, put into a fresh state: the state rows, then the log's rows that these do not hold. In steps, for a large room
// takes longer than a turn may. A row that cannot be read is a bug or a broken store: it throws, and the room does not open.
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
  SummaryRow,
} from '#proto/gen/room.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeControl } from '#proto/rules/control/entry.ts';
import type { Chunk } from '#proto/rules/control/member-table.ts';
import { type ControlState, decodeChunk, joinState } from '#proto/rules/control/state.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { slotKind } from '#proto/rules/record/slots.ts';
import type { LogAnswer, StateRow } from '../../log/messages.ts';
import type { Placed, RoomState } from '../state/room-state.ts';
import { SendIds } from '../state/send-ids.ts';
import { replayRow } from '../state/stored.ts';

/** Units of work of a step: about 50 µs each. */
const [rowUnits, recordUnits, chunkUnits] = [1, 2, 8];

/** Loads step by step; each says how many units of work it was. `replayed` hears of every row of the log, in order. */
export function* loadRoom(
  state: RoomState,
  opened: LogAnswer & { kind: 'opened' },
  given: { readonly primitives: Primitives; readonly replayed: (placed: Placed) => void },
): Generator<number, void> {
  yield* loadRows(state, opened.state);
  // A receipt may be younger than the entry by which its member came in: that must not empty it. One of a member who went while it was saved is emptied.
  const receipts = [...state.slots].filter(([name]) => slotKind(name) === 'receipt');
  for (const [name] of receipts) state.slots.delete(name);
  for (const { bytes } of opened.rows) {
    given.replayed(replayRow(state, bytes, given.primitives));
    yield recordUnits;
  }
  for (const [, slot] of receipts) state.setReceipt(slot.member, slot);
  const isWhole = state.head.seq + 1 === opened.nextSeq && (state.chain === null) === (state.head.seq === 0);
  if (!isWhole) throw new Error('the log and its state do not fit');
  state.floor = Math.max(1, opened.floor);
}

/** Rows that belong together may come in any order: they are gathered, then put together. */
class Gathered {
  readonly persons: PersonRow[] = [];
  readonly credentials: CredentialRow[] = [];
  readonly control: PlacedControl[] = [];
  readonly chain = new Pieces();
  readonly checkpoint = new Pieces();
}

/** An encoded state in pieces, see `encodeHead`. */
class Pieces {
  head: Uint8Array | null = null;
  readonly chunks: Uint8Array[] = [];

  add(name: string, piece: Uint8Array): void {
    if (name === 'head') this.head = piece;
    else this.chunks[Number(name)] = piece;
  }
}

function* loadRows(state: RoomState, rows: readonly StateRow[]): Generator<number, void> {
  const gathered = new Gathered();
  for (const row of rows) {
    gather(state, row, gathered);
    yield rowUnits;
  }
  const { persons, credentials, control } = gathered;
  yield* loadStates(state, gathered);
  // Of one member the newest person counts, and the roll wants the oldest first.
  for (const { seq, person } of persons.sort((a, b) => a.seq - b.seq)) {
    state.people.keepPerson(seq, must(person));
    yield rowUnits;
  }
  for (const { seq, credential, key, fingerprint } of credentials.sort((a, b) => a.seq - b.seq)) {
    state.people.keepCredential({ seq, credential: must(credential), key, fingerprint });
    yield rowUnits;
  }
  for (const { seq, entry } of control.sort((a, b) => a.seq - b.seq)) {
    const body = decodeControl(must(entry));
    if (typeof body === 'string') throw new Error(`a kept control entry is ${body}`);
    state.control.push({ seq, entry: must(entry), body });
    yield rowUnits;
  }
}

/** Chain and checkpoint. Chunks that are alike are shared, as they were before, so that the next checkpoint writes no more than what changed. */
function* loadStates(state: RoomState, { chain, checkpoint }: Gathered): Generator<number, void> {
  const shared = new Map<Uint8Array, Chunk>();
  if (chain.head !== null) {
    state.chain = yield* loadState(chain.head, chain.chunks, shared);
    state.chainAhead = state.chain;
  }
  if (checkpoint.head === null) return;
  const { number, state: head } = CheckpointRow.decode(checkpoint.head);
  const alike = checkpoint.chunks.map((piece, index) => {
    const other = chain.chunks[index];
    return other !== undefined && equalBytes(other, piece) ? other : piece;
  });
  state.checkpoint = { number, state: yield* loadState(head, alike, shared), bytes: null };
}

function* loadState(
  head: Uint8Array,
  pieces: readonly Uint8Array[],
  shared: Map<Uint8Array, Chunk>,
): Generator<number, ControlState> {
  const chunks: Chunk[] = [];
  for (const piece of pieces) {
    const chunk = shared.get(piece) ?? must(decodeChunk(piece) ?? undefined);
    shared.set(piece, chunk);
    chunks.push(chunk);
    yield chunkUnits;
  }
  return must(joinState(head, chunks) ?? undefined);
}

function gather(state: RoomState, { key, value }: StateRow, gathered: Gathered): void {
  const slash = key.indexOf('/');
  const [name, rest] = slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
  switch (name) {
    case 'person':
      gathered.persons.push(PersonRow.decode(value));
      return;
    case 'credential':
      gathered.credentials.push(CredentialRow.decode(value));
      return;
    case 'control':
      gathered.control.push(PlacedControl.decode(value));
      return;
    case 'chain':
    case 'checkpoint':
      gathered[name].add(rest, value);
      return;
    default:
      loadRow(state, name, rest, value);
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
    case 'erased': {
      const { forgotten } = ErasedRow.decode(value);
      state.erased.set(Number(rest), forgotten);
      if (forgotten) state.people.forget(Number(rest));
      return;
    }
    case 'budget':
      state.budget.load(BudgetRow.decode(value).spent);
      return;
    case 'standings':
      state.standings.load(StandingsRow.decode(value).owed);
      return;
    case 'emptying':
      state.emptyings.set(Number(rest), EmptyingRow.decode(value));
      return;
    case 'emptied':
      state.emptiedThrough.set(Number(rest), EmptyingRow.decode(value).throughSeq);
      return;
    case 'summary':
      // For those who list rooms without waking this one; here it only says whether a new one is due.
      state.summarySeq = SummaryRow.decode(value).entry?.headSeq ?? 0;
      return;
    default:
      throw new Error(`unknown state row ${name}`);
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a part of the room state is missing');
  return value;
}
