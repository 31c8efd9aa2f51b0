// The header of a backup: a person's secrets, sealed under a key that Argon2id makes of the backup password.
// Guarantees: a header that is not the one which the signed manifest names is refused before the password is touched, and so is one whose Argon2id is
// too weak (it would have the password guessed) or too heavy. A wrong password says WRONG_PASSWORD and no more. The password and what is made of it never
// leave this file. Does not: judge passwords (`strength.ts`), fetch anything.
//
// The default costs 64 MiB and 3 passes (RFC 9106's second choice with one lane, since JavaScript has one thread): one second of one core of an AMD EPYC
// server, in Node 24 and in Chromium alike (`bench/micro/password.ts`). A slow phone is six to ten times slower: a budget of 15 s, spent at set-up, at a new
// device and at a change of the password, in turns of 10 ms with progress and a way out, behind whatever else a page has to do.
import { ed25519 } from '@noble/curves/ed25519.js';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { BackupHeader, type BackupPlace, BackupSecrets } from '#proto/gen/backup.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { backupHash } from '#proto/rules/bytes/hash.ts';
import { limits } from '#proto/rules/limits.ts';
import { ClientError } from '../errors.ts';
import { portablePrimitives } from '../primitives.ts';
import { isPasswordLength, normalizePassword } from './password.ts';
import { importKey, open, seal, secretBytes } from './sealing.ts';

/** What Argon2id costs: memory in KiB, passes, lanes. */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** For new headers. */
export const passwordCost: PasswordCost = { memoryKib: 65_536, passes: 3, lanes: 1 };
/** A reader refuses less: UNTRUSTED. */
export const passwordCostMin: PasswordCost = { memoryKib: 19_456, passes: 2, lanes: 1 };
/** A reader refuses more: UNTRUSTED. */
export const passwordCostMax: PasswordCost = { memoryKib: 1_048_576, passes: 16, lanes: 4 };

const saltBytes = 16;
const format = 1;
/** Longest turn of the derivation, in milliseconds, before others come to theirs. */
const turnMs = 10;

