// Secrets of a provider: made at the first start, kept in one owner-only file each below `<data>/secrets`, never logged, never sent.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from './config-sources.ts';

/** The folder of the secrets. */
export function secretsFolder({ data, secrets }: { readonly data: string; readonly secrets: string }): string {
  return secrets === '' ? join(data, 'secrets') : secrets;
}

/** `subject` keys the hashes of people and stays for ever; `cluster` is what nodes know each other by. */
export type SecretName = 'subject' | 'cluster';

/** What may be done about a secret that is not there. */
export interface SecretUse {
  readonly mayMake: boolean;
  /** Other nodes have the same one. */
  readonly isShared: boolean;
}

/** Reads the 32-byte secret `name`; a missing one is made if it may be. Throws ConfigError when it is missing or damaged, or others could read it. */
export function secret(folder: string, name: SecretName, { mayMake, isShared }: SecretUse): Uint8Array {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, name);
  if (!existsSync(path)) {
    if (!mayMake)
      throw new ConfigError(
        `The secret ${path} is missing, and ${isShared ? 'other nodes have it' : 'people have logged in under it'}: ${comeBy(name, isShared)}. ${withoutIt[name]}`,
      );
    writeDurably(path, randomBytes(32).toString('hex'));
  }
  if ((statSync(path).mode & 0o077) !== 0)
    throw new ConfigError(`The secret ${path} can be read by others: run chmod 600 on it. ${ifRead[name]}`);
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
  if (bytes.length !== 32)
    throw new ConfigError(`The secret ${path} is damaged: ${comeBy(name, isShared)}. ${withoutIt[name]}`);
  return bytes;
}

/** The file with what the bot of this name shows to log in. */
export function botSecretFile(folder: string, name: string): string {
  return join(folder, `bot-${name}`);
}

/** Keeps what a bot shows in its file, for the bot's process to read; it is derived, so a file that is missing, damaged or of another provider is written anew. */
export function keepBotSecret(folder: string, name: string, text: string): void {
  const path = botSecretFile(folder, name);
  const isKept = existsSync(path) && (statSync(path).mode & 0o077) === 0 && readFileSync(path, 'utf8').trim() === text;
  if (!isKept) writeDurably(path, text);
}

/** What to do, as part of a sentence. */
export function comeBy(name: SecretName, isShared: boolean): string {
  if (name === 'cluster') return 'copy it from another node; where there is none, remove it, and a new one is made';
  return isShared
    ? 'copy the folder of the secrets from another node; where none has it, restore it from your backup'
    : 'restore it from your backup';
}

const withoutIt: Readonly<Record<SecretName, string>> = {
  subject: 'With another one everybody would come in as someone new.',
  cluster: 'With another one the nodes do not accept each other; no person depends on it.',
};

const ifRead: Readonly<Record<SecretName, string>> = {
  subject: 'It stays the same even so: with another one everybody would come in as someone new.',
  cluster: 'If this machine is shared, stop all nodes and replace it on each.',
};

function writeDurably(path: string, text: string): void {
  // A half-written secret would lock everyone out: it appears whole or not at all.
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
