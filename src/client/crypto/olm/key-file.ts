// Key files: all sessions under a passphrase, in the format that Matrix clients export and read (AES-256-CTR and HMAC-SHA-256 under PBKDF2-SHA-512), made
// and opened by the library. Guarantees: a file says no more than the passphrase's owner put in it, so all of it is noted as unproven; a file can't
// hold the device up for long. Does not: judge the passphrase.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { ClientError } from '../../errors.ts';
import type { KeyFileImport, SessionOrigin } from '../keeping.ts';
import { type Json, objectOf } from './json.ts';
import type { Owners } from './origins.ts';
import type { Machine } from './requests.ts';

/** Rounds of new files: half a second of a server's core, a few seconds of a slow phone's, at a stretch. */
const rounds = 210_000;
/** Most rounds that a file may ask for. Over it: BAD_ARGUMENT. */
export const keyFileRoundsMax = 2_000_000;
/** Longest file, in characters. Over it: BAD_ARGUMENT. */
export const keyFileCharactersMax = 67_108_864;

const header = '-----BEGIN MEGOLM SESSION DATA-----';
/** Version, salt, first counter block; then the rounds, 4 bytes, big end first. */
const roundsAt = 1 + 16 + 16;

/** See `Keeping.exportKeys`. */
export function exportKeys({ olm, lock }: Machine, passphrase: string): Promise<string> {
  return lock.run(async () => {
    const sessions = await olm.exportRoomKeys(() => true);
    return wasm.OlmMachine.encryptExportedRoomKeys(sessions, passphrase, rounds);
  });
}

/** See `Keeping.importKeys`. */
export function importKeys(machine: Machine, owners: Owners, file: KeyFile): Promise<KeyFileImport> {
  requireBounds(file.text);
  const sessions = decrypted(file);
  return machine.lock.run(async () => {
    await owners.note(originsIn(sessions));
    const { totalCount: total, importedCount: imported } = await machine.olm.importExportedRoomKeys(sessions, () => {});
    return { total, imported };
  });
}

/** A key file and what opens it. */
export interface KeyFile {
  text: string;
  passphrase: string;
}

/** Throws BAD_ARGUMENT for what is no key file, too long, or asks for too many rounds. */
export function requireBounds(text: string): void {
  const no = (why: string) => new ClientError('BAD_ARGUMENT', why);
  if (text.length > keyFileCharactersMax) throw no('This key file is too long');
  const lines = text.trimStart();
  if (!lines.startsWith(header)) throw no('This is no key file');
  const begin = lines.slice(header.length, header.length + 200).replace(/\s/g, '');
  let bytes: string;
  try {
    bytes = atob(begin.slice(0, 52));
  } catch {
    // No base64.
    throw no('This is no key file');
  }
  if (bytes.length < roundsAt + 4) throw no('This is no key file');
  const asked = [0, 1, 2, 3].reduce((sum, at) => sum * 256 + bytes.charCodeAt(roundsAt + at), 0);
  if (asked > keyFileRoundsMax) throw no('This key file asks for more rounds than any program makes');
}

function decrypted({ text, passphrase }: KeyFile): string {
  try {
    return wasm.OlmMachine.decryptExportedRoomKeys(text, passphrase);
  } catch (cause) {
    // The library says by its words alone which of the two it is.
    if (String(cause).includes('MAC'))
      throw new ClientError('WRONG_PASSWORD', 'This is not the passphrase of this file');
    throw new ClientError('BAD_ARGUMENT', 'This is no key file', { cause });
  }
}

function originsIn(sessions: string): SessionOrigin[] {
  const list: Json = JSON.parse(sessions);
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry) => {
    const { room_id: room, session_id: sessionId } = objectOf(entry);
    return typeof room === 'string' && typeof sessionId === 'string' ? [{ room, sessionId, sender: undefined }] : [];
  });
}
