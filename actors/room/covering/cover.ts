// What happens when the log has covered records, and only then: answers, one delivery of the same bytes for all, evictions, standings.
// A run of records that was covered together leaves as few frames as fit, each encoded once. Someone who lost access gets the record that says so,
// and nothing after it.
import { userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import { RoomRecords, ServerFrame } from '#proto/gen/client.ts';
import { ControlKind, MemberStatus, type Person } from '#proto/gen/record.ts';
import { encodePassing } from '#proto/rules/bytes/encode.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { answer, type RoomContext, refuse } from '../context.ts';
import { emptyRows } from '../posting/emptying.ts';
import type { Placed } from '../state/room-state.ts';

/** Everything through this seq is covered. `tellChanged` hears which members stand in another way now. */
export function coverThrough(
  context: RoomContext,
  throughSeq: number,
  tellChanged: (members: readonly number[]) => readonly Effect[],
): readonly Effect[] {
  const { state, uncovered } = context;
  const wasEmptying = state.emptyings.size > 0;
  const answers: Effect[] = [];
  const deliveries = new Deliveries(context);
  const changed: number[] = [];
  for (const { placed, askers, refused } of uncovered.take(throughSeq)) {
    state.cover(placed);
    const { seq, acceptedMs, hash } = placed.head;
    const accepted = { seq, acceptedMs, hash, control: controlHead(state.chain) };
    for (const asker of askers) answers.push(answer(asker, { $case: 'accepted', value: accepted }));
    for (const { from, code } of refused ?? []) answers.push(refuse(context, from, code));
    deliveries.add(placed);
    const inviter = inviterBehind(context, placed);
    if (inviter !== null) answers.push({ kind: 'send', to: userAddress(inviter), message: { kind: 'invited' } });
    const member = changedMember(placed);
    if (member === null) continue;
    changed.push(member);
    const gone = leaver(context, placed);
    if (gone !== null) deliveries.evict(gone);
  }
  const effects = [...answers, ...deliveries.finish()];
  if (changed.length > 0) effects.push(...tellChanged(changed));
  if (!wasEmptying) effects.push(...emptyRows(context));
  return effects;
}

/** A hint for everyone that the head is where it is: to live sessions as a frame, to those who watch as a mark. */
export function headMoved(context: RoomContext): Effect {
  const frame = markOf(context);
  return { kind: 'deliver', audience: { room: context.room }, frame, mark: frame };
}

function markOf({ room, state }: RoomContext): Uint8Array {
  const value = { room, headSeq: state.head.seq, headCount: state.head.count };
  return encodePassing(ServerFrame, { request: 0, body: { $case: 'headMoved', value } });
}

/** Gathers covered records into frames. */
class Deliveries {
  readonly #context: RoomContext;
  readonly #effects: Effect[] = [];
  #run: RoomRecords;
  #bytes = 0;

  constructor(context: RoomContext) {
    this.#context = context;
    this.#run = RoomRecords.decode(new Uint8Array(0));
  }

  add(placed: Placed): void {
    // The row holds the record and what comes beside it: together they are at most the bytes of the row.
    if (this.#bytes + placed.bytes > this.#context.options.limits.pageBytesMax) this.#flush();
    this.#run.records.push(placed.record);
    const person = personBrought(this.#context, placed);
    if (person !== undefined) this.#run.persons.push(person);
    if (placed.credential !== null) this.#run.credentials.push(placed.credential.credential);
    this.#bytes += placed.bytes;
  }

  evict(user: string): void {
    this.#flush();
    this.#effects.push({ kind: 'evict', user, room: this.#context.room });
  }

  /** All effects; the last delivery carries the mark, with the head of now. */
  finish(): Effect[] {
    this.#flush();
    const last = this.#effects.findLastIndex(({ kind }) => kind === 'deliver');
    const deliver = this.#effects[last];
    if (deliver?.kind === 'deliver') this.#effects[last] = { ...deliver, mark: markOf(this.#context) };
    return this.#effects;
  }

  #flush(): void {
    if (this.#run.records.length === 0) return;
    const { room } = this.#context;
    const body = { $case: 'roomRecords', value: { ...this.#run, room } } as const;
    const frame = encodePassing(ServerFrame, { request: 0, body });
    this.#effects.push({ kind: 'deliver', audience: { room }, frame });
    this.#run = { room, records: [], persons: [], credentials: [] };
    this.#bytes = 0;
  }
}

/** The person that a control entry brought in. */
function personBrought({ state }: RoomContext, { change }: Placed): Person | undefined {
  const brings = change.kind === 'control' && change.body.person.length > 0;
  return brings ? state.people.person(change.body.person) : undefined;
}

/** Who invited by this record; null = it is no invitation. */
function inviterBehind({ state }: RoomContext, { change }: Placed): string | null {
  if (change.kind !== 'control' || change.body.kind !== ControlKind.CONTROL_KIND_INVITE) return null;
  return state.people.userOf(change.body.actor) ?? null;
}

function changedMember({ change }: Placed): number | null {
  if (change.kind !== 'control') return null;
  const target = change.after.members.get(change.body.target);
  return target?.changed === change.after.number ? target.number : null;
}

/** The user who was in until this record; null for all others. */
export function leaver({ state }: RoomContext, { change }: Placed): string | null {
  if (change.kind !== 'control' || change.body.kind === ControlKind.CONTROL_KIND_CREATE) return null;
  const { target } = change.body;
  const wasIn = change.before?.members.get(target)?.status === MemberStatus.MEMBER_STATUS_JOINED;
  const isIn = change.after.members.get(target)?.status === MemberStatus.MEMBER_STATUS_JOINED;
  return wasIn && !isIn ? (state.people.userOf(target) ?? null) : null;
}
