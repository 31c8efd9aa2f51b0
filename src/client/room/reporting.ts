// Showing one message to the people of the own provider: the payload is opened once more for the key of its commitment, which no row keeps.
import { EventHeader, Stamp } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { ClientError } from '../errors.ts';
import { payloadOf } from '../sending/content.ts';
import type { RoomCopy } from './room-copy.ts';
import { recordById } from './room-rows.ts';

/** Reports the message with this id. Rejects with UNKNOWN where it is not here, or can't be opened any more, with BAD_ARGUMENT, and as requests do. */
export async function reportMessage(room: RoomCopy, id: string, reason: string): Promise<void> {
  const { parts } = room.ports;
  if ([...reason].length > limits.reportReasonCharactersMax)
    throw new ClientError('BAD_ARGUMENT', `A reason has at most ${limits.reportReasonCharactersMax} characters.`);
  const record = (await recordById(room, id))?.record;
  const header = record && EventHeader.decode(record.header);
  const sender = header ? room.chain.user(header.member) : '';
  if (!record || !header || sender === '') throw new ClientError('UNKNOWN', 'There is no such message on this device.');
  if (sender === parts.user) throw new ClientError('BAD_ARGUMENT', 'This message is your own.');
  // Deleting means that devices forget: what could prove it went with what was said.
  if (record.emptiedBy > 0)
    throw new ClientError(
      'UNKNOWN',
      'What this message said was deleted, and this device forgot it: nothing of it can be shown to anybody. You can report another message of theirs that still stands, block them, or have who leads the group remove them.',
    );
  const payload = await payloadOf(parts, { header, body: record.body, sender });
  if (!payload) throw new ClientError('UNKNOWN', 'This message can not be opened here, so it can not be shown.');
  const { seq } = Stamp.decode(record.stamp);
  const { frankingKey, inner } = payload;
  const value = { room: room.room, seq, frankingKey, inner, reason };
  await parts.request({ $case: 'report', value }, 'done');
}
