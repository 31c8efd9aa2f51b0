// ReadRoom: what a device needs to derive the members by itself: control entries with the persons and credentials that they rest on, a checkpoint's
// state to start from, and the slots. Each answer is one frame and names where to go on.
import type { Effect } from '#actors/kernel/effects.ts';
import type { Requester } from '#actors/kernel/messages.ts';
import { PlacedControl, type ReadRoom, type RoomSnapshot } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { Credential, MemberStatus, Person, Slot } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { controlHead, encodeState } from '#proto/rules/control/state.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { answer, type RoomContext, refuse } from '../context.ts';
import { isPartner } from '../posting/judge.ts';
import type { KeptControl } from '../state/control-entries.ts';
import type { Checkpoint } from '../state/room-state.ts';

/** Bytes that a part may take around itself in the snapshot. */
const wrapping = 4;

/** An answer in the making. */
class Page {
  readonly snapshot: RoomSnapshot;
  #left: number;
  readonly #shown = new Set<Uint8Array>();

  constructor(context: RoomContext) {
    this.#left = context.options.limits.pageBytesMax;
    this.snapshot = {
      room: context.room,
      control: [],
      persons: [],
      credentials: [],
      slots: [],
      head: controlHead(context.state.chain),
      next: 0,
      checkpointState: noBytes,
      checkpointNumber: 0,
      checkpointStateSize: 0,
      nextSlot: '',
    };
  }

  /** Takes bytes of the page, if they fit. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Adds an entry with what it rests on; false where that does not fit any more. */
  addControl(context: RoomContext, { seq, entry, body }: KeptControl): boolean {
    const { people, head } = context.state;
    const person = body.person.length > 0 ? people.person(body.person) : undefined;
    const persons = person === undefined || this.#shown.has(person.salt) ? [] : [person];
    const credentials = people
      .credentials(body.actor, body.device)
      .filter((kept) => kept.seq <= head.seq && !this.#shown.has(kept.credential.deviceJson))
      .map(({ credential }) => credential);
    const placed = { seq, entry };
    const bytes =
      PlacedControl.encode(placed).finish().length +
      sizeOf(persons, (each) => Person.encode(each).finish()) +
      sizeOf(credentials, (each) => Credential.encode(each).finish());
    if (!this.take(bytes + wrapping)) return false;
    this.snapshot.control.push(placed);
    this.snapshot.persons.push(...persons);
    this.snapshot.credentials.push(...credentials);
    for (const { salt } of persons) this.#shown.add(salt);
    for (const { deviceJson } of credentials) this.#shown.add(deviceJson);
    return true;
  }
}

/** Answers a ReadRoom, or refuses it: NOT_FOUND, NOT_MEMBER, BAD_REQUEST. */
export function readRoom(context: RoomContext, from: Requester, read: ReadRoom): Effect {
  const code = checkReader(context, from.user);
  if (code !== null) return refuse(context, from, code);
  if (read.stateOffset > 0 && read.fromControl > 0) return refuse(context, from, Rejection.REJECTION_BAD_REQUEST);
  const page = new Page(context);
  const first = firstEntry(context, page, read);
  if (first > 0) addControl(context, page, first);
  const isIn = context.state.member(from.user)?.status === MemberStatus.MEMBER_STATUS_JOINED;
  // Slots come once entries are complete: nobody can decrypt them before.
  if (read.slots && isIn && page.snapshot.next === 0) addSlots(context, page, read.afterSlot);
  return answer(from, { $case: 'roomSnapshot', value: page.snapshot });
}

/** Who is in or invited reads the chain; in a 1:1 room also the one who left, declined or was not invited yet: he may come in by himself. */
function checkReader(context: RoomContext, user: string): Rejection | null {
  const { state } = context;
  if (state.chain === null) return Rejection.REJECTION_NOT_FOUND;
  const member = state.member(user);
  if (isPartner(context, user) || (member !== undefined && state.isPresent(member))) return null;
  return member === undefined ? Rejection.REJECTION_NOT_FOUND : Rejection.REJECTION_NOT_MEMBER;
}

/** The entry that the answer goes on with, 0 = none. Who asks for entries that are gone gets the checkpoint that stands in for them. */
function firstEntry(context: RoomContext, page: Page, { stateOffset, fromControl }: ReadRoom): number {
  const { checkpoint, control } = context.state;
  const isGone = fromControl > 0 && fromControl < control.first;
  if (stateOffset === 0 && !isGone) return fromControl;
  return checkpoint === null ? 1 : addState(context, page, checkpoint, Math.max(0, stateOffset - 1));
}

/** Adds a piece of the checkpoint's state and the persons of as many of its members. Returns the entry to go on with, 0 = not yet. */
function addState({ state, options }: RoomContext, page: Page, checkpoint: Checkpoint, offset: number): number {
  checkpoint.bytes ??= encodeState(checkpoint.state);
  const size = checkpoint.bytes.length;
  const end = Math.min(size, offset + options.limits.stateChunkBytes);
  const chunk = checkpoint.bytes.subarray(offset, end);
  Object.assign(page.snapshot, {
    checkpointState: chunk,
    checkpointNumber: checkpoint.number,
    checkpointStateSize: size,
  });
  page.take(chunk.length);
  // Members are spread evenly over the bytes of the state, so their persons are over its pieces.
  const members = checkpoint.state.members.size;
  const last = Math.floor((members * end) / size);
  for (let number = Math.floor((members * offset) / size) + 1; number <= last; number++) {
    const persons = state.people
      .personsOf(number)
      .filter((kept) => kept.seq <= state.head.seq)
      .map(({ person }) => person);
    page.take(sizeOf(persons, (each) => Person.encode(each).finish()));
    page.snapshot.persons.push(...persons);
  }
  return end >= size ? checkpoint.number : 0;
}

function addControl(context: RoomContext, page: Page, first: number): void {
  const { control } = context.state;
  for (let number = first; number <= control.last; number++) {
    const full = page.snapshot.control.length >= protocol.controlPageMax;
    const kept = control.get(number);
    if (!full && kept !== undefined && page.addControl(context, kept)) continue;
    page.snapshot.next = number;
    return;
  }
}

function addSlots({ state }: RoomContext, page: Page, after: string): void {
  let last = after;
  for (const [name, slot] of state.visibleSlots()) {
    if (name <= after) continue;
    if (!page.take(Slot.encode(slot).finish().length + wrapping)) {
      page.snapshot.nextSlot = last;
      return;
    }
    page.snapshot.slots.push(slot);
    last = name;
  }
}

function sizeOf<T>(parts: readonly T[], encode: (part: T) => Uint8Array): number {
  return parts.reduce((sum, part) => sum + encode(part).length + wrapping, 0);
}
