// Sealing and opening what people say: payload, binding, franking, and the check that what came out is from whom the log says.
// What opens here was encrypted by a device that its owner's newest manifest lists, for exactly this place in this room.
import { Content } from '#proto/gen/content.ts';
import {
  Algorithm,
  type ControlHead,
  type Event,
  EventHeader,
  EventKind,
  type ManifestHead,
  Payload,
  PayloadInner,
  type Person,
  type SeenHead,
  type Slot,
  SlotWrite,
  type Stamp,
} from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { decodeContent, isFranked, openPayload, openSlotPayload } from '#proto/rules/record/payload.ts';
import type { AlarmCode, TroubleCause } from '../alarms.ts';
import type { Decrypted, DecryptFailure, DecryptRequest, Exclusion, Recipient, Rotation } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';
import { messageId } from '../timeline/timeline.ts';

/** Rotation of the sending session, by count and by age, where nothing else was asked for. */
export const usualRotation: Rotation = { messages: 10_000, ageMs: 30 * 24 * 3_600_000 };

/** Where and as whom something is sealed. */
export interface SealingPlace {
  readonly room: string;
  readonly member: number;
  readonly sendId: number;
  readonly control: ControlHead;
  readonly seen: SeenHead;
  readonly manifest: ManifestHead;
  readonly recipients: readonly Recipient[];
}

/** What is sealed. */
export interface Sealable {
  readonly kind: EventKind;
  readonly content: Content;
  readonly counts: boolean;
  /** When the person wrote it, in milliseconds since the epoch. */
  readonly writtenMs: number;
  /** For slots and receipts. */
  readonly slot: string;
  readonly slotVersion: number;
}

/** What opening gave. `alarm` is raised besides. */
export type Opened =
  | {
      readonly content: Content;
      readonly inner: PayloadInner;
      /** Its key came out of a key file, which alone says who made it. */
      readonly unproven: boolean;
    }
  | { readonly trouble: TroubleCause; readonly alarm?: AlarmCode; readonly sessionId?: string };

/** Encrypts content into an event; `excluded` says who got no key. Rejects as CryptoEngine.encrypt does. */
export async function sealEvent(
  parts: Parts,
  place: SealingPlace,
  sealable: Sealable,
): Promise<{ event: Event; excluded: readonly Exclusion[] }> {
  const { body, commitment, excluded } = await sealBody(parts, place, sealable);
  const { kind, counts } = sealable;
  const event = wrapEvent(parts, place, { kind, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, counts, body, commitment });
  return { event, excluded };
}

/** A receipt is a slot without an event: the write alone. */
export async function sealReceipt(parts: Parts, place: SealingPlace, sealable: Sealable): Promise<Uint8Array> {
  return (await sealBody(parts, place, sealable)).body;
}

/** An event whose body is not encrypted: control entries and emptyings. */
export function plainEvent(parts: Parts, place: SealingPlace, kind: EventKind, body: Uint8Array): Event {
  return wrapEvent(parts, place, {
    kind,
    algorithm: Algorithm.ALGORITHM_NONE,
    counts: false,
    body,
    commitment: noBytes,
  });
}

/** What surrounds a ciphertext that is to be opened. */
export interface OpeningPlace {
  readonly header: EventHeader;
  readonly body: Uint8Array;
  /** Who stands behind the header's member number, as the chain says. */
  readonly sender: string;
  /** The identity that the chain commits them to; absent where that is not known any more. */
  readonly committed?: Uint8Array | undefined;
  readonly stamp: Pick<Stamp, 'acceptedMs'>;
  /** See Came. */
  readonly afterMs: number;
}

