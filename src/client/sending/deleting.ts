// Deleting a message for all. An encrypted deletion tells devices which message went; open emptyings tell the hub whose bodies to let go: of the
// message and of every edit. Edits that are on their way meanwhile are emptied by the device that deleted, when they come: gathered while one event
// is under way, and only so often for each message, so that nobody can make it write without end by editing on.
import type { LocalRecord, LocalSend } from '#proto/gen/local.ts';
import { Emptying, EmptyingCause, EventHeader, EventKind, Role, Stamp } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { ClientError } from '../errors.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import { annotationsOf, seqsOfMessage } from '../room/room-rows.ts';
import { annotates, messageId, messageRef } from '../timeline/timeline.ts';
import type { Outbox } from './outbox.ts';
import { textContent } from './text-content.ts';
import type { Outgoing } from './waiting.ts';

/** What a deletion changes in the outbox, all at once. */
export interface Deletion {
  readonly outgoing: readonly Outgoing[];
  /** Edits of the message that wait there. */
  readonly instead: readonly LocalSend[];
}

/** What deletes a message for all. Rejects with UNKNOWN where the message is not here, BAD_ARGUMENT where it is not for this user to delete. */
export async function deletionOf(
  room: RoomCopy,
  outbox: Pick<Outbox, 'waiting' | 'accepted'>,
  id: string,
): Promise<Deletion> {
  const target = messageRef(id);
  const here = await seqsOfMessage(room, id);
  if (!target || here.length === 0) throw new ClientError('UNKNOWN', 'There is no such message on this device.');
  const cause = causeOf(room, target.member);
  if (cause === undefined)
    throw new ClientError('BAD_ARGUMENT', 'Only own messages can be deleted, or those of people below a moderator.');
  const edits = outbox.waiting(room.room).filter((send) => isAbout(send, edit, id));
  const accepted = edits.flatMap((send) => outbox.accepted(send)?.seq ?? []);
  const seqs = [...new Set([...here, ...accepted])].sort((a, b) => a - b);
  const body = { $case: 'deletion' as const, value: { target } };
  const kind = EventKind.EVENT_KIND_CONTENT;
  const outgoing: Outgoing[] = [{ room: room.room, kind, counts: false, content: { ...textContent(''), body } }];
  for (let at = 0; at < seqs.length; at += limits.emptyingSeqsMax)
    outgoing.push(emptyingOf(room.room, cause, seqs.slice(at, at + limits.emptyingSeqsMax)));
  return { outgoing, instead: edits.filter((send) => !outbox.accepted(send)) };
}

/** For each message so many events empty its late edits in one run of the program. What an author writes beyond that stays at the hub, encrypted, and
 * nobody is shown it. */
const lateEmptyingsMax = 8;

/** What empties a record that edits a message which this device deleted: the edit was on its way then. Its seqs are gathered when it is sealed. */
export async function emptyingAfter(room: RoomCopy, { record, content }: LocalRecord): Promise<Outgoing | undefined> {
  const target = content?.body?.$case === 'edit' ? content.body.value.target : undefined;
  const header = EventHeader.decode(record?.header ?? noBytes);
  if (!target || header.member !== target.member) return undefined;
  const id = messageId(target);
  if (!(await isDeletedHere(room, id)) || causeOf(room, target.member) === undefined) return undefined;
  const { outbox, parts } = room.ports;
  const gathers = (send: LocalSend) =>
    !send.event && !send.failed && outbox.stands(send) && isAbout(send, lateEdits, id);
  if (outbox.waiting(room.room).some(gathers)) return undefined;
  // The deletion knew of it: an own edit that was accepted.
  if (namedByWaiting(room).has(Stamp.decode(record?.stamp ?? noBytes).seq)) return undefined;
  const written = room.lateEmptyings.get(id) ?? 0;
  if (written >= lateEmptyingsMax) {
    parts.count('late-edit.left');
    return undefined;
  }
  room.lateEmptyings.set(id, written + 1);
  const saying = { ...textContent(''), body: { $case: 'deletion' as const, value: { target } } };
  return { room: room.room, kind: EventKind.EVENT_KIND_EMPTYING, counts: false, content: saying };
}

/** The body of an event that waits to empty late edits: all that are here with a body and that nothing else names, as many as one event may. Undefined
 * where none is left, or this user may not any more. */
export async function emptyingOfLateEdits(room: RoomCopy, { content }: LocalSend): Promise<Uint8Array | undefined> {
  const target = content && annotates(content);
  const cause = target && causeOf(room, target.member);
  if (!target || cause === undefined) return undefined;
  const named = namedByWaiting(room);
  const edits = (await annotationsOf(room, messageId(target))).filter(
    ({ record, content: said }) =>
      said?.body?.$case === 'edit' && EventHeader.decode(record?.header ?? noBytes).member === target.member,
  );
  const seqs = edits.map(({ record }) => Stamp.decode(record?.stamp ?? noBytes).seq).filter((seq) => !named.has(seq));
  if (seqs.length === 0) return undefined;
  return emptyingOf(room.room, cause, seqs.slice(0, limits.emptyingSeqsMax)).plainBody;
}

/** Seqs that emptyings name which stand in the outbox. */
function namedByWaiting({ room, ports }: RoomCopy): ReadonlySet<number> {
  const bodies = ports.outbox
    .waiting(room)
    .filter(({ kind }) => kind === EventKind.EVENT_KIND_EMPTYING)
    .map((send) => send.event?.body ?? send.plainBody);
  return new Set(bodies.flatMap((body) => Emptying.decode(body).seqs));
}

async function isDeletedHere(room: RoomCopy, id: string): Promise<boolean> {
  const { outbox, parts } = room.ports;
  if (outbox.waiting(room.room).some((send) => isAbout(send, deletion, id))) return true;
  return (await annotationsOf(room, id)).some(({ record, content }) => {
    const { member, device } = EventHeader.decode(record?.header ?? noBytes);
    return content?.body?.$case === 'deletion' && member === room.own && device === parts.device;
  });
}

/** What waits, by its kind and what it says of a message. A deletion in an EMPTYING stands for the late edits of the message that it names. */
const edit = { kind: EventKind.EVENT_KIND_CONTENT, says: 'edit' } as const;
const deletion = { kind: EventKind.EVENT_KIND_CONTENT, says: 'deletion' } as const;
const lateEdits = { kind: EventKind.EVENT_KIND_EMPTYING, says: 'deletion' } as const;

function isAbout(send: LocalSend, what: typeof edit | typeof deletion | typeof lateEdits, id: string): boolean {
  const says = send.kind === what.kind && send.content?.body?.$case === what.says;
  const target = says && send.content ? annotates(send.content) : undefined;
  return target !== undefined && messageId(target) === id;
}

/** By what right this user lets an author's bodies go; undefined = by none. */
function causeOf({ own, chain }: RoomCopy, author: number): EmptyingCause | undefined {
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
