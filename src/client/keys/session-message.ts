// What devices say to each other about sessions, inside Olm: which ones are wanted, and which ones are given. Contract:
// - Type `lu.luxchat.sessions`, content JSON. A question is {ask: [[room, session], …]}; an answer {given: [{room, session, key, sender?}, …]}, `key` the base64
//   of the library's export, `sender` {user, device, key} who made it, as the giving device had verified. At most `sessionsMax` each; what has more, or
//   does not fit, is left alone as a whole.
// - Who may ask whom, who answers, and what of an answer is believed stands in `asking.ts` and `giving.ts`. No answer is a "no": silence says neither whether a session
//   is there nor why it is not given.
// - Any number of times, in any order: a question costs its device its budget, an answer that was not asked for is left alone.
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { isRoomId, isUserId } from '#proto/rules/ids.ts';
import type { RoomKey } from '../crypto/ids.ts';
import type { SessionOwner, SessionSecret } from '../crypto/keeping.ts';

/** Type of the device message. */
export const sessionMessageType = 'lu.luxchat.sessions';

/** Sessions in one message: some 25 KB in an answer, so that it fits a device message twice encoded. Over it: the message is left alone. */
export const sessionsMax = 24;

/** Characters of a session's id, and bytes of its export. Over it: the message is left alone. */
const sessionIdCharactersMax = 64;
const exportBytesMax = 2_048;

/** What is said. */
export type SessionMessage = { readonly wanted: readonly RoomKey[] } | { readonly given: readonly SessionSecret[] };

/** Names a session of a room. */
export function sessionName({ room, sessionId }: RoomKey): string {
  return `${room} ${sessionId}`;
}

/** Contents that say this, as many as it takes. */
export function sessionContents(message: SessionMessage): object[] {
  if ('wanted' in message)
    return slices(message.wanted).map((some) => ({ ask: some.map(({ room, sessionId }) => [room, sessionId]) }));
  return slices(message.given).map((some) => ({ given: some.map(written) }));
}

/** Reads a message's content; undefined for what is none. */
export function readSessionMessage(content: unknown): SessionMessage | undefined {
  const { ask, given } = objectOf(content);
  const wanted = listOf(ask, ([room, session]: unknown[]) => keyOf(room, session));
  if (wanted) return { wanted };
  const secrets = listOf(given, readSecret);
  return secrets && { given: secrets };
}

function written({ room, sessionId, json, sender }: SessionSecret): object {
  const owner = sender && { user: sender.user, device: sender.device, key: toBase64(sender.key) };
  return { room, session: sessionId, key: toBase64(json), ...(owner ? { sender: owner } : {}) };
}

function readSecret(said: unknown): SessionSecret | undefined {
  const { room, session, key, sender } = objectOf(said);
  const named = keyOf(room, session);
  const json = typeof key === 'string' && key.length <= exportBytesMax * 2 ? fromBase64(key) : null;
  const owner = sender === undefined ? undefined : readOwner(sender);
  if (!named || !json || json.length > exportBytesMax || (sender !== undefined && !owner)) return undefined;
  return { ...named, json, sender: owner };
}

function readOwner(said: unknown): SessionOwner | undefined {
  const { user, device, key } = objectOf(said);
  const bytes = typeof key === 'string' ? fromBase64(key) : null;
  if (typeof user !== 'string' || !isUserId(user) || typeof device !== 'string' || bytes?.length !== 32)
    return undefined;
  return { user, device, key: bytes };
}

function keyOf(room: unknown, session: unknown): RoomKey | undefined {
  const fits =
    typeof room === 'string' &&
    isRoomId(room) &&
    typeof session === 'string' &&
    session.length <= sessionIdCharactersMax;
  return fits && session !== '' ? { room, sessionId: session } : undefined;
}

/** All of a list or nothing of it. */
function listOf<Item, Entry>(said: unknown, read: (entry: Entry) => Item | undefined): Item[] | undefined {
  if (!Array.isArray(said) || said.length === 0 || said.length > sessionsMax) return undefined;
  const items = said.map((entry) => (typeof entry === 'object' && entry !== null ? read(entry as Entry) : undefined));
  return items.every((item) => item !== undefined) ? (items as Item[]) : undefined;
}

function slices<Item>(items: readonly Item[]): (readonly Item[])[] {
  const from = Array.from({ length: Math.ceil(items.length / sessionsMax) }, (_, n) => n * sessionsMax);
  return from.map((at) => items.slice(at, at + sessionsMax));
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