/** Decrypts and checks. Fetches the sender's keys once where they are not known. Never rejects for what is in the event. */
export async function openEvent(parts: Parts, place: OpeningPlace): Promise<Opened> {
  const { header, sender } = place;
  const slot = header.kind === EventKind.EVENT_KIND_SLOT ? decodeCanonical(SlotWrite, place.body) : null;
  if (header.kind === EventKind.EVENT_KIND_SLOT && !slot) return { trouble: 'BAD_CIPHERTEXT' };
  const body = slot ? slot.value : place.body;
  const request = {
    room: header.room,
    sender,
    eventId: slot ? `${messageId(header)}.${slot.slot}` : messageId(header),
    body,
  };
  const decrypted = await decryptFrom(parts, request, place.committed);
  if (!decrypted.ok) {
    const alarm =
      decrypted.cause === 'REPLAY'
        ? 'MESSAGE_REPLAYED'
        : decrypted.cause === 'SENDER_MISMATCH'
          ? 'MESSAGE_TRANSPLANTED'
          : undefined;
    const sessionId = decrypted.sessionId;
    return { trouble: decrypted.cause, ...(alarm ? { alarm } : {}), ...(sessionId ? { sessionId } : {}) };
  }
  return checkOpened(parts, place, decrypted, slot);
}

/** Decrypts, as soon as the engine knows the sender as the room does: their keys are fetched where they are not here, and then the identity that the chain
 * commits them to is met. */
async function decryptFrom(
  parts: Parts,
  request: DecryptRequest,
  committed: Uint8Array | undefined,
): Promise<Decrypted | DecryptFailure> {
  const { engine, people } = parts;
  const { sender, room } = request;
  let decrypted = await engine.decrypt(request);
  if (!decrypted.ok && (decrypted.cause === 'UNKNOWN_DEVICE' || decrypted.cause === 'NOT_CROSS_SIGNED')) {
    if (await people.tryRefresh(sender, room)) decrypted = await engine.decrypt(request);
  }
  if (!decrypted.ok && decrypted.cause === 'IDENTITY_CHANGED' && committed) {
    if (await people.approvals.meetCommitted(sender, committed, room)) decrypted = await engine.decrypt(request);
  }
  return decrypted;
}

/** What a message was sealed with, for whoever reports it; undefined where it can't be opened, or is not what its header commits to. */
export async function payloadOf(
  parts: Parts,
  { header, body, sender }: Pick<OpeningPlace, 'header' | 'body' | 'sender'>,
): Promise<Payload | undefined> {
  const decrypted = await parts.engine.decrypt({ room: header.room, sender, eventId: messageId(header), body });
  const payload = decrypted.ok ? decodeOr(Payload.decode, decrypted.plaintext) : undefined;
  return payload && isFranked(header.commitment, payload, parts.primitives) ? payload : undefined;
}

/** Opens a slot taken from a room's state, or undefined where it can't be shown. Receipts are slots, too. `author`: as the chain says. */
export async function openSlot(
  parts: Parts,
  room: string,
  slot: Slot,
  author: Pick<Person, 'user' | 'fingerprint'> | undefined,
): Promise<Content | undefined> {
  const write = decodeCanonical(SlotWrite, slot.write);
  if (!write || !author) return undefined;
  const { user: sender, fingerprint } = author;
  const { member, device, sendId } = slot;
  const ordered = sendId > 0;
  const eventId = `${messageId({ member, device, sendId })}.${write.slot}${ordered ? '' : `.${write.version}`}`;
  const decrypted = await decryptFrom(parts, { room, sender, eventId, body: write.value }, fingerprint);
  const transplanted = () => parts.alarm({ code: 'MESSAGE_TRANSPLANTED', room, user: sender });
  if (!decrypted.ok) {
    if (decrypted.cause === 'SENDER_MISMATCH') transplanted();
    return undefined;
  }
  if (decrypted.trust === 'unproven') return undefined;
  const payload = decodeOr(Payload.decode, decrypted.plaintext);
  const inner = payload && openSlotPayload({ room, member, device, sendId, write }, payload);
  if (typeof inner === 'string') transplanted();
  if (inner === undefined || typeof inner === 'string') return undefined;
  const standing = await parts.people.deviceStanding(sender, decrypted.device, {
    room,
    // When it was set nobody here can tell: a device that was taken off counts as taken off before.
    acceptedMs: Number.MAX_SAFE_INTEGER,
    afterMs: 0,
    named: inner.manifest,
  });
  if (!standing || standing.removed || (standing.number !== 0 && standing.number !== device)) return undefined;
  if (standing.listedAs && !equalBytes(standing.listedAs, fingerprint)) return undefined;
  return decodeContent(inner.content) ?? undefined;
}

