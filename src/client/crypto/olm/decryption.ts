// Decrypting one message of a room: the library's work, our stricter rules around it, and a named cause for each no.
// Guarantees: what comes out was sent by a device that its owner's identity signed, an identity that did not change
// unapproved, under a step of the session that no other event used. Does not: keep or order anything.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { fromBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoLedger, DecryptCause, Decrypted, DecryptFailure, DecryptRequest } from '../engine.ts';
import { foreignObject, joinObject, objectOf, parseObject } from './json.ts';

/** The name under which a message's bytes lie in the encrypted content, as base64. */
export const plaintextField = 'p';

const strict = wasm.TrustRequirement.CrossSigned;

/** What this needs of the engine around it. */
export interface DecryptionContext {
  olm: wasm.OlmMachine;
  ledger: CryptoLedger;
  /** How the sender's identity stands now. */
  identity(user: string): Promise<{ changed: boolean; verified: boolean } | undefined>;
}

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
  try {
    const settings = new wasm.DecryptionSettings(strict);
    event = await context.olm.decryptRoomEvent(eventJson(request), new wasm.RoomId(request.room), settings);
  } catch (error) {
    if (!(error instanceof wasm.MegolmDecryptionError)) throw error;
    const { withheldCode } = error;
    const cause = withheldCode === undefined ? causeOf(error.code) : 'WITHHELD';
    return failed(cause, error.description, withheldCode === undefined ? {} : { withheld: withheldCode });
  }
  if (identity?.changed !== false) return failed('IDENTITY_CHANGED', 'the sender has another identity than before');
  const plaintext = plaintextOf(event.event);
  const device = event.senderDevice?.toString();
  if (plaintext === undefined || device === undefined) return failed('BAD_CONTENT', 'no plaintext of ours inside');
  // Only now: a body that does not decrypt must not use up the step of the true one.
  const holder = await context.ledger.claimIndex(step.sessionId, step.index, request.eventId);
  if (holder !== request.eventId)
    return failed('REPLAY', `step ${step.index} was used before`, { firstEventId: holder });
  return {
    ok: true,
    plaintext,
    sender: event.sender.toString(),
    device,
    senderKey: event.senderCurve25519Key,
    ...step,
    trust: identity.verified ? 'verified' : 'crossSigned',
  };
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
