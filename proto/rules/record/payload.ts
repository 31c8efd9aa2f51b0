// What is encrypted says again what stands outside, and the header commits to what is encrypted. Run by receivers after decryption, and by
// senders to build both. A server that moves a body to another place, person or number is found out here.
import { Content } from '../../gen/content.ts';
import { type EventHeader, EventKind, type Payload, PayloadInner, type SlotWrite } from '../../gen/record.ts';
import { equalBytes } from '../bytes/bytes.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { hashBytes } from '../bytes/hash.ts';
import { limits } from '../limits.ts';
import type { Primitives } from '../primitives.ts';

/** Bytes of Payload.franking_key. */
export const frankingKeyBytes = 32;

/** EventHeader.commitment for a payload: HMAC-SHA256(franking key, inner). */
export function frankingCommitment(payload: Payload, primitives: Primitives): Uint8Array {
  return primitives.hmacSha256(payload.frankingKey, payload.inner);
}

/** Does the commitment of a header belong to this payload? Also how a provider checks a report: commitment, franking key and inner. */
export function isFranked(commitment: Uint8Array, payload: Payload, primitives: Primitives): boolean {
  if (payload.frankingKey.length !== frankingKeyBytes || commitment.length !== hashBytes) return false;
  return equalBytes(frankingCommitment(payload, primitives), commitment);
}

/** What a receipt or stored slot is bound to, for want of a header. */
export interface SlotPlace {
  readonly room: string;
  readonly member: number;
  readonly device: number;
  /** Of the event that set it; 0 for a receipt. */
  readonly sendId: number;
  readonly write: SlotWrite;
}

/** Which part of a payload contradicts its outside. A receiver shows none of it (cause BINDING_MISMATCH). */
export type BindingFault =
  | 'MALFORMED'
  | 'COMMITMENT'
  | 'ROOM'
  | 'MEMBER'
  | 'DEVICE'
  | 'SEND_ID'
  | 'KIND'
  | 'COUNTS'
  | 'CONTROL'
  | 'EXPIRY_DAY'
  | 'SLOT'
  | 'SLOT_VERSION';

/**
 * The inner part of an event's payload when it repeats the header, else which part does not. `write` is the body of an EVENT_KIND_SLOT, whose
 * value the payload came out of; null for EVENT_KIND_CONTENT.
 */
export function openPayload(
  header: EventHeader,
  payload: Payload,
  options: { readonly write: SlotWrite | null; readonly primitives: Primitives },
): PayloadInner | BindingFault {
  if (!isFranked(header.commitment, payload, options.primitives)) return 'COMMITMENT';
  const inner = decodeCanonical(PayloadInner, payload.inner);
  if (inner === null) return 'MALFORMED';
  const isSameControl =
    inner.control !== undefined &&
    header.control !== undefined &&
    inner.control.number === header.control.number &&
    equalBytes(inner.control.hash, header.control.hash);
  if (!isSameControl) return 'CONTROL';
  return checkPlace(inner, header.kind, { ...header, write: options.write }) ?? inner;
}

/**
 * The same for a slot taken from a room's state, which has lost its header: no commitment, no control head to compare. A slot's event never counts
 * and never ends early.
 */
export function openSlotPayload(place: SlotPlace, payload: Payload): PayloadInner | BindingFault {
  const inner = decodeCanonical(PayloadInner, payload.inner);
  if (inner === null) return 'MALFORMED';
  return checkPlace(inner, EventKind.EVENT_KIND_SLOT, { ...place, counts: false, expiryDay: 0 }) ?? inner;
}

/**
 * What an author says, out of PayloadInner.content; null where it is written in another way than the one that there is: whoever it is shown to, and
 * whoever judges a report of it, reads the same. A later version's has no body that this one knows.
 */
export function decodeContent(bytes: Uint8Array): Content | null {
  return decodeCanonical(Content, bytes);
}

/** Are the two times of a message so far apart that a reader shows both? False where the author said none. Both in milliseconds since the epoch. */
export function isWrittenApart(writtenMs: number, acceptedMs: number): boolean {
  return writtenMs !== 0 && Math.abs(writtenMs - acceptedMs) > limits.writtenApartMs;
}

interface Place {
  readonly room: string;
  readonly member: number;
  readonly device: number;
  readonly sendId: number;
  readonly counts: boolean;
  readonly expiryDay: number;
  readonly write: SlotWrite | null;
}

function checkPlace(inner: PayloadInner, kind: EventKind, place: Place): BindingFault | null {
  if (inner.room !== place.room) return 'ROOM';
  if (inner.member !== place.member) return 'MEMBER';
  if (inner.device !== place.device) return 'DEVICE';
  if (inner.sendId !== place.sendId) return 'SEND_ID';
  if (inner.kind !== kind) return 'KIND';
  if (inner.counts !== place.counts) return 'COUNTS';
  if (inner.expiryDay !== place.expiryDay) return 'EXPIRY_DAY';
  if (inner.slot !== (place.write?.slot ?? '')) return 'SLOT';
  return inner.slotVersion === (place.write?.version ?? 0) ? null : 'SLOT_VERSION';
}