async function checkOpened(
  parts: Parts,
  place: OpeningPlace,
  decrypted: Decrypted,
  slot: SlotWrite | null,
): Promise<Opened> {
  const { header, sender } = place;
  const transplanted: Opened = { trouble: 'BINDING_MISMATCH', alarm: 'MESSAGE_TRANSPLANTED' };
  const payload = decodeOr(Payload.decode, decrypted.plaintext);
  if (!payload) return { trouble: 'BAD_CONTENT' };
  const inner = openPayload(header, payload, { write: slot, primitives: parts.primitives });
  if (typeof inner === 'string') return transplanted;
  const standing = await parts.people.deviceStanding(sender, decrypted.device, {
    room: header.room,
    acceptedMs: place.stamp.acceptedMs,
    afterMs: place.afterMs,
    named: inner.manifest,
  });
  // The manifest that the message names could not be had just now.
  if (!standing) return { trouble: 'UNKNOWN_DEVICE' };
  if (standing.removed) return { trouble: 'SENDER_REMOVED' };
  if (standing.number !== 0 && standing.number !== header.device) return transplanted;
  // It may be approved elsewhere: here the chain decides who is heard.
  if (standing.listedAs && place.committed && !equalBytes(standing.listedAs, place.committed))
    return { trouble: 'IDENTITY_CHANGED' };
  const content = decodeContent(inner.content);
  if (content === null) return { trouble: 'BAD_CONTENT' };
  const unproven = decrypted.trust === 'unproven';
  // A name is shown without room for a word of doubt.
  if (unproven && slot) return { trouble: 'UNKNOWN_DEVICE' };
  return content.body ? { content, inner, unproven } : { trouble: 'UNKNOWN_CONTENT' };
}

async function sealBody(
  parts: Parts,
  place: SealingPlace,
  sealable: Sealable,
): Promise<{ body: Uint8Array; commitment: Uint8Array; excluded: readonly Exclusion[] }> {
  const inner = PayloadInner.encode({
    room: place.room,
    member: place.member,
    device: parts.device,
    sendId: place.sendId,
    kind: sealable.kind,
    counts: sealable.counts,
    control: place.control,
    seen: place.seen,
    manifest: place.manifest,
    slot: sealable.slot,
    slotVersion: sealable.slotVersion,
    content: Content.encode(sealable.content).finish(),
    writtenMs: sealable.writtenMs,
    expiryDay: 0,
  }).finish();
  const frankingKey = crypto.getRandomValues(new Uint8Array(32));
  const commitment = parts.primitives.hmacSha256(frankingKey, inner);
  const plaintext = Payload.encode({ frankingKey, inner }).finish();
  const { room, recipients, control } = place;
  const { engine, rotation } = parts;
  const { body, excluded } = await engine.encrypt({ room, recipients, plaintext, rotation, audience: control.number });
  if (sealable.slot === '') return { body, commitment, excluded };
  const write = SlotWrite.encode({
    slot: sealable.slot,
    version: sealable.slotVersion,
    algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
    value: body,
  });
  return { body: write.finish(), commitment, excluded };
}

interface Wrapping {
  readonly kind: EventKind;
  readonly algorithm: Algorithm;
  readonly counts: boolean;
  readonly body: Uint8Array;
  readonly commitment: Uint8Array;
}

function wrapEvent(parts: Parts, place: SealingPlace, wrapping: Wrapping): Event {
  const header = EventHeader.encode({
    room: place.room,
    member: place.member,
    device: parts.device,
    sendId: place.sendId,
    kind: wrapping.kind,
    algorithm: wrapping.algorithm,
    bodySize: wrapping.body.length,
    bodyHash: parts.primitives.sha256(wrapping.body),
    control: place.control.number > 0 ? place.control : undefined,
    counts: wrapping.counts,
    expiryDay: 0,
    commitment: wrapping.commitment,
  }).finish();
  return { header, body: wrapping.body };
}

function decodeOr<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return decode(bytes);
  } catch {
    // Bytes of others, and nothing but the codec.
    return undefined;
  }
}
