// What a device gets to see of an inbox row: rows hold what must survive a crash, devices hear only that something changed and ask for it.
import type { InboxEntry } from '#proto/gen/record.ts';

/** The entry as `device` of `user` gets it, or null where it does not concern that device. Seq and time stay; the sending device's own
 *  message to all devices is not given back to it. */
export function delivered(entry: InboxEntry, user: string, device: number): InboxEntry | null {
  const { body } = entry;
  switch (body?.$case) {
    case 'deviceMessage': {
      const own = body.value.sender === user && body.value.senderDevice === device;
      return entry.device === device || (entry.device === 0 && !own) ? entry : null;
    }
    case 'manifest':
    case 'standing':
    case 'newcomer':
    case 'blockChanged':
      return entry;
    case 'deviceChanged':
      return notice(entry, {
        $case: 'deviceNotice',
        value: { device: body.value.device, removed: body.value.removed },
      });
    case 'keysUploaded':
      return body.value.deviceJson.length > 0 ? notice(entry, { $case: 'keys', value: { user } }) : null;
    case 'crossSigningUploaded':
    case 'signaturesAdded':
      return notice(entry, { $case: 'keys', value: { user } });
    case 'manifestPublished':
      return notice(entry, { $case: 'manifest', value: { user, head: body.value.head } });
    default:
      // keyClaimed, the two notices (never stored), and what a newer version wrote.
      return null;
  }
}

/** Does any device hear of this entry? */
export function isHeard(entry: InboxEntry, user: string): boolean {
  // No device has number 0, so this asks for the kinds that every device hears; a device message always has a receiver.
  return entry.body?.$case === 'deviceMessage' || delivered(entry, user, 0) !== null;
}

function notice(entry: InboxEntry, body: NonNullable<InboxEntry['body']>): InboxEntry {
  return { seq: entry.seq, acceptedMs: entry.acceptedMs, device: 0, lane: '', body };
}
