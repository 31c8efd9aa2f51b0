// One session of a room in the backup: sealed under the backup key, with the device that made it as an own device had verified it.
// Guarantees: what opens was sealed by an own device for exactly this user, version, room and session, and is the session it says, of the sender that it
// names. A copy that opens fewer messages, or whose maker nobody verified, takes the place of no better one: it has a name of its own. Who knows the public key of the crypto library's own backup can add nothing. Does not: keep the server from withholding an entry or showing an
// older one of the same session, which opens the same messages or fewer.
import { BackupSession } from '#proto/gen/backup.ts';
import type { BackupEntry } from '#proto/gen/client.ts';
import { fromBase64 } from '#proto/rules/bytes/base.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { limits } from '#proto/rules/limits.ts';
import type { SessionSecret } from '../crypto/keeping.ts';
import { readExported } from '../crypto/olm/exported.ts';
import { foreignObject, parseObject } from '../crypto/olm/json.ts';
import { open, seal, secretBytes } from './sealing.ts';

/** Whose backup, and which: as the signed manifest says. */
export interface BackupOwner {
  readonly user: string;
  readonly version: number;
}

/** What a page of entries holds. */
export interface OpenedEntries {
  readonly sessions: readonly SessionSecret[];
  /** Entries that no own device sealed for this place: the server made or moved them, or they are damaged. They spoil no other. */
  readonly refused: number;
}

/** Of a session's id: its public key in base64. */
const idCharacters = 43;

/** Seals a session for PutBackup. */
export async function sealEntry(key: CryptoKey, owner: BackupOwner, secret: SessionSecret): Promise<BackupEntry> {
  const { room, json, sender } = secret;
  const session = entryName(secret);
  const plain = BackupSession.encode({
    sessionJson: json,
    sender: sender?.user ?? '',
    senderDevice: sender?.device ?? '',
    senderKey: sender?.key ?? new Uint8Array(0),
  }).finish();
  return { room, session, sealed: await seal(key, 'entry', { ...owner, room, session }, plain) };
}

/** Opens entries as the server listed them. */
export async function openEntries(
  key: CryptoKey,
  owner: BackupOwner,
  entries: readonly BackupEntry[],
): Promise<OpenedEntries> {
  const opened = await Promise.all(entries.map((entry) => openEntry(key, owner, entry)));
  const sessions = opened.filter((secret) => secret !== undefined);
  return { sessions, refused: entries.length - sessions.length };
}

async function openEntry(key: CryptoKey, owner: BackupOwner, entry: BackupEntry): Promise<SessionSecret | undefined> {
  const { room, session, sealed } = entry;
  if (sealed.length > limits.backupEntryBytesMax) return undefined;
  const plain = await open(key, 'entry', { ...owner, room, session }, sealed);
  if (plain === undefined) return undefined;
  const inside = decodeCanonical(BackupSession, plain);
  return inside === null ? undefined : checked(room, session.slice(0, idCharacters), inside);
}

// Own devices that were given a session from different steps on fill one backup, in any order.
function entryName({ sessionId, json, sender }: SessionSecret): string {
  const index = readExported(json)?.index ?? 0;
  return index === 0 && sender !== undefined ? sessionId : `${sessionId}/${index}${sender === undefined ? '/' : ''}`;
}

// What an own device sealed is believed, but not what it says of itself where the session says otherwise.
function checked(room: string, sessionId: string, inside: BackupSession): SessionSecret | undefined {
  const { sessionJson: json, sender: user, senderDevice: device, senderKey: key } = inside;
  const text = foreignObject(json);
  if (text === undefined) return undefined;
  if (readExported(json)?.id !== sessionId) return undefined;
  if (user === '' && device === '' && key.length === 0) return { room, sessionId, json, sender: undefined };
  const own = fromBase64(String(parseObject(text).sender_key));
  if (user === '' || device === '' || key.length !== secretBytes || !own || !equalBytes(own, key)) return undefined;
  return { room, sessionId, json, sender: { user, device, key } };
}
