// Folds what a room's log holds into the lines that people see: a message with its newest edit, its reactions, or its deletion.
// Pure: the same rows give the same lines, in whatever order edits and reactions arrived.

import type { Accepted } from '#proto/gen/client.ts';
import type { Rejection } from '#proto/gen/codes.ts';
import type { Content, MessageRef } from '#proto/gen/content.ts';
import type { LocalRecord, LocalSend } from '#proto/gen/local.ts';
import { ControlBody, ControlEntry, ControlKind, EventHeader, EventKind, SlotWrite, Stamp } from '#proto/gen/record.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { isWrittenApart } from '#proto/rules/record/payload.ts';
import { slotKind } from '#proto/rules/record/slots.ts';
import type { AlarmCode, TroubleCause } from '../alarms.ts';
import { rejectionName } from '../errors.ts';
import { isReaction } from '../sending/content-limits.ts';
import type { SendChange } from '../sending/waiting.ts';
import type { Notice, SendState, TimelineItem } from '../shown.ts';

/** What folding needs to know of the room. */
export interface Folding {
  readonly room: string;
  readonly user: string;
  readonly device: number;
  /** User id behind a member number, or '' when the person was forgotten. */
  person(member: number): string;
  /** What a user wants to be called. Absent: nobody said. */
  name?(user: string): string;
  /** Might this member remove others' messages when the record `seq` was written? */
  moderates(member: number, seq: number): boolean;
  /** Is what this member said then not shown? Absent: all is. */
  hides?(member: number, atMs: number): boolean;
}

/** Stable id of a message: its author's member number, device and send id. */
export function messageId(ref: MessageRef): string {
  return `${ref.member}.${ref.device}.${ref.sendId}`;
}

/** The reference in an id, or undefined for a local id that has none yet. */
export function messageRef(id: string): MessageRef | undefined {
  const [member, device, sendId] = id.split('.').map(Number);
  const whole = [member, device, sendId].every((part) => Number.isSafeInteger(part) && (part as number) > 0);
  return whole && id.split('.').length === 3
    ? { member: member as number, device: device as number, sendId: sendId as number }
    : undefined;
}

/** The message that a content is about, when it is an edit, a reaction or a deletion. */
export function annotates(content: Content | undefined): MessageRef | undefined {
  const body = content?.body;
  if (body?.$case === 'edit' || body?.$case === 'reaction' || body?.$case === 'deletion') return body.value.target;
  return undefined;
}

/** Is it said for apps, and no line of the conversation? */
function isSilent({ body }: Content): boolean {
  return body?.$case === 'profile';
}

/** The line of a record, or undefined where the record makes none by itself (edits, reactions, emptyings, quiet control). */
export function foldRecord(
  local: LocalRecord,
  annotations: readonly LocalRecord[],
  folding: Folding,
): TimelineItem | undefined {
  if (!local.record) return undefined;
  const stamp = Stamp.decode(local.record.stamp);
  const header = EventHeader.decode(local.record.header);
  const sender = folding.person(header.member);
  const base = {
    id: messageId(header),
    room: folding.room,
    seq: stamp.seq,
    sender,
    senderName: folding.name?.(sender) ?? '',
    device: header.device,
    own: sender === folding.user,
    at: stamp.acceptedMs,
    ...(local.writtenMs > 0 ? { writtenAt: local.writtenMs } : {}),
    edited: false,
    reactions: noReactions,
  };
  const sending: { sending?: SendState } = base.own ? { sending: 'accepted' } : {};
  if (header.kind === EventKind.EVENT_KIND_CONTROL || header.kind === EventKind.EVENT_KIND_SLOT) {
    const notice = noticeOf(local, header, folding);
    return notice && { ...base, kind: 'notice', notice };
  }
  if (header.kind !== EventKind.EVENT_KIND_CONTENT || folding.hides?.(header.member, stamp.acceptedMs))
    return undefined;
  if (local.record.emptiedBy > 0) return header.counts ? { ...base, kind: 'deleted' } : undefined;
  if (local.trouble !== '') return { ...base, kind: 'trouble', trouble: local.trouble as TroubleCause };
  if (!local.content || annotates(local.content) || isSilent(local.content)) return undefined;
  const doubt = local.contradicts === '' ? {} : { contradicts: local.contradicts as AlarmCode };
  const folded = foldAnnotations(local.content, header, annotations, folding);
  // Whoever may have written an edit of it may have written what is shown.
  const unproven = local.unproven || annotations.some((one) => one.unproven) ? { unproven: true as const } : {};
  return { ...base, ...sending, ...doubt, ...unproven, kind: 'message', ...folded };
}

/** The line of a message that still waits. */
export function foldWaiting(send: LocalSend, folding: Folding): TimelineItem | undefined {
  if (!send.content || annotates(send.content) || isSilent(send.content)) return undefined;
  if (send.kind !== EventKind.EVENT_KIND_CONTENT) return undefined;
  return {
    ...waitingLine(send.localId, folding),
    at: send.writtenMs,
    writtenAt: send.writtenMs,
    content: send.content,
    ...(send.failed ? { sending: 'failed', failure: rejectionName(send.failed as Rejection) } : {}),
  };
}

/** The line of a message of this device after what happened to it. Undefined: the log shows it, or it makes none. */
export function foldChanged(
  send: LocalSend,
  change: SendChange,
  { own, folding }: { readonly own: number; readonly folding: Folding },
): TimelineItem | undefined {
  const waiting = foldWaiting(send, folding);
  if (!waiting) return undefined;
  const line = { ...waiting, localId: send.localId };
  if (change.to === 'discarded') return { ...line, kind: 'deleted' };
  if (change.to !== 'accepted') return line;
  const id = messageId({ member: own, device: folding.device, sendId: send.sendId });
  return change.accepted && { ...line, ...acceptedLine(id, change.accepted) };
}