/** How a derivation is watched and ended. */
export interface Derivation {
  /** From 0 to 1. */
  onProgress?: (part: number) => void;
  /** Ends it: the call rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What to seal for whom. */
export interface NewHeader extends Derivation {
  user: string;
  /** One above the last that was given. */
  version: number;
  password: string;
  secrets: BackupSecrets;
  /** Default: `passwordCost`. */
  cost?: PasswordCost;
}

/** A header to be opened. */
export interface HeldHeader extends Derivation {
  user: string;
  password: string;
  /** As the server gave it. */
  header: Uint8Array;
  /** As the person's newest signed manifest names it. */
  head: BackupHead;
}

/** Seals the secrets: the bytes for CreateBackup, whose hash (`headOf`) goes into the next manifest. Rejects with BAD_ARGUMENT for a password of no or too many
 * characters, secrets of another length than 32 bytes, or a cost out of bounds. Judge the password before. */
export async function sealHeader(wanted: NewHeader): Promise<Uint8Array> {
  const { user, version, secrets, cost = passwordCost } = wanted;
  const password = normalizePassword(wanted.password);
  if (!isPasswordLength(password) || !isWhole(secrets) || !isCostWithin(cost))
    throw new ClientError('BAD_ARGUMENT', 'The password, its cost or the secrets are out of their bounds');
  const salt = crypto.getRandomValues(new Uint8Array(saltBytes));
  const key = await derive(password, salt, cost, wanted);
  const sealed = await seal(key, 'header', place(user, version), BackupSecrets.encode(secrets).finish());
  return BackupHeader.encode({ format, salt, ...cost, sealed }).finish();
}

/** Opens the header with the password. Rejects with UNTRUSTED for a header that the manifest does not name or that asks for what nobody may ask, with
 * WRONG_PASSWORD, or with PROTOCOL for secrets that no device of ours sealed. */
export async function openHeader(held: HeldHeader): Promise<BackupSecrets> {
  const { salt, sealed, ...cost } = readHeader(held.header, held.head);
  const wrong = new ClientError('WRONG_PASSWORD', 'This is not the password of this backup.');
  const password = normalizePassword(held.password);
  if (!isPasswordLength(password)) throw wrong;
  const key = await derive(password, salt, cost, held);
  const plain = await open(key, 'header', place(held.user, held.head.version), sealed);
  if (plain === undefined) throw wrong;
  const secrets = decodeCanonical(BackupSecrets, plain);
  if (secrets === null || !isWhole(secrets)) throw new ClientError('PROTOCOL', 'The backup holds no secrets');
  if (!equalBytes(ed25519.getPublicKey(secrets.listingSeed), held.head.listingKey))
    throw new ClientError('UNTRUSTED', 'This backup is refused: the list of devices names another key for it');
  return secrets;
}

/** How a manifest names a header that holds this seed. */
export function headOf(version: number, header: Uint8Array, listingSeed: Uint8Array): BackupHead {
  return { version, hash: backupHash(header, portablePrimitives), listingKey: ed25519.getPublicKey(listingSeed) };
}

function readHeader(bytes: Uint8Array, head: BackupHead): BackupHeader {
  const refused = (why: string) => new ClientError('UNTRUSTED', `This backup is refused: ${why}`);
  if (head.version < 1 || !equalBytes(backupHash(bytes, portablePrimitives), head.hash))
    throw refused('it is not the one that the own devices signed');
  const header = bytes.length <= limits.backupHeaderBytesMax ? decodeCanonical(BackupHeader, bytes) : null;
  if (header?.format !== format || header.salt.length !== saltBytes) throw refused('it is not of a form known here');
  if (!isCostWithin(header)) throw refused('its Argon2id is weaker than any device would make it, or heavier');
  return header;
}

async function derive(password: string, salt: Uint8Array, cost: PasswordCost, watch: Derivation): Promise<CryptoKey> {
  const { onProgress, signal } = watch;
  signal?.throwIfAborted();
  const key = await behindOthers(() =>
    argon2idAsync(new TextEncoder().encode(password), salt, {
      version: 0x13,
      m: cost.memoryKib,
      t: cost.passes,
      p: cost.lanes,
      dkLen: secretBytes,
      // The bound above is the one that counts.
      maxmem: 2 * passwordCostMax.memoryKib * 1_024,
      asyncTick: turnMs,
      onProgress: (part) => {
        signal?.throwIfAborted();
        onProgress?.(part);
      },
    }),
  );
  signal?.throwIfAborted();
  try {
    return await importKey(key);
  } finally {
    key.fill(0);
  }
}

/** The library gives its turns back with `scheduler.yield` where there is one. A browser goes on behind that before it looks at timers, at the network or at workers: for as long as
 * a derivation takes, a page would hear nothing. What was begun in the background goes on after them. */
function behindOthers<T>(work: () => Promise<T>): Promise<T> {
  const { scheduler } = globalThis as { scheduler?: { postTask?: PostTask } };
  return scheduler?.postTask ? scheduler.postTask(work, { priority: 'background' }) : work();
}

type PostTask = <T>(work: () => Promise<T>, options: { readonly priority: 'background' }) => Promise<T>;

function place(user: string, version: number): BackupPlace {
  return { user, version, room: '', session: '' };
}

function isCostWithin(cost: PasswordCost): boolean {
  return (['memoryKib', 'passes', 'lanes'] as const).every(
    (name) => cost[name] >= passwordCostMin[name] && cost[name] <= passwordCostMax[name],
  );
}

function isWhole({ backupKey, masterSeed, selfSigningSeed, userSigningSeed, listingSeed }: BackupSecrets): boolean {
  const secrets = [backupKey, masterSeed, selfSigningSeed, userSigningSeed, listingSeed];
  return secrets.every(({ length }) => length === secretBytes);
}
