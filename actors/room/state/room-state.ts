// Everything that a room knows, in two views. AHEAD is what later submits are judged by: it changes when an event gets its place (`place`).
// COVERED is what may be shown, fanned out or written into state rows: it changes when the log has covered that place (`cover`). A room that
// comes back after a crash runs the same two functions over the rows it reads. If an append fails, the actor goes and the view ahead with it.
import {
  type ControlBody,
  type ControlEntry,
  ControlKind,
  type Emptying,
  type EventHeader,
  MemberStatus,
  type Record,
  type Slot,
  SlotWrite,
} from '#proto/gen/record.ts';
import type { EmptyingRow } from '#proto/gen/room.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { type Member, MemberTable } from '#proto/rules/control/member-table.ts';
import { type ControlState, standing } from '#proto/rules/control/state.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { emptied, emptyHead, type LogHead, withoutValue } from '#proto/rules/record/record.ts';
import { receiptSlot } from '#proto/rules/record/slots.ts';
import type { RoomLimits } from '../limits.ts';
import { ControlBudget } from './control-budget.ts';
import { ControlEntries } from './control-entries.ts';
import { isNamed, isSlotNamed } from './named-rows.ts';
import { type KeptCredential, People } from './people.ts';
import { type KeptRecord, Ring } from './ring.ts';
import { SendIds } from './send-ids.ts';
import { Standings } from './standings.ts';

/** What an event changes besides the log. */
export type Change =
  | { readonly kind: 'content' }
  | {
      readonly kind: 'control';
      readonly before: ControlState | null;
      readonly after: ControlState;
      readonly entry: ControlEntry;
      readonly body: ControlBody;
    }
  | { readonly kind: 'slot'; readonly write: SlotWrite; readonly bytes: Uint8Array }
  | { readonly kind: 'emptying'; readonly emptying: Emptying };

/** An event that was found good and has its place. */
export interface Placed {
  readonly seq: number;
  readonly record: Record;
  readonly header: EventHeader;
  /** First 16 bytes of the header's SHA-256. */
  readonly headerHash: Uint8Array;
  /** The head of the log after it. */
  readonly head: LogHead;
  /** Bytes of its row. */
  readonly bytes: number;
  readonly change: Change;
  /** The credential that came with it and was not kept before. */
  readonly credential: KeptCredential | null;
}

/** The state before the newest covered CHECKPOINT. Shares its members with the chain. */
export interface Checkpoint {
  /** Of the entry that vouches for it. */
  readonly number: number;
  readonly state: ControlState;
  /** Its encoding, once someone has asked for it. */
  bytes: Uint8Array | null;
}

/** Entries by which someone goes: never held back, for each needs one before it that brought someone in. */
export const leaving: ReadonlySet<ControlKind> = new Set([
  ControlKind.CONTROL_KIND_LEAVE,
  ControlKind.CONTROL_KIND_DECLINE,
  ControlKind.CONTROL_KIND_REMOVE,
  ControlKind.CONTROL_KIND_BAN,
  ControlKind.CONTROL_KIND_DEPART,
]);

/** The state of one room. */
export class RoomState {
  readonly room: string;
  readonly #limits: RoomLimits;
  /** Seqs below it have expired. */
  floor = 1;

  /** AHEAD. */
  ahead: LogHead;
  chainAhead: ControlState | null = null;
  /** Version of each slot. */
  readonly slotVersions = new Map<string, number>();
  /** By `<member>/<device>`; entries know their seq. */
  readonly sent = new Map<string, SendIds>();
  readonly people: People;
  readonly budget = new ControlBudget();

  /** COVERED. */
  head: LogHead;
  chain: ControlState | null = null;
  readonly control = new ControlEntries();
  checkpoint: Checkpoint | null = null;
  readonly slots = new Map<string, Slot>();
  readonly ring: Ring;
  /** By seq of the EMPTYING event: rows whose bytes are still to be rewritten. */
  readonly emptyings = new Map<number, EmptyingRow>();
  /** By member: a range of theirs was taken through this seq, so that each of their rows is walked over once, however many such events come. */
  readonly emptiedThrough = new Map<number, number>();
  readonly standings = new Standings();

  /** What has no event: today's master key of members whose identity moved away from the one in the chain. */
  readonly identities = new Map<number, Uint8Array>();
  /** Those of them that are not durable yet. */
  readonly unsavedIdentities = new Map<number, Uint8Array>();

  /** Members whose account is erased, and whether who they were is forgotten. */
  readonly erased = new Map<number, boolean>();
  /** Those that are not durable yet. */
  readonly unsavedErasures = new Set<number>();
  /** Somebody was forgotten whose rows no save has taken yet. */
  hasForgotten = false;

  /** Keys of state rows that are not as they were last saved. */
  readonly dirty = new Set<string>();
  /** State rows of the save that is under way. */
  saving = 0;
  /** Head of the summary that is saved; 0 = none is. */
  summarySeq = 0;
  /** Saves so far, see HeadRow. */
  saves = 0;

