// Before an account is erased, its bodies go from the hub: one open event a room, a range with cause ERASURE, that names all this user wrote there, whatever
// this device knows of it. Not through the outbox, where it would wait behind messages. Whoever holds those messages keeps them, as when their time is over.
import { Rejection } from '#proto/gen/codes.ts';
import { Emptying, EmptyingCause, type Event, EventKind } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { reconnectMs } from '../connection/requests.ts';
import { ClientError, rejectionHandling, wasLost } from '../errors.ts';
import type { RoomReplica } from '../room/room.ts';
import { plainEvent } from './content.ts';
import type { RoomSender } from './sending.ts';

/** So often it is made anew where the room moves meanwhile. */
const tries = 4;
/** So often the same bytes go out where the connection was lost. */
const lostTries = 3;

/** Resolves when the hub has it for good. `through`: a seq that the hub is known to have, above what this device holds. Rejects as requests do, with UNTRUSTED in a room that is frozen and NOT_CONFIRMED where this device is not. */
export async function emptyOwn(replica: RoomReplica, sender: RoomSender, through = 0): Promise<void> {
  if (!replica.chain.state) await replica.catchUp();
  for (let attempt = 1; ; attempt++) {
    needVoice(replica);
    // Nothing was ever said here.
    if (replica.own === 0) return;
    try {
      return await submit(replica, await erasure(replica, sender, through));
    } catch (error) {
      const code = error instanceof ClientError ? error.rejection : undefined;
      if (attempt === tries || code === undefined || rejectionHandling[code] !== 'refetch') throw error;
      if (code !== Rejection.REJECTION_STALE_STATE) await sender.skipSendIds();
      await replica.catchUp();
    }
  }
}

function needVoice({ local, ports }: RoomReplica): void {
  if (local.frozen !== '') throw new ClientError('UNTRUSTED', 'Nothing can be sent here now.');
  if (!ports.parts.confirmed()) throw new ClientError('NOT_CONFIRMED', 'This device is not confirmed.');
}

function erasure(replica: RoomReplica, sender: RoomSender, through: number): Promise<Event> {
  return replica.exclusive(async () => {
    const { local, own, ports } = replica;
    local.lastSendId += 1;
    await replica.save();
    const throughSeq = Math.max(local.head?.seq ?? 0, local.serverSeq, through, 1);
    const cause = EmptyingCause.EMPTYING_CAUSE_ERASURE;
    const body = Emptying.encode({ ...Emptying.decode(noBytes), cause, fromSeq: 1, throughSeq, member: own }).finish();
    return plainEvent(ports.parts, sender.place(local.lastSendId), EventKind.EVENT_KIND_EMPTYING, body);
  });
}

/** The very same again where the answer was lost: the hub knows it by its id. */
async function submit({ room, ports }: RoomReplica, event: Event): Promise<void> {
  const { parts } = ports;
  for (let attempt = 1; ; attempt++) {
    try {
      const value = { room, event, person: undefined, credential: undefined, partner: '' };
      await parts.request({ $case: 'submit', value }, 'accepted');
      return;
    } catch (error) {
      if (!wasLost(error) || attempt === lostTries || !(await parts.whenLive(reconnectMs))) throw error;
    }
  }
}
