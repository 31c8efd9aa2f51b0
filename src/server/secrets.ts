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
import { ConfigError } from './config.ts';

/** The folder of the secrets. */
export function secretsFolder({ data, secrets }: { readonly data: string; readonly secrets: string }): string {
  return secrets === '' ? join(data, 'secrets') : secrets;
}

/** Reads the 32-byte secret `name`; a missing one is made if it may be. Throws ConfigError when it is missing or damaged, or others could read it. */
export function secret(folder: string, name: string, { mayMake }: { readonly mayMake: boolean }): Uint8Array {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, name);
  if (!existsSync(path)) {
    if (!mayMake)
      throw new ConfigError(
        `The secret ${path} is missing, and people have logged in under it: restore it from your backup. With another one everybody would come in as someone new.`,
      );
    writeDurably(path, randomBytes(32).toString('hex'));
  }
  if ((statSync(path).mode & 0o077) !== 0)
    throw new ConfigError(
      `The secret ${path} can be read by others: run chmod 600 on it, and replace it if this machine is shared.`,
    );
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
  if (bytes.length !== 32)
    throw new ConfigError(
      `The secret ${path} is damaged: restore it from your backup. Without it nobody's login is recognised.`,
    );
  return bytes;
}

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