  constructor(room: string, options: { primitives: Primitives; limits: RoomLimits; incarnation: number }) {
    this.room = room;
    this.#limits = options.limits;
    this.people = new People(options.primitives, options.limits.strayPartsMax);
    this.ring = new Ring(options.limits);
    this.ahead = emptyHead(options.incarnation);
    this.head = this.ahead;
  }

  /** An event got its place: later submits are judged with it. A row that is applied again changes nothing twice. */
  place(placed: Placed): void {
    const { seq, header, change } = placed;
    if (seq > this.ahead.seq) this.ahead = placed.head;
    const key = `${header.member}/${header.device}`;
    const ids = this.sent.get(key) ?? new SendIds();
    this.sent.set(key, ids);
    if (seq > ids.lastSeq) ids.note({ sendId: header.sendId, seq, headerHash: placed.headerHash });
    if (change.kind === 'control' && change.after.number > (this.chainAhead?.number ?? 0)) {
      this.chainAhead = change.after;
      if (!leaving.has(change.body.kind)) this.budget.take(change.body.actor, placed.head.acceptedMs);
    }
    if (change.kind === 'slot') {
      const { slot, version } = change.write;
      this.slotVersions.set(slot, Math.max(version, this.slotVersions.get(slot) ?? 0));
    }
  }

  /**
   * The log has covered a placed event: it may be shown. Rows are covered in the order of their places. One that is not above the head is applied again:
   * state rows that were read while an owner that stood still wrote some of them may lack it in memory, but they hold it in the store.
   */
  cover(placed: Placed): void {
    const { seq, header, change } = placed;
    const isNews = seq > this.head.seq;
    if (isNews) this.head = placed.head;
    this.dirty.add('head');
    if (isNews) this.dirty.add(`sent/${header.member}/${header.device}`);
    this.ring.push({ seq, record: placed.record, bytes: placed.bytes });
    if (change.kind === 'control') this.#coverControl(seq, change);
    if (change.kind === 'slot') this.#coverSlot(placed, change.bytes, change.write);
    if (change.kind === 'emptying') this.#coverEmptying(seq, namedBy(change.emptying));
    if (isNews && placed.credential !== null) {
      const { member, device } = placed.credential.credential;
      this.dirty.add(`credential/${member}/${device}`);
    }
  }

  /** hash of a covered control entry, if it or the one after it is kept: that one names it. */
  controlHash(number: number): Uint8Array | undefined {
    return number === this.chain?.number ? this.chain.hash : this.control.get(number + 1)?.body.previousHash;
  }

  /** The member of a user as covered; undefined where the user has no number or it is not covered yet. */
  member(user: string): Member | undefined {
    const number = this.people.numberOf(user);
    return number === undefined ? undefined : this.chain?.members.get(number);
  }

  /** A member's status with suspension taken into account. */
  statusOf(member: Member): MemberStatus {
    const committed = this.people.person(member.person)?.fingerprint ?? null;
    return standing(member, committed, this.identities.get(member.number) ?? null);
  }

  /** Invited or joined, suspended or not. */
  isPresent(member: Member): boolean {
    return member.status === MemberStatus.MEMBER_STATUS_JOINED || member.status === MemberStatus.MEMBER_STATUS_INVITED;
  }

  /** A receipt that is saved. One of a member who is not in any more is kept without its value, for the version must go on when they come back. */
  setReceipt(member: number, slot: Slot): void {
    const name = receiptSlot(member);
    this.setSlot(name, slot);
    if (this.chain?.members.get(member)?.status !== MemberStatus.MEMBER_STATUS_JOINED) this.#emptySlot(name, slot);
  }

  /** A slot as it is kept now: set by a covered event, put by PutReceipt and saved, or loaded. */
  setSlot(name: string, slot: Slot): void {
    this.slots.set(name, slot);
    const { version } = SlotWrite.decode(slot.write);
    this.slotVersions.set(name, Math.max(version, this.slotVersions.get(name) ?? 0));
  }

  /** A slot that has a value. */
  visibleSlot(name: string): Slot | undefined {
    const slot = this.slots.get(name);
    return slot !== undefined && SlotWrite.decode(slot.write).value.length > 0 ? slot : undefined;
  }

