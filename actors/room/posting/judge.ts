// May this submit have the next place? Every refusal of a submit is decided here and in the parts for control, slots and emptyings. Judged by the
// view AHEAD: what got a place before counts, covered or not. Changes nothing (but what the people's roll has seen).
import type { Requester } from '#actors/kernel/messages.ts';
import type { Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import {
  type ControlBody,
  ControlKind,
  type Event,
  type EventHeader,
  EventKind,
  MemberStatus,
  type Person,
} from '#proto/gen/record.ts';
import { isPair } from '#proto/rules/control/person.ts';
import { type ControlState, mayPost } from '#proto/rules/control/state.ts';
import { checkControlHead, checkEvent, decodeHeader } from '#proto/rules/record/event.ts';
import type { RoomContext } from '../context.ts';
import type { KeptCredential } from '../state/people.ts';
import type { Change } from '../state/room-state.ts';
import { headerHashOf } from '../state/stored.ts';
import { controlBodyOf, judgeControl } from './control.ts';
import { judgeEmptying, type LookedUp } from './emptying.ts';
import { judgeSlot } from './slots.ts';

/** A submit that is good. */
export interface Good {
  readonly kind: 'good';
  readonly event: Event;
  readonly header: EventHeader;
  readonly headerHash: Uint8Array;
  readonly change: Change;
  readonly person: Person | null;
  readonly credential: KeptCredential | null;
}

/** `repeat`: the event has this place already. `look`: the authors of these rows must be known first, see emptying.ts. */
export type Verdict =
  | Good
  | { readonly kind: 'refused'; readonly code: Rejection }
  | { readonly kind: 'repeat'; readonly seq: number }
  | { readonly kind: 'look'; readonly seqs: readonly number[] };

/** Judges a submit; `looked` holds the rows that an earlier `look` asked for. */
export function judgeSubmit(
  context: RoomContext,
  from: Requester,
  submit: Submit,
  looked: LookedUp | null = null,
): Verdict {
  const { event } = submit;
  if (event === undefined || submit.room !== context.room) return refused(Rejection.REJECTION_BAD_REQUEST);
  const { state, options } = context;
  const chain = state.chainAhead;
  const number = state.people.numberOf(from.user);
  if (chain === null) return judgeGenesis(context, from, submit, event);
  if (number === undefined) return judgeStranger(context, from, submit, chain);
  const sender = { room: context.room, member: number, device: from.device };
  const header = checkEvent(event, sender, options.primitives);
  if (typeof header === 'number') {
    // The other one of a 1:1 room started it too, and was invited before his genesis came.
    const twice = header === Rejection.REJECTION_NOT_MEMBER && isGenesis(event);
    return refused(twice ? Rejection.REJECTION_ROOM_EXISTS : header);
  }
  const headerHash = headerHashOf(event.header, options.primitives);
  const id = state.sent.get(`${number}/${from.device}`)?.judge(header.sendId, headerHash);
  if (id?.kind === 'repeat') return id;
  if (id?.kind === 'reused') return refused(Rejection.REJECTION_ID_REUSED);
  if (id?.kind === 'old') return refused(Rejection.REJECTION_TOO_OLD);
  const suspended = checkSuspended(context, header, event, chain);
  if (suspended !== null) return refused(suspended);
  if (header.kind === EventKind.EVENT_KIND_CONTROL) {
    const judged = judgeControl(context, { from, submit, header }, chain);
    return typeof judged === 'number' ? refused(judged) : { kind: 'good', event, header, headerHash, ...judged };
  }
  const change = judgeBody(context, header, event.body, { chain, looked });
  if (typeof change === 'number') return refused(change);
  if (change.kind === 'look') return change;
  return { kind: 'good', event, header, headerHash, change, person: null, credential: null };
}

function judgeBody(
  context: RoomContext,
  header: EventHeader,
  body: Uint8Array,
  { chain, looked }: { readonly chain: ControlState; readonly looked: LookedUp | null },
): Change | (Verdict & { kind: 'look' }) | Rejection {
  const member = chain.members.get(header.member);
  if (member?.status !== MemberStatus.MEMBER_STATUS_JOINED) return Rejection.REJECTION_NOT_MEMBER;
  const stale = checkControlHead(header, chain, (number) => context.state.controlHash(number));
  if (stale !== null) return stale;
  switch (header.kind) {
    case EventKind.EVENT_KIND_SLOT:
      return judgeSlot(context, header, body, chain);
    case EventKind.EVENT_KIND_EMPTYING:
      return judgeEmptying(context, { header, body, chain, looked });
    default:
      // Nothing here lets bodies go early yet: to take it and keep it would break what its author was promised.
      if (header.expiryDay !== 0) return Rejection.REJECTION_UNSUPPORTED;
      return mayPost(chain, header.member) ? { kind: 'content' } : Rejection.REJECTION_FORBIDDEN;
  }
}

/** The first event of a room: a genesis, or there is no such room. */
function judgeGenesis(context: RoomContext, from: Requester, submit: Submit, event: Event): Verdict {
  const { primitives } = context.options;
  if (!isGenesis(event)) return refused(Rejection.REJECTION_NOT_FOUND);
  const header = checkEvent(event, { room: context.room, member: 1, device: from.device }, primitives);
  if (typeof header === 'number') return refused(header);
  const judged = judgeControl(context, { from, submit, header }, null);
  if (typeof judged === 'number') return refused(judged);
  return { kind: 'good', event, header, headerHash: headerHashOf(event.header, primitives), ...judged };
}

/** Someone without a number. He must not learn that the room exists, unless it is his by its id: the other one of a 1:1 room. */
function judgeStranger(context: RoomContext, from: Requester, submit: Submit, chain: ControlState): Verdict {
  const event = submit.event as Event;
  if (isGenesis(event)) {
    const verdict = judgeGenesis(context, from, submit, event);
    if (verdict.kind !== 'good') return verdict;
    context.state.people.refused();
    return refused(Rejection.REJECTION_ROOM_EXISTS);
  }
  if (!isPartner(context, from.user)) return refused(Rejection.REJECTION_NOT_FOUND);
  const { primitives } = context.options;
  const sender = { room: context.room, member: chain.members.size + 1, device: from.device };
  const header = checkEvent(event, sender, primitives);
  if (typeof header === 'number') return refused(header);
  if (header.kind !== EventKind.EVENT_KIND_CONTROL) return refused(Rejection.REJECTION_NOT_MEMBER);
  const judged = judgeControl(context, { from, submit, header }, chain);
  if (typeof judged === 'number') return refused(judged);
  return { kind: 'good', event, header, headerHash: headerHashOf(event.header, primitives), ...judged };
}

/** Is the user one of the two whose 1:1 room this is by its id, member or not? */
export function isPartner({ room, state, options }: RoomContext, user: string): boolean {
  const creator = state.people.userOf(1);
  const isDirect = state.chainAhead?.policy.direct === true;
  return isDirect && creator !== undefined && (user === creator || isPair(room, user, creator, options.primitives));
}

function isGenesis(event: Event): boolean {
  return bodyIfControl(event)?.kind === ControlKind.CONTROL_KIND_CREATE;
}

function bodyIfControl(event: Event): ControlBody | null {
  const header = decodeHeader(event.header);
  if (typeof header === 'number' || header.kind !== EventKind.EVENT_KIND_CONTROL) return null;
  return controlBodyOf(event.body)?.body ?? null;
}

/** One who starts over with a new identity may only leave, until an admin signs the new one in. */
function checkSuspended(
  { state }: RoomContext,
  header: EventHeader,
  event: Event,
  chain: ControlState,
): Rejection | null {
  const member = chain.members.get(header.member);
  if (state.identities.size === 0 || member === undefined) return null;
  if (state.statusOf(member) !== MemberStatus.MEMBER_STATUS_SUSPENDED) return null;
  const leaves = bodyIfControl(event)?.kind === ControlKind.CONTROL_KIND_LEAVE;
  return leaves ? null : Rejection.REJECTION_SUSPENDED;
}

function refused(code: Rejection): Verdict {
  return { kind: 'refused', code };
}
