// One event that has the hub empty all that this user wrote in a room, over a hub that is stood in for.
import { expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { Emptying, EmptyingCause, type Event, EventHeader, EventKind } from '#proto/gen/record.ts';
import { ClientError } from '../errors.ts';
import { roomWorld } from '../testing/room-world.ts';
import { emptyOwn } from './erasing.ts';
import { RoomSender } from './sending.ts';

const refused = (rejection: Rejection) => new ClientError('REJECTED', 'no', { rejection });
const lost = new ClientError('DISCONNECTED', 'lost');

/** A room of ten records, and a hub that answers so, in turn, and then takes everything. */
function world(answers: Error[] = []) {
  const { room } = roomWorld();
  const events: Event[] = [];
  const request = async ({ value }: { value: { event: Event } }) => {
    events.push(value.event);
    const answer = answers.shift();
    if (answer) throw answer;
  };
  const around = { confirmed: () => true, whenLive: async () => true, request };
  Object.assign(room.ports.parts, around);
  let caughtUp = 0;
  Object.assign(room, {
    catchUp: async () => {
      caughtUp += 1;
    },
  });
  room.local.serverSeq = 10;
  const sender = new RoomSender(room);
  Object.assign(sender, {
    place: (sendId: number) => ({
      room: room.room,
      member: 1,
      sendId,
      control: { number: 3, hash: new Uint8Array(32) },
    }),
  });
  return { room, events, erase: (through?: number) => emptyOwn(room, sender, through), caughtUp: () => caughtUp };
}
const idsOf = (events: readonly Event[]) => events.map(({ header }) => EventHeader.decode(header).sendId);

it('names all that its user wrote, through the newest record that the hub has', async () => {
  const { events, erase } = world();
  await erase();
  expect(events.length).toBe(1);
  expect(EventHeader.decode(events[0]!.header)).toMatchObject({
    kind: EventKind.EVENT_KIND_EMPTYING,
    member: 1,
    device: 1,
  });
  const cause = EmptyingCause.EMPTYING_CAUSE_ERASURE;
  const range = { fromSeq: 1, throughSeq: 10, member: 1 };
  expect(Emptying.decode(events[0]!.body)).toMatchObject({ cause, seqs: [], ...range });
});

// The answer to a message comes before its record does: what was written a moment before the erasure stayed.
it('names what the hub took and has not shown yet', async () => {
  const { events, erase } = world();
  await erase(12);
  expect(Emptying.decode(events[0]!.body).throughSeq).toBe(12);
});

it('goes out as it was where the answer was lost, and anew where the room moved', async () => {
  const same = world([lost]);
  await same.erase();
  expect(idsOf(same.events)).toEqual([1, 1]);
  const anew = world([refused(Rejection.REJECTION_STALE_STATE), refused(Rejection.REJECTION_TOO_OLD)]);
  await anew.erase();
  const ids = idsOf(anew.events);
  expect([ids.slice(0, 2), ids[2]! > 100, anew.caughtUp()]).toEqual([[1, 2], true, 2]);
});

it('ends with what the hub says for good, with a connection that stays lost, and after four tries', async () => {
  await expect(world([refused(Rejection.REJECTION_NOT_MEMBER)]).erase()).rejects.toMatchObject({ code: 'REJECTED' });
  await expect(world([lost, lost, lost]).erase()).rejects.toBe(lost);
  const stale = Array.from({ length: 4 }, () => refused(Rejection.REJECTION_STALE_STATE));
  await expect(world(stale).erase()).rejects.toBe(stale[3]);
});

it('does not go out of a room that is frozen, nor from a device that is not confirmed', async () => {
  const frozen = world();
  frozen.room.local.frozen = 'HISTORY_FORKED';
  await expect(frozen.erase()).rejects.toMatchObject({ code: 'UNTRUSTED' });
  const unknown = world();
  Object.assign(unknown.room.ports.parts, { confirmed: () => false });
  await expect(unknown.erase()).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
  expect([...frozen.events, ...unknown.events]).toEqual([]);
});