  /** The slots that have a value, in the order of their names. */
  visibleSlots(): [string, Slot][] {
    const visible = [...this.slots].filter(([name]) => this.visibleSlot(name) !== undefined);
    return visible.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Who a member was is forgotten, with all that was kept of it but the number. */
  forget(member: number): void {
    const { persons, credentials } = this.people.forget(member);
    for (const { commitment } of persons) this.dirty.add(personKey(member, commitment));
    for (const { credential, seq } of credentials) this.dirty.add(`credential/${member}/${credential.device}/${seq}`);
    if (this.identities.delete(member)) this.dirty.add(`identity/${member}`);
    if (this.standings.drop(member)) this.dirty.add('standings');
    this.erased.set(member, true);
    this.dirty.add(`erased/${member}`);
    this.hasForgotten = true;
  }

  /** Of a range the rows below this seq are empty. */
  emptiedBelow(event: number, fromSeq: number): void {
    const left = this.emptyings.get(event);
    if (left === undefined) return;
    this.emptyings.set(event, { ...left, fromSeq });
    this.dirty.add(`emptying/${event}`);
  }

  /** Bodies of these rows are gone for good. Their rows need no more work. */
  emptiedRows(event: number): void {
    this.emptyings.delete(event);
    this.dirty.add(`emptying/${event}`);
  }

  /** The record as it may be shown: without its body from the moment its emptying is covered. */
  shown(seq: number, record: Record): Record {
    if (this.emptyings.size === 0 || record.emptiedBy !== 0) return record;
    for (const [event, left] of this.emptyings) if (isNamed(left, seq, record)) return emptied(record, event);
    return record;
  }

  #coverControl(seq: number, change: Change & { kind: 'control' }): void {
    const { before, after, entry, body } = change;
    if (after.number <= (this.chain?.number ?? 0)) return;
    this.#dirtyPieces('chain', after, this.chain);
    this.chain = after;
    this.control.push({ seq, entry, body });
    this.dirty.add(`control/${after.number}`);
    this.dirty.add('budget');
    if (body.kind === ControlKind.CONTROL_KIND_CHECKPOINT && before !== null) {
      this.#dirtyPieces('checkpoint', before, this.checkpoint?.state ?? null);
      this.checkpoint = { number: after.number, state: before, bytes: null };
    }
    this.#dropOldControl();
    const member = after.members.get(body.target);
    if (member === undefined || member.changed !== after.number) return;
    if (body.person.length > 0) this.dirty.add(`person/${member.number}`);
    const receipt = this.slots.get(receiptSlot(member.number));
    if (receipt !== undefined) this.setReceipt(member.number, receipt);
    this.standings.owe(member.number, after.number);
    this.dirty.add('standings');
  }

  /** Entries that a checkpoint stands in for go, the oldest first, so far as there are more than are kept for those who are not far behind. */
  #dropOldControl(): void {
    const { first, last } = this.control;
    const needed = Math.min(this.checkpoint?.number ?? first, last - this.#limits.controlEntriesKept + 1);
    if (needed > first) for (const number of this.control.dropBelow(needed)) this.dirty.add(`control/${number}`);
  }

  /** A state is written in pieces, so that the row of a large room is not one, nor written whole for each change. */
  #dirtyPieces(row: 'chain' | 'checkpoint', state: ControlState, before: ControlState | null): void {
    this.dirty.add(`${row}/head`);
    for (const index of state.members.changedSince(before?.members ?? MemberTable.empty))
      this.dirty.add(`${row}/${index}`);
  }

  #coverSlot({ seq, header }: Placed, bytes: Uint8Array, write: SlotWrite): void {
    if ((this.slots.get(write.slot)?.seq ?? 0) >= seq) return;
    const { member, device, sendId } = header;
    this.setSlot(write.slot, { write: bytes, member, device, seq, sendId });
    this.dirty.add(`slot/${write.slot}`);
  }

  #coverEmptying(event: number, named: EmptyingRow): void {
    this.#oweEmptying(event, named);
    for (let seq = this.ring.firstSeq; seq <= this.head.seq; seq++) {
      const kept = this.ring.get(seq);
      if (kept === undefined || kept.record.emptiedBy !== 0) continue;
      if (isNamed(named, seq, kept.record)) this.ring.replace(withoutBody(kept, event));
    }
    for (const [name, slot] of this.slots) {
      if (slot.sendId !== 0 && isSlotNamed(named, slot)) this.#emptySlot(name, slot);
    }
  }

  /** What the log has still to rewrite. Of a range that is walked over already, or was when this was covered before, nothing more. */
  #oweEmptying(event: number, named: EmptyingRow): void {
    const { member, throughSeq } = named;
    const isRange = named.seqs.length === 0;
    const fromSeq = isRange ? Math.max(named.fromSeq, (this.emptiedThrough.get(member) ?? 0) + 1) : 0;
    if (isRange && fromSeq > throughSeq) return;
    if (isRange) {
      this.emptiedThrough.set(member, throughSeq);
      this.dirty.add(`emptied/${member}`);
    }
    this.emptyings.set(event, { ...named, fromSeq });
    this.dirty.add(`emptying/${event}`);
  }

  #emptySlot(name: string, slot: Slot): void {
    const write = SlotWrite.decode(slot.write);
    if (write.value.length === 0) return;
    this.slots.set(name, { ...slot, write: SlotWrite.encode(withoutValue(write)).finish() });
    this.dirty.add(`slot/${name}`);
  }
}

/** Key of one person's row. */
export function personKey(member: number, commitment: Uint8Array): string {
  return `person/${member}/${toHex(commitment.subarray(0, 16))}`;
}

function namedBy({ seqs, fromSeq, throughSeq, member }: Emptying): EmptyingRow {
  return { seqs, fromSeq, throughSeq, member };
}

function withoutBody(kept: KeptRecord, event: number): KeptRecord {
  return { seq: kept.seq, record: emptied(kept.record, event), bytes: kept.bytes - kept.record.body.length };
}
