// Deleting a message for all. An encrypted deletion tells devices which message went; open emptyings tell the hub whose bodies to let go: of the
// message and of every edit. Edits that are on their way meanwhile are emptied by the device that deleted, when they come.
import type { LocalRecord, LocalSend } from '#proto/gen/local.ts';
import { Emptying, EmptyingCause, EventHeader, EventKind, Role, Stamp } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { textContent } from './content.ts';
import { ClientError } from './errors.ts';
import type { Outbox } from './outbox.ts';
import type { RoomReplica } from './room.ts';
import { annotationsOf, seqsOfMessage } from './room-rows.ts';
import { annotates, messageId, messageRef } from './timeline.ts';
import type { Outgoing } from './waiting.ts';

/** What a deletion changes in the outbox, all at once. */
export interface Deletion {
  readonly outgoing: readonly Outgoing[];
  /** Edits of the message that wait there. */
  readonly instead: readonly LocalSend[];
}

/** What deletes a message for all. Rejects with UNKNOWN where the message is not here, BAD_ARGUMENT where it is not for this user to delete. */
export async function deletionOf(
  room: RoomReplica,
  outbox: Pick<Outbox, 'waiting' | 'accepted'>,
  id: string,
): Promise<Deletion> {
  const target = messageRef(id);
  const here = await seqsOfMessage(room, id);
  if (!target || here.length === 0) throw new ClientError('UNKNOWN', 'There is no such message on this device.');
  const cause = causeOf(room, target.member);
  if (cause === undefined)
    throw new ClientError('BAD_ARGUMENT', 'Only own messages can be deleted, or those of people below a moderator.');
  const edits = outbox.waiting(room.room).filter((send) => isAbout(send, 'edit', id));
  const accepted = edits.flatMap((send) => outbox.accepted(send)?.seq ?? []);
  const seqs = [...new Set([...here, ...accepted])].sort((a, b) => a - b);
  const body = { $case: 'deletion' as const, value: { target } };
  const kind = EventKind.EVENT_KIND_CONTENT;
  const outgoing: Outgoing[] = [{ room: room.room, kind, counts: false, content: { ...textContent(''), body } }];
  for (let at = 0; at < seqs.length; at += limits.emptyingSeqsMax)
    outgoing.push(emptyingOf(room.room, cause, seqs.slice(at, at + limits.emptyingSeqsMax)));
  return { outgoing, instead: edits.filter((send) => !outbox.accepted(send)) };
}

/** What empties a record that edits a message which this device deleted: the edit was on its way then. */
export async function emptyingAfter(
  room: RoomReplica,
  { record, content }: LocalRecord,
): Promise<Outgoing | undefined> {
  const target = content?.body?.$case === 'edit' ? content.body.value.target : undefined;
  const header = EventHeader.decode(record?.header ?? noBytes);
  if (!target || header.member !== target.member || !(await isDeletedHere(room, messageId(target)))) return undefined;
  const cause = causeOf(room, target.member);
  return cause === undefined ? undefined : emptyingOf(room.room, cause, [Stamp.decode(record?.stamp ?? noBytes).seq]);
}

async function isDeletedHere(room: RoomReplica, id: string): Promise<boolean> {
  const { outbox, parts } = room.ports;
  if (outbox.waiting(room.room).some((send) => isAbout(send, 'deletion', id))) return true;
  return (await annotationsOf(room, id)).some(({ record, content }) => {
    const { member, device } = EventHeader.decode(record?.header ?? noBytes);
    return content?.body?.$case === 'deletion' && member === room.own && device === parts.device;
  });
}

function isAbout({ content }: LocalSend, what: 'edit' | 'deletion', id: string): boolean {
  const target = content?.body?.$case === what ? annotates(content) : undefined;
  return target !== undefined && messageId(target) === id;
}

/** By what right this user lets an author's bodies go; undefined = by none. */
function causeOf({ own, chain }: RoomReplica, author: number): EmptyingCause | undefined {
  if (author === own) return EmptyingCause.EMPTYING_CAUSE_AUTHOR;
  const roleOf = (member: number) => chain.state?.members.get(member)?.role ?? 0;
  const isAbove = roleOf(own) >= Role.ROLE_MODERATOR && roleOf(own) > roleOf(author);
  return isAbove ? EmptyingCause.EMPTYING_CAUSE_MODERATOR : undefined;
}

function emptyingOf(room: string, cause: EmptyingCause, seqs: readonly number[]): Outgoing {
  const nothing = Emptying.decode(noBytes);
  const plainBody = Emptying.encode({ ...nothing, cause, seqs: [...seqs] }).finish();
  return { room, kind: EventKind.EVENT_KIND_EMPTYING, counts: false, plainBody };
}
