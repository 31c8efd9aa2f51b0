// If one was accepted before the other was sent, it stands before it. Both in the order of the history, so no clock has a say; a sweep over
// acceptances and sends, remembering the highest place that was given out so far.
import type { Wrong } from '../violations.ts';
import type { SendStory, SendTable } from './sends.ts';

export function checkOrder(sends: SendTable, wrong: Wrong): void {
  const rooms = Map.groupBy(
    [...sends.all()].filter(({ accepted }) => accepted.length > 0),
    ({ room }) => room,
  );
  for (const [room, stories] of rooms) checkRoom(room, stories, wrong);
}

function checkRoom(room: string, bySent: readonly SendStory[], wrong: Wrong): void {
  const byAck = [...bySent].sort((a, b) => a.acceptedAt - b.acceptedAt);
  let highest: SendStory | undefined;
  let next = 0;
  for (const sent of bySent) {
    for (let acked = byAck[next]; acked !== undefined && acked.acceptedAt < sent.sentAt; acked = byAck[++next]) {
      if (highest === undefined || placeOf(acked) > placeOf(highest)) highest = acked;
    }
    if (highest === undefined || placeOf(highest) < placeOf(sent)) continue;
    const what = `${highest.key} was accepted at ${placeOf(highest)} before ${sent.key} was sent, which is at ${placeOf(sent)}`;
    wrong({ code: 'acked-out-of-order', where: room, what });
  }
}

function placeOf({ accepted }: SendStory): number {
  return accepted[0]?.seq ?? 0;
}
