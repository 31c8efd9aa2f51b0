// Reads rooms to the end as a device that has nothing would: the final logs as a provider shows them to its people.
import { RawClient } from '#bench/lib/raw-client.ts';
import { EventHeader, Stamp } from '#proto/gen/record.ts';
import type { FinalLog, FinalRecord } from '../final-log.ts';
import { placed } from '../talk/frames.ts';

/** The log of a room as the device of this token may read it. It must not be connected elsewhere. */
export async function readDoor(port: number, accessToken: string, room: string): Promise<FinalLog> {
  const client = await RawClient.open(port, { accessToken });
  try {
    const snapshot = { room, fromControl: 1, slots: false, stateOffset: 0, afterSlot: '' };
    const users = new Map<number, string>();
    for (let fromControl = 1; fromControl > 0; ) {
      const part = await client.ask({ $case: 'readRoom', value: { ...snapshot, fromControl } }, 'roomSnapshot');
      for (const { member, user } of part.persons) users.set(member, user);
      fromControl = part.next;
    }
    const records: FinalRecord[] = [];
    let floor = 1;
    for (let next = 0, first = true; first || next > 0; first = false) {
      const value = { room, fromSeq: next, throughSeq: 0, limit: 200, newestFirst: false };
      const page = await client.ask({ $case: 'fetchRecords', value }, 'recordPage');
      const places = placed(page.records);
      for (const [n, { stamp, header }] of page.records.entries()) {
        const { member, device, sendId } = EventHeader.decode(header);
        const hash = places[n]?.hash ?? '';
        records.push({ seq: Stamp.decode(stamp).seq, hash, sender: users.get(member) ?? '', device, sendId });
      }
      floor = page.readableFrom;
      next = page.nextSeq;
    }
    return { room, source: 'door', floor, records };
  } finally {
    client.wire.cut();
  }
}
