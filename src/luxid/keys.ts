// The stand-in's own keys: one signing key and two cookie keys, made at the first start in an owner-only file and kept over restarts.
// Nothing of ours trusts them beyond development.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** What the stand-in signs with. */
export interface Keys {
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly cookieKeys: readonly string[];
}

/** Reads the keys below `folder`, making folder (0700) and file (0600) at the first start. Throws where the file is damaged. */
export async function openKeys(folder: string): Promise<Keys> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'luxid-keys.json');
  if (!existsSync(path)) {
    // It appears whole or not at all: a half-written file would stop every later start.
    writeFileSync(`${path}.new`, JSON.stringify(await makeKeys()), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  chmodSync(path, 0o600);
  const kept: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isKeys(kept)) throw new Error(`The file ${path} is damaged: delete it, new keys are made at the next start.`);
  return kept;
}

async function makeKeys(): Promise<Keys> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: randomBytes(8).toString('hex') };
  return { jwks: { keys: [key] }, cookieKeys: [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')] };
}

function isKeys(value: unknown): value is Keys {
  const { jwks, cookieKeys } = (value ?? {}) as { jwks?: { keys?: unknown }; cookieKeys?: unknown };
  return Array.isArray(jwks?.keys) && Array.isArray(cookieKeys) && cookieKeys.length > 0;
}
