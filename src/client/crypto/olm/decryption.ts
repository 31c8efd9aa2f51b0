// Decrypting one message of a room: the library's work, our stricter rules around it, and a named cause for each no.
// Guarantees: what comes out was sent by a device that its owner's identity signed, an identity that did not change
// unapproved, under a step of the session that no other event used. A session that was taken in (backup, key file) never satisfies the library, which does
// not know who made it: then the ledger must say so, and the message must be of exactly that sender and device. Does not: keep or order anything.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoLedger, DecryptCause, Decrypted, DecryptFailure, DecryptRequest } from '../engine.ts';
import type { SessionOrigin } from '../keeping.ts';
import { foreignObject, joinObject, objectOf, parseObject } from './json.ts';

/** The name under which a message's bytes lie in the encrypted content, as base64. */
export const plaintextField = 'p';

const strict = wasm.TrustRequirement.CrossSigned;
const any = wasm.TrustRequirement.Untrusted;

/** What this needs of the engine around it. */
export interface DecryptionContext {
  olm: wasm.OlmMachine;
  ledger: CryptoLedger;
  /** How the sender's identity stands now. */
  identity(user: string): Promise<{ changed: boolean; verified: boolean } | undefined>;
  /** The cross-signed device of a user that has this Curve25519 key (base64) now. */
  deviceWithKey(user: string, key: string): Promise<string | undefined>;
  /** Keeps who made a session, which the library has proven. */
  keep(origin: SessionOrigin): Promise<void>;
}

/** Who is proven to have sent an event, or why nobody is. */
type Proof = Pick<Decrypted, 'device' | 'trust'> | { cause: DecryptCause; detail: string };

/** A step of a session: what must be used once. */
export interface Step {
  sessionId: string;
  index: number;
}

/** The step that an encrypted body names; undefined if it is no such body. */
export function bodyStep(body: Uint8Array): Step | undefined {
  const text = foreignObject(body);
  if (text === undefined) return undefined;
  const { session_id, ciphertext } = parseObject(text);
  if (typeof session_id !== 'string' || typeof ciphertext !== 'string') return undefined;
  const index = megolmIndex(ciphertext);
  return index === undefined ? undefined : { sessionId: session_id, index };
}

/** Decrypts, or says why not. Rejects only if the ledger or the machine fail. */
export async function decrypt(
  context: DecryptionContext,
  request: DecryptRequest,
): Promise<Decrypted | DecryptFailure> {
  const step = bodyStep(request.body);
  if (step === undefined) return { ok: false, cause: 'BAD_CIPHERTEXT', detail: 'not an encrypted body' };
  const failed = (cause: DecryptCause, detail: string, more: Partial<DecryptFailure> = {}): DecryptFailure => {
    return { ok: false, cause, sessionId: step.sessionId, detail, ...more };
  };
  const identity = await context.identity(request.sender);
  let event: wasm.DecryptedRoomEvent;
  let origin: SessionOrigin | undefined;
  try {
    ({ event, origin } = await opened(context, request, step));
  } catch (error) {
    if (!(error instanceof wasm.MegolmDecryptionError)) throw error;
    const { withheldCode } = error;
    const cause = withheldCode === undefined ? causeOf(error.code) : 'WITHHELD';
    return failed(cause, error.description, withheldCode === undefined ? {} : { withheld: withheldCode });
  }
  if (identity?.changed === true) return failed('IDENTITY_CHANGED', 'the sender has another identity than before');
  // Of someone who left no identity may be known any more; what the backup says of them holds.
  if (identity === undefined && !origin?.sender) return failed('UNKNOWN_DEVICE', 'no identity of the sender is known');
  const proof = origin
    ? await proofByOrigin(context, origin, { sender: request.sender, key: event.senderCurve25519Key })
    : proofByLibrary(event, identity?.verified === true);
  if ('cause' in proof) return failed(proof.cause, proof.detail);
  const plaintext = plaintextOf(event.event);
  if (plaintext === undefined) return failed('BAD_CONTENT', 'no plaintext of ours inside');
  // Only now: a body that does not decrypt must not use up the step of the true one.
  const holder = await context.ledger.claimIndex(step.sessionId, step.index, request.eventId);
  if (holder !== request.eventId)
    return failed('REPLAY', `step ${step.index} was used before`, { firstEventId: holder });
  const { room, sender } = request;
  const key = fromBase64(event.senderCurve25519Key);
  if (origin === undefined && key !== null)
    await context.keep({ room, sessionId: step.sessionId, sender: { user: sender, device: proof.device, key } });
  return { ok: true, plaintext, sender, senderKey: event.senderCurve25519Key, ...step, ...proof };
}

