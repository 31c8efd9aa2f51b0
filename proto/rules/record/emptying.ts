// Emptying bodies: an ordered event names rows, and every provider and device keeps of them only stamp and header. Bounds, rights, and whether
// an Emptying covers a row. Used by the hub before it takes one and by readers that meet an emptied row.
import { Rejection } from '../../gen/codes.ts';
import { Emptying, EmptyingCause, type EventHeader, EventKind, Role } from '../../gen/record.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { type ControlState, isJoined } from '../control/state.ts';
import { limits } from '../limits.ts';

const dayMs = 86_400_000;
const blobId = /^[A-Za-z0-9_-]+$/;

/** Decodes the body of an EVENT_KIND_EMPTYING: TOO_LARGE, UNSUPPORTED (a cause of a later version), BAD_EVENT, or the message. */
export function decodeEmptying(bytes: Uint8Array): Emptying | Rejection {
  if (bytes.length > limits.emptyingBytesMax) return Rejection.REJECTION_TOO_LARGE;
  const emptying = decodeCanonical(Emptying, bytes);
  if (emptying === null) return Rejection.REJECTION_BAD_EVENT;
  if (emptying.cause > EmptyingCause.EMPTYING_CAUSE_EXPIRED) return Rejection.REJECTION_UNSUPPORTED;
  const { seqs, blobs, fromSeq, throughSeq, member } = emptying;
  const isList = seqs.length > 0 && seqs.length <= limits.emptyingSeqsMax && isAscending(seqs);
  const hasRange = fromSeq > 0 && throughSeq >= fromSeq && member > 0;
  const noRange = fromSeq === 0 && throughSeq === 0 && member === 0;
  const fits = namesRange(emptying.cause) ? hasRange && seqs.length === 0 : isList && noRange && emptying.cause > 0;
  const blobsMax = emptying.cause === EmptyingCause.EMPTYING_CAUSE_EXPIRED ? 0 : limits.emptyingBlobsMax;
  const blobsFit = blobs.length <= blobsMax && blobs.every(isBlobId);
  return fits && blobsFit ? emptying : Rejection.REJECTION_BAD_EVENT;
}

/** May `actor` send this at all? Null, NOT_MEMBER or FORBIDDEN. Each row is asked for by `mayEmptyRow`. */
export function checkEmptying(emptying: Emptying, state: ControlState, actor: EventHeader): Rejection | null {
  const fromHub = actor.member === 0;
  const fromProvider = actor.device === 0;
  if (fromHub || emptying.cause === EmptyingCause.EMPTYING_CAUSE_EXPIRED) {
    const allowed = fromHub && emptying.cause === EmptyingCause.EMPTYING_CAUSE_EXPIRED;
    return allowed ? null : Rejection.REJECTION_FORBIDDEN;
  }
  if (namesRange(emptying.cause)) {
    const own = emptying.member === actor.member;
    const allowed = own && (fromProvider || isByAuthor(emptying, actor));
    if (!allowed) return Rejection.REJECTION_FORBIDDEN;
    return fromProvider || isJoined(state, actor.member) ? null : Rejection.REJECTION_NOT_MEMBER;
  }
  if (fromProvider) return Rejection.REJECTION_FORBIDDEN;
  if (!isJoined(state, actor.member)) return Rejection.REJECTION_NOT_MEMBER;
  if (emptying.cause === EmptyingCause.EMPTYING_CAUSE_AUTHOR) return null;
  const role = state.members.get(actor.member)?.role ?? 0;
  return role >= Role.ROLE_MODERATOR && !state.policy.direct ? null : Rejection.REJECTION_FORBIDDEN;
}

/**
 * Does this Emptying, sent by `actor`, take the body of the row? It names the row, and the row is content or a slot of the actor himself, or of one
 * who stands below a moderator now, or content that is over. `state` and `acceptedMs` (its stamp) are those of the emptying event.
 */
export function mayEmptyRow(
  emptying: Emptying,
  row: { readonly seq: number; readonly header: EventHeader },
  context: { readonly state: ControlState; readonly actor: EventHeader; readonly acceptedMs: number },
): boolean {
  const { kind, member } = row.header;
  if (kind === EventKind.EVENT_KIND_CONTROL || kind === EventKind.EVENT_KIND_EMPTYING) return false;
  if (namesRange(emptying.cause)) {
    return member === emptying.member && emptying.fromSeq <= row.seq && row.seq <= emptying.throughSeq;
  }
  if (!emptying.seqs.includes(row.seq)) return false;
  if (emptying.cause === EmptyingCause.EMPTYING_CAUSE_EXPIRED) return isOver(row.header, context.acceptedMs);
  if (member === context.actor.member) return true;
  if (emptying.cause !== EmptyingCause.EMPTYING_CAUSE_MODERATOR) return false;
  const author = context.state.members.get(member)?.role ?? 0;
  return (context.state.members.get(context.actor.member)?.role ?? 0) > author;
}

/** Is it a device's word that all its own user wrote goes, before the account is erased? Every other range is a provider's. */
export function isByAuthor(emptying: Emptying, actor: EventHeader): boolean {
  const isOwn = actor.device > 0 && emptying.member === actor.member;
  return isOwn && emptying.cause === EmptyingCause.EMPTYING_CAUSE_ERASURE;
}

/** Is the last day over that the body of this event is to be kept? False where it has none. `nowMs` in milliseconds since the epoch. */
export function isOver({ expiryDay }: Pick<EventHeader, 'expiryDay'>, nowMs: number): boolean {
  return expiryDay > 0 && nowMs >= (expiryDay + 1) * dayMs;
}

function namesRange(cause: EmptyingCause): boolean {
  return cause === EmptyingCause.EMPTYING_CAUSE_QUOTA || cause === EmptyingCause.EMPTYING_CAUSE_ERASURE;
}

function isAscending(seqs: readonly number[]): boolean {
  return seqs.every((seq, index) => seq > (seqs[index - 1] ?? 0));
}

function isBlobId(text: string): boolean {
  return text.length <= limits.blobIdCharactersMax && blobId.test(text);
}
