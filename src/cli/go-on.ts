// `luxchat go-on ROOM`: writes on where sending was stopped. Where it was not there is nothing to go on with: what stops it a moment later has been looked into by nobody.
import { awaitRoom } from './naming.ts';
import { need, type Session } from './session.ts';

/** Runs the command. */
export async function goOn({ client, args, out }: Session): Promise<void> {
  const { room, frozen } = await awaitRoom({ client, args }, need(args, 0, 'a room'));
  if (frozen !== '') await client.acknowledgeAlarm(room);
  const said = frozen === '' ? 'There is nothing to go on with: sending is not stopped in this room.' : 'Done.';
  out.say({ type: 'done', room }, said);
}
