// Sessions from one device to another: out of the library's store with who made them, and back in as what somebody says. The library's own way of asking and
// giving stays shut (`../olm-engine.ts`): it knows no list of devices and loses who made a session.
// Guarantees: what is taken in is the session, of the room and under the sender's key, that was named; where it came from is noted before. Does not: decide who
// may have or give a session, send or seal anything.
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { ClientError } from '../../errors.ts';
import type { RoomKey } from '../ids.ts';
import type { SessionSecret } from '../keeping.ts';
import { keysIn } from './backup.ts';
import { foreignObject, type Json, objectOf, parseObject, utf8 } from './json.ts';
import type { Owners } from './origins.ts';
import type { Machine } from './requests.ts';

/** See `Keeping.giveSessions`. */
export function giveSessions(
  { olm, lock }: Machine,
  owners: Owners,
  wanted: readonly RoomKey[],
): Promise<SessionSecret[]> {
  const names = new Set(wanted.map(nameOf));
  return lock.run(async () => {
    const text = await olm.exportRoomKeys(({ roomId, sessionId }) =>
      names.has(nameOf({ room: roomId.toString(), sessionId })),
    );
    const list: Json = JSON.parse(text);
    const found = (Array.isArray(list) ? list.map(objectOf) : []).map((session) => ({
      room: String(session.room_id),
      sessionId: String(session.session_id),
      senderKey: String(session.sender_key),
      json: utf8(JSON.stringify(session)),
    }));
    const senders = await owners.of(found);
    return found.map(({ room, sessionId, json }, at) => ({ room, sessionId, json, sender: senders[at] }));
  });
}

/** See `Keeping.takeSessions`. */
export function takeSessions(machine: Machine, owners: Owners, sessions: readonly SessionSecret[]): Promise<RoomKey[]> {
  const fit = sessions.filter(isItself);
  if (fit.length === 0) return Promise.resolve([]);
  return machine.lock.run(async () => {
    await owners.note(fit);
    const text = `[${fit.map(({ json }) => foreignObject(json)).join(',')}]`;
    try {
      return keysIn(await machine.olm.importExportedRoomKeys(text, () => {}));
    } catch (cause) {
      throw new ClientError('BAD_ARGUMENT', 'These are no sessions', { cause });
    }
  });
}

/** Is the secret that of the session it is given for? An export ends with the public key that is the session's id. */
function isItself({ room, sessionId, json, sender }: SessionSecret): boolean {
  const text = foreignObject(json);
  if (text === undefined) return false;
  const { room_id, session_id, sender_key, session_key } = parseObject(text);
  const key = typeof session_key === 'string' ? fromBase64(session_key) : null;
  if (key === null || room_id !== room || session_id !== sessionId) return false;
  return toBase64(key.slice(-32)) === sessionId && (sender === undefined || toBase64(sender.key) === sender_key);
}

function nameOf({ room, sessionId }: RoomKey): string {
  return `${room} ${sessionId}`;
}