// Strictly; and only where that fails for want of a sender and the ledger says that the session was taken in, without asking for one.
async function opened({ olm, ledger }: DecryptionContext, request: DecryptRequest, { sessionId }: Step) {
  const decryptAt = (level: wasm.TrustRequirement) =>
    olm.decryptRoomEvent(eventJson(request), new wasm.RoomId(request.room), new wasm.DecryptionSettings(level));
  try {
    return { event: await decryptAt(strict), origin: undefined };
  } catch (error) {
    if (!(error instanceof wasm.MegolmDecryptionError) || error.code !== wasm.DecryptionErrorCode.UnknownSenderDevice)
      throw error;
    const origin = await ledger.sessionOrigin(request.room, sessionId);
    if (origin === undefined) throw error;
    return { event: await decryptAt(any), origin };
  }
}

function proofByLibrary(event: wasm.DecryptedRoomEvent, verified: boolean): Proof {
  const device = event.senderDevice?.toString();
  if (device === undefined) return { cause: 'BAD_CONTENT', detail: 'no device sent it' };
  return { device, trust: verified ? 'verified' : 'crossSigned' };
}

// The library compares nothing at that level, the sender's name least of all.
async function proofByOrigin(
  context: DecryptionContext,
  { sender: owner }: SessionOrigin,
  { sender, key }: { sender: string; key: string },
): Promise<Proof> {
  if (owner === undefined) {
    const device = await context.deviceWithKey(sender, key);
    return device === undefined
      ? { cause: 'UNKNOWN_DEVICE', detail: 'the sender has no device of this key' }
      : { device, trust: 'unproven' };
  }
  if (owner.user !== sender) return { cause: 'SENDER_MISMATCH', detail: 'the backup names another sender' };
  if (toBase64(owner.key) !== key) return { cause: 'KEY_MISMATCH', detail: 'the backup names another key' };
  return { device: owner.device, trust: 'restored' };
}

function eventJson({ body, eventId, sender }: DecryptRequest): string {
  return joinObject([
    ['type', '"m.room.encrypted"'],
    ['event_id', JSON.stringify(`$${eventId}`)],
    ['sender', JSON.stringify(sender)],
    ['origin_server_ts', '0'],
    ['content', foreignObject(body) ?? '{}'],
  ]);
}

function causeOf(code: wasm.DecryptionErrorCode): DecryptCause {
  switch (code) {
    case wasm.DecryptionErrorCode.MissingRoomKey:
      return 'NO_KEY';
    case wasm.DecryptionErrorCode.UnknownMessageIndex:
      return 'UNKNOWN_INDEX';
    case wasm.DecryptionErrorCode.UnknownSenderDevice:
      return 'UNKNOWN_DEVICE';
    case wasm.DecryptionErrorCode.UnsignedSenderDevice:
      return 'NOT_CROSS_SIGNED';
    case wasm.DecryptionErrorCode.MismatchedIdentityKeys:
      return 'KEY_MISMATCH';
    case wasm.DecryptionErrorCode.MismatchedSender:
      return 'SENDER_MISMATCH';
    case wasm.DecryptionErrorCode.SenderIdentityVerificationViolation:
      return 'IDENTITY_CHANGED';
    default:
      return 'BAD_CIPHERTEXT';
  }
}

function plaintextOf(event: string): Uint8Array | undefined {
  const text = objectOf(parseObject(event).content)[plaintextField];
  return typeof text === 'string' ? (fromBase64(text) ?? undefined) : undefined;
}

// A Megolm message begins with its version (3), then field 1 (tag 8): the index, as a varint of at most five bytes.
function megolmIndex(ciphertext: string): number | undefined {
  const head = fromBase64(ciphertext.slice(0, 12));
  if (head === null || head[0] !== 3 || head[1] !== 8) return undefined;
  let index = 0;
  for (let at = 2, scale = 1; at < 7; at += 1, scale *= 128) {
    const byte = head[at];
    if (byte === undefined) return undefined;
    index += (byte & 0x7f) * scale;
    if (byte < 0x80) return index;
  }
  return undefined;
}
