// `luxchat leave ROOM`, and `/leave` in a chat. Whoever is the only owner of a group hears what to do first.
import { ClientError, isRejection } from '#client/errors.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Session } from './session.ts';

/** Leaves a room. REJECTED with what to do first, for the only owner of a group where others are. */
export async function leave({ client, args }: Pick<Session, 'client' | 'args'>, room: string): Promise<void> {
  try {
    await client.leave(room);
  } catch (error) {
    // Only the last owner may not leave.
    if (!isRejection(error, Rejection.REJECTION_FORBIDDEN)) throw error;
    throw new ClientError(
      'REJECTED',
      `You are the only owner of this group, and others are in it: make one of them its owner first, with ${args.call} role ${room} ID owner. ${args.call} members ${room} lists them with their IDs.`,
    );
  }
}
