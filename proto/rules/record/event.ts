// What makes an event acceptable by itself: its header is canonical and within bounds, and the body is the one the header names.
// Run by the hub on every submit (hot) and by readers. Whether the sender may post is said by control/state.ts, not here.
import { Rejection } from '../../gen/codes.ts';
import { Algorithm, EventHeader, EventKind } from '../../gen/record.ts';
import { equalBytes } from '../bytes/bytes.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { hashBytes } from '../bytes/hash.ts';
import type { ControlState } from '../control/state.ts';
import { limits } from '../limits.ts';
import type { Primitives } from '../primitives.ts';

/** Whose submit it is, as the session proves it. */
export interface Sender {
  readonly room: string;
  readonly member: number;
  readonly device: number;
}

/** The bytes of an Event or a Record. */
export interface EventBytes {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

/** Most bytes of a body, by kind. */
export function bodyBytesMax(kind: EventKind): number {
  switch (kind) {
    case EventKind.EVENT_KIND_CONTROL:
      return limits.controlEntryBytesMax;
    case EventKind.EVENT_KIND_SLOT:
      return limits.slotWriteBytesMax;
    case EventKind.EVENT_KIND_EMPTYING:
      return limits.emptyingBytesMax;
    default:
      return limits.bodyBytesMax;
  }
}

/** Checks a submitted event against its sender, bounds and body. The decoded header, or the code that refuses the submit. */
export function checkEvent(event: EventBytes, sender: Sender, primitives: Primitives): EventHeader | Rejection {
  const header = decodeHeader(event.header);
  if (typeof header === 'number') return header;
  if (header.room !== sender.room) return Rejection.REJECTION_BAD_EVENT;
  if (header.member !== sender.member) return Rejection.REJECTION_NOT_MEMBER;
  if (header.device !== sender.device) return Rejection.REJECTION_BAD_EVENT;
  return checkKind(header) ?? checkBody(header, event.body, primitives) ?? header;
}

/** Decodes a header and checks its parts: the header, or TOO_LARGE, BAD_EVENT. Kinds and algorithms of later versions pass. */
export function decodeHeader(bytes: Uint8Array): EventHeader | Rejection {
  if (bytes.length > limits.headerBytesMax) return Rejection.REJECTION_TOO_LARGE;
  const header = decodeCanonical(EventHeader, bytes);
  if (header === null) return Rejection.REJECTION_BAD_EVENT;
  const { control } = header;
  const fits =
    header.room !== '' &&
    (header.member > 0 || header.device === 0) &&
    header.sendId > 0 &&
    header.bodyHash.length === hashBytes &&
    (control === undefined || (control.number > 0 && control.hash.length === hashBytes));
  return fits ? header : Rejection.REJECTION_BAD_EVENT;
}

/** Do kind, algorithm and the parts that depend on them fit together? Null, UNSUPPORTED (a later version's) or BAD_EVENT. */
export function checkKind(header: EventHeader): Rejection | null {
  const isContent = header.kind === EventKind.EVENT_KIND_CONTENT;
  const isControl = header.kind === EventKind.EVENT_KIND_CONTROL;
  const isPlain = isControl || header.kind === EventKind.EVENT_KIND_EMPTYING;
  if (!isContent && !isPlain && header.kind !== EventKind.EVENT_KIND_SLOT) return Rejection.REJECTION_UNSUPPORTED;
  if (header.algorithm > Algorithm.ALGORITHM_MEGOLM_V1) return Rejection.REJECTION_UNSUPPORTED;
  const fits =
    header.algorithm === (isPlain ? Algorithm.ALGORITHM_NONE : Algorithm.ALGORITHM_MEGOLM_V1) &&
    header.commitment.length === (isPlain ? 0 : hashBytes) &&
    (isContent || (!header.counts && header.expiryDay === 0)) &&
    (isControl || header.control !== undefined) &&
    (isPlain || header.device > 0) &&
    // The hub itself: it lets bodies go, and says nothing else.
    (header.member > 0 || header.kind === EventKind.EVENT_KIND_EMPTYING);
  return fits ? null : Rejection.REJECTION_BAD_EVENT;
}

/** Is the body the one that the header names? Null, TOO_LARGE or BAD_EVENT. */
export function checkBody(header: EventHeader, body: Uint8Array, primitives: Primitives): Rejection | null {
  if (body.length > bodyBytesMax(header.kind)) return Rejection.REJECTION_TOO_LARGE;
  if (body.length !== header.bodySize) return Rejection.REJECTION_BAD_EVENT;
  return equalBytes(primitives.sha256(body), header.bodyHash) ? null : Rejection.REJECTION_BAD_EVENT;
}

/**
 * Does the sender know enough of the control chain? STALE_STATE when it stood before the last removal (the sender may have shared keys with
 * someone who is gone) or at an entry that is not known; BAD_EVENT when the entry of that number has another hash: receivers, who compare too,
 * would else hold the hub for a liar. `hashAt` gives the hash of the entry `number`, at least from the last removal on. Null = fits.
 */
export function checkControlHead(
  header: EventHeader,
  state: ControlState,
  hashAt: (number: number) => Uint8Array | undefined,
): Rejection | null {
  const { control } = header;
  if (control === undefined || control.number < state.lastRemoval || control.number > state.number) {
    return Rejection.REJECTION_STALE_STATE;
  }
  const hash = control.number === state.number ? state.hash : hashAt(control.number);
  if (hash === undefined) return Rejection.REJECTION_STALE_STATE;
  return equalBytes(control.hash, hash) ? null : Rejection.REJECTION_BAD_EVENT;
}