/** A line of one's own that waits, of which nothing more is known. Also what edits, reactions and deletions have, which make none. */
export function waitingLine(id: string, { room, user, device, name }: Folding): TimelineItem {
  return {
    ...{ id, room, seq: 0, at: 0, sender: user, senderName: name?.(user) ?? '', device, own: true },
    ...{ kind: 'message', edited: false, reactions: noReactions, sending: 'waiting' },
  };
}

/** What an answer of the hub changes in the line of a message that waited. */
export function acceptedLine(id: string, accepted: Pick<Accepted, 'seq' | 'acceptedMs'>) {
  return { id, seq: accepted.seq, at: accepted.acceptedMs, sending: 'accepted' as const };
}

/** Do the two times of a line lie so far apart (more than five minutes) that people should see both? */
export function showsBothTimes({ at, writtenAt = 0 }: Pick<TimelineItem, 'at' | 'writtenAt'>): boolean {
  return isWrittenApart(writtenAt, at);
}

const noReactions: ReadonlyMap<string, readonly string[]> = new Map();

function foldAnnotations(content: Content, target: EventHeader, annotations: readonly LocalRecord[], folding: Folding) {
  let folded = content;
  let edited = false;
  let deleted = false;
  const reactions = new Map<string, Set<string>>();
  for (const annotation of [...annotations].sort((a, b) => seqOf(a) - seqOf(b))) {
    const header = EventHeader.decode(annotation.record?.header ?? new Uint8Array());
    const body = annotation.content?.body;
    if (body?.$case === 'reaction' && folding.hides?.(header.member, acceptedMsOf(annotation))) continue;
    // Only the author edits; only the author or a moderator deletes; anyone reacts once per emoji.
    if (body?.$case === 'edit' && header.member === target.member && content.body?.$case === 'text') {
      folded = { ...content, body: { $case: 'text', value: { text: body.value.text } } };
      edited = true;
    } else if (
      body?.$case === 'deletion' &&
      (header.member === target.member || folding.moderates(header.member, seqOf(annotation)))
    ) {
      deleted = true;
    } else if (body?.$case === 'reaction' && isReaction(body.value.emoji)) {
      const people = reactions.get(body.value.emoji) ?? new Set<string>();
      if (body.value.removed) people.delete(folding.person(header.member));
      else people.add(folding.person(header.member));
      reactions.set(body.value.emoji, people);
    }
  }
  if (deleted) return { kind: 'deleted' as const };
  const counted = [...reactions]
    .filter(([, people]) => people.size > 0)
    .map(([emoji, people]) => [emoji, [...people]] as const);
  return { content: folded, edited, reactions: counted.length > 0 ? new Map(counted) : noReactions };
}

function noticeOf(local: LocalRecord, header: EventHeader, folding: Folding): Notice | undefined {
  if (header.kind === EventKind.EVENT_KIND_SLOT) {
    const write = decodeCanonical(SlotWrite, local.record?.body ?? new Uint8Array());
    if (!write || !slotKind(write.slot)) return undefined;
    const text = slotTextOf(local, header, folding);
    const said = text === undefined ? {} : { text };
    return { what: 'slot', ...twoPeople(folding, header.member, 0), slot: write.slot, ...said };
  }
  const body = ControlBody.decode(ControlEntry.decode(local.record?.body ?? new Uint8Array()).signed);
  const what = noticeWords.get(body.kind);
  return what && { what, ...twoPeople(folding, body.actor, body.target), ...(body.role ? { role: body.role } : {}) };
}

function twoPeople({ person, name }: Folding, by: number, of: number) {
  const [actor, target] = [person(by), of === 0 ? '' : person(of)];
  return { actor, actorName: name?.(actor) ?? '', target, targetName: name?.(target) ?? '' };
}

function slotTextOf(local: LocalRecord, { member }: EventHeader, { hides }: Folding): string | undefined {
  const { content, trouble } = local;
  if (trouble !== '' || hides?.(member, acceptedMsOf(local))) return undefined;
  return content?.body?.$case === 'slotText' ? content.body.value.text : undefined;
}

const noticeWords: ReadonlyMap<ControlKind, Notice['what']> = new Map([
  [ControlKind.CONTROL_KIND_CREATE, 'created'],
  [ControlKind.CONTROL_KIND_INVITE, 'invited'],
  [ControlKind.CONTROL_KIND_ACCEPT, 'joined'],
  [ControlKind.CONTROL_KIND_DECLINE, 'declined'],
  [ControlKind.CONTROL_KIND_LEAVE, 'left'],
  [ControlKind.CONTROL_KIND_DEPART, 'left'],
  [ControlKind.CONTROL_KIND_REMOVE, 'removed'],
  [ControlKind.CONTROL_KIND_BAN, 'banned'],
  [ControlKind.CONTROL_KIND_UNBAN, 'unbanned'],
  [ControlKind.CONTROL_KIND_ROLE, 'role'],
  [ControlKind.CONTROL_KIND_POLICY, 'policy'],
  [ControlKind.CONTROL_KIND_IDENTITY, 'identity'],
]);

function seqOf(local: LocalRecord): number {
  return local.record ? Stamp.decode(local.record.stamp).seq : 0;
}

function acceptedMsOf(local: LocalRecord): number {
  return local.record ? Stamp.decode(local.record.stamp).acceptedMs : 0;
}
