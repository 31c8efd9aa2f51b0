// Entries of the control chain signed by a device that was taken off. The rules of the chain know no lists of devices, and a credential stays good for ever: what
// was signed before is history. What is new and was signed by a device that this one knew to be off no honest hub took: such an entry is not taken here, either.
import { ControlBody, type ControlEntry } from '#proto/gen/record.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import type { RoomCopy } from '../room/room-copy.ts';

/** Is it such an entry? By this device's clock alone, and only above a control head that the server named later than the grace after the loss: members of whom
 * one refused an entry that was signed in time could not go on together. */
export function isByTakenOff(room: RoomCopy, { signed }: ControlEntry): boolean {
  const body = decodeCanonical(ControlBody, signed);
  if (!body || body.deviceKey.length === 0) return false;
  const afterMs = room.signedAfterMs(body.number);
  const user = room.chain.user(body.actor);
  return afterMs > 0 && user !== '' && room.ports.parts.people.wasTakenOff(user, body.deviceKey, afterMs);
}
