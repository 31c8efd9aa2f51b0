// What only a person's devices may know, taken from the devices themselves, so that it can be searched for on the server's side: the private identity, keys of
// the backup, what a password becomes, the secrets of sessions. The keys that the crypto library makes for a device stay inside it: they are not among these.
import { argon2id } from '@noble/hashes/argon2.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { openHeader } from '#client/backup/header.ts';
import { backupKeys } from '#client/backup/sealing.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { namedBackup } from '#client/security/in-force.ts';
import { BackupHeader } from '#proto/gen/backup.ts';
import type { CreateBackup, PutBackup } from '#proto/gen/client.ts';
import { fromBase64 } from '#proto/rules/bytes/base.ts';
import { asciiBytes } from '#proto/rules/bytes/bytes.ts';

/** By name. */
export type Secrets = Readonly<Record<string, Uint8Array>>;

/** Of the backup that is in force, as the device sent it. */
export async function backupSecrets(device: LuxchatClient, sent: CreateBackup, password: string): Promise<Secrets> {
  const head = namedBackup(device.parts);
  if (!head) throw new Error('no backup is in force');
  const { header } = sent;
  const opened = await openHeader({ user: device.user, password, header, head });
  const { salt, memoryKib, passes, lanes } = BackupHeader.decode(header);
  const under = (name: string) => `${name} of backup ${head.version}`;
  return {
    [under('password, hashed')]: argon2id(password, salt, { m: memoryKib, t: passes, p: lanes, dkLen: 32 }),
    [under('key')]: opened.backupKey,
    [under('key for entries')]: hkdf(sha256, opened.backupKey, undefined, asciiBytes('luxchat backup seal v1'), 32),
    [under('key for the engine')]: (await backupKeys(opened.backupKey)).engine,
    [under('listing seed')]: opened.listingSeed,
    'master seed': opened.masterSeed,
    'self-signing seed': opened.selfSigningSeed,
    'user-signing seed': opened.userSigningSeed,
  };
}

/** The ratchets of all sessions that these requests put into a backup. */
export async function sessionSecrets(device: LuxchatClient, puts: readonly PutBackup[]): Promise<Secrets> {
  const entries = puts.flatMap((put) => put.entries.map(({ room, session }) => ({ room, sessionId: idIn(session) })));
  const given = await device.parts.engine.giveSessions(entries);
  return Object.fromEntries(given.map(({ sessionId, json }) => [`session ${sessionId}`, ratchetIn(json)]));
}

/** An entry may say behind the id from which step on it opens the session. Ids are base64 themselves: only what comes after their 43 characters is cut. */
function idIn(session: string): string {
  return session.slice(0, 43);
}

/** An export is a version, the step, 128 bytes of ratchet, and the public key. */
function ratchetIn(json: Uint8Array): Uint8Array {
  const { session_key } = JSON.parse(new TextDecoder().decode(json)) as { readonly session_key: string };
  const key = fromBase64(session_key);
  if (key?.length !== 1 + 4 + 128 + 32) throw new Error('this is no exported session');
  return key.subarray(5, 5 + 128);
}
