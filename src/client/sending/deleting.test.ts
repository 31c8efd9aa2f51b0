// A message that was deleted must leave the hub whole: also the edits that were on their way while it was deleted.
import { describe, expect, it } from 'vitest';
import type { Content, MessageRef } from '#proto/gen/content.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { Emptying, EmptyingCause, EventKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { roomId, roomWorld } from '../testing/room-world.ts';
import { deletionOf, emptyingOfLateEdits } from './deleting.ts';
import { RoomSender } from './sending.ts';
import { textContent } from './text-content.ts';
import type { Outgoing } from './waiting.ts';

const { EVENT_KIND_CONTENT: kind, EVENT_KIND_EMPTYING } = EventKind;
const { EMPTYING_CAUSE_AUTHOR, EMPTYING_CAUSE_MODERATOR } = EmptyingCause;
const [me, bob] = [1, 2];
const edit = (target: MessageRef): Content => ({
  ...textContent(''),
  body: { $case: 'edit', value: { target, text: 'better' } },
});
const deletion = (target: MessageRef): Content => ({
  ...textContent(''),
  body: { $case: 'deletion', value: { target } },
});
/** The message that the record `seq` of roomWorld is. */
const ref = (member: number, seq: number, device = 1): MessageRef => ({ member, device, sendId: seq });
const send = (position: number, content: Content) =>
  ({ room: roomId, position, kind, content, failed: 0 }) as LocalSend;

const bodyOf = (cause: EmptyingCause, seqs: number[]) =>
  Emptying.encode({ ...Emptying.decode(new Uint8Array()), cause, seqs }).finish();

/** What was asked of the hub to empty. */
function emptied(outgoing: readonly Outgoing[]) {
  return outgoing
    .filter((one) => one.kind === EVENT_KIND_EMPTYING)
    .map(({ plainBody }) => Emptying.decode(plainBody as Uint8Array))
    .map(({ cause, seqs }) => ({ cause, seqs }));
}

function world(waiting: LocalSend[] = []) {
  const prepared: Outgoing[] = [];
  const settled: string[] = [];
  const left = new Set<number>();
  const made = roomWorld(
    { status: MemberStatus.MEMBER_STATUS_JOINED },
    {},
    {
      outbox: {
        waiting: () => waiting,
        stands: ({ position }) => !left.has(position),
        prepare: (outgoing) => {
          prepared.push(outgoing);
          const row = { table: 'outbox', key: 'emptying', value: Uint8Array.of(1) } as const;
          const position = 100 + prepared.length;
          const settle = () => {
            settled.push('settled');
            waiting.push({ ...outgoing, position, failed: 0, plainBody: new Uint8Array() } as never);
          };
          return { rows: [row], settle };
        },
      },
    },
  );
  /** The outbox seals the next emptying: what it names; undefined where there was no need. */
  const seal = async () => {
    const at = waiting.findIndex((one) => one.kind === EVENT_KIND_EMPTYING && !one.event);
    const next = waiting[at];
    if (!next) return undefined;
    const body = await emptyingOfLateEdits(made.room, next);
    if (body) waiting[at] = { ...next, event: { body } } as LocalSend;
    else waiting.splice(at, 1);
    return body && emptied([{ ...next, plainBody: body } as Outgoing])[0];
  };
  return { ...made, waiting, prepared, settled, left, seal };
}

describe('what deletes a message for all', () => {
  it('names its seq, those of its edits, and those of edits that were accepted and are not here yet', async () => {
    const { room, take } = world();
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: bob, kind });
    await take(8, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    const [waits, accepted, other] = [send(1, edit(ref(me, 6))), send(2, edit(ref(me, 6))), send(3, edit(ref(me, 5)))];
    const outbox = {
      waiting: () => [waits, accepted, other],
      accepted: (one: LocalSend) => (one === accepted ? { seq: 9 } : undefined) as never,
    };
    const { outgoing, instead } = await deletionOf(room, outbox, '1.1.6');
    expect(outgoing[0]?.content).toEqual(deletion(ref(me, 6)));
    expect(emptied(outgoing)).toEqual([{ cause: EMPTYING_CAUSE_AUTHOR, seqs: [6, 8, 9] }]);
    expect(instead).toEqual([waits]);
  });

  it('is refused for what is not here, or of one who does not stand below', async () => {
    const { room, take } = world();
    await take(6, { member: bob, kind });
    const nothing = { waiting: () => [], accepted: () => undefined };
    await expect(deletionOf(room, nothing, '1.1.7')).rejects.toMatchObject({ code: 'UNKNOWN' });
    expect(emptied((await deletionOf(room, nothing, '2.2.6')).outgoing)).toEqual([
      { cause: EMPTYING_CAUSE_MODERATOR, seqs: [6] },
    ]);
    const equal = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED, role: Role.ROLE_OWNER });
    await equal.take(6, { member: bob, kind });
    await expect(deletionOf(equal.room, nothing, '2.2.6')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

it('goes out with what there is to empty in the moment in which it is sealed, or not at all', async () => {
  const { room, take, waiting } = world([send(1, deletion(ref(bob, 6, 2)))]);
  const { people } = room.ports.parts;
  const fingerprint = room.chain.person(1)?.fingerprint;
  const known = () => ({ fingerprint, changedTo: new Uint8Array(), manifest: null });
  const recipient = (user: string) => ({ user, devices: [] });
  Object.assign(room.ports.parts, { confirmed: () => true, people: { ...people, get: known, recipient } });
  await take(6, { member: bob, kind });
  await take(7, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
  const emptying = waiting.at(-1) as LocalSend;
  const seal = () => new RoomSender(room).seal(emptying, () => ({ key: 'k', value: new Uint8Array() }));
  expect(Emptying.decode((await seal())?.event?.body as Uint8Array).seqs).toEqual([7]);
  await take(8, { member: bob, kind: EVENT_KIND_EMPTYING, body: bodyOf(EMPTYING_CAUSE_AUTHOR, [7]) });
  expect(await seal()).toBeUndefined();
});

describe('an edit of a message that this device deleted', () => {
  it('is emptied when it comes: before the deletion came back, and after; known in the write that keeps it', async () => {
    const waiting = [send(1, deletion(ref(me, 6)))];
    const { store, take, settled, seal } = world(waiting);
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: me, device: 2, kind, content: edit(ref(me, 6)) });
    expect(settled).toHaveLength(1);
    expect(await store.get('outbox', 'emptying')).toBeDefined();
    expect(await seal()).toEqual({ cause: EMPTYING_CAUSE_AUTHOR, seqs: [7] });
    waiting.splice(0, 1);
    await take(8, { member: me, device: 1, kind, content: deletion(ref(me, 6)) });
    await take(9, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    expect(await seal()).toEqual({ cause: EMPTYING_CAUSE_AUTHOR, seqs: [9] });
  });

  it('is emptied where a moderator deleted, too', async () => {
    const { take, seal } = world([send(1, deletion(ref(bob, 6, 2)))]);
    await take(6, { member: bob, kind });
    await take(7, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    expect(await seal()).toEqual({ cause: EMPTYING_CAUSE_MODERATOR, seqs: [7] });
  });

  it('is left alone where it is not the author who edits, and where another device deleted: that one empties', async () => {
    const { take, prepared } = world();
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: bob, kind, content: edit(ref(me, 6)) });
    await take(8, { member: me, device: 2, kind, content: deletion(ref(me, 6)) });
    await take(9, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    expect(prepared).toEqual([]);
  });

  it('is not emptied twice where the deletion named it: an own edit that was accepted and not here yet', async () => {
    const plainBody = bodyOf(EMPTYING_CAUSE_AUTHOR, [6, 7]);
    const emptying = { room: roomId, position: 2, kind: EVENT_KIND_EMPTYING, plainBody, failed: 0 } as LocalSend;
    const { take, prepared } = world([send(1, deletion(ref(me, 6))), emptying]);
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    expect(prepared).toEqual([]);
  });

  // One who edited a deleted message on and on made the moderator's device write an event for each.
  it('shares one event with those that come before that is sealed, as many as an event names', async () => {
    const { take, prepared, seal } = world([send(1, deletion(ref(bob, 6, 2)))]);
    await take(6, { member: bob, kind });
    for (let at = 0; at <= limits.emptyingSeqsMax; at++)
      await take(7 + at, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    expect(prepared).toHaveLength(1);
    expect((await seal())?.seqs).toEqual(Array.from({ length: limits.emptyingSeqsMax }, (_, at) => 7 + at));
    await take(72, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    expect(prepared).toHaveLength(2);
    expect((await seal())?.seqs).toEqual([71, 72]);
  });

  it('gets an event of its own where the one that waits is on its way out', async () => {
    const { take, prepared, left } = world([send(1, deletion(ref(bob, 6, 2)))]);
    await take(6, { member: bob, kind });
    await take(7, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    left.add(101);
    await take(8, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    expect(prepared).toHaveLength(2);
  });

  it('is left to the hub after eight events for one message, and not of another message', async () => {
    const { take, prepared, seal, counted } = world([
      send(1, deletion(ref(bob, 6, 2))),
      send(2, deletion(ref(bob, 7, 2))),
    ]);
    await take(6, { member: bob, kind });
    await take(7, { member: bob, kind });
    for (let at = 0; at < 9; at++) {
      expect(counted).not.toContain('late-edit.left');
      await take(8 + at, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
      await seal();
    }
    expect(prepared).toHaveLength(8);
    expect(counted).toContain('late-edit.left');
    await take(17, { member: bob, kind, content: edit(ref(bob, 7, 2)) });
    expect(prepared).toHaveLength(9);
  });

  it('is nothing that the outbox sends where nothing is left to empty', async () => {
    const { take, waiting, seal } = world([send(1, deletion(ref(bob, 6, 2)))]);
    await take(6, { member: bob, kind });
    await take(7, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    await take(8, { member: me, device: 2, kind: EVENT_KIND_EMPTYING, body: bodyOf(EMPTYING_CAUSE_MODERATOR, [6, 7]) });
    expect(await seal()).toBeUndefined();
    expect(waiting).toHaveLength(1);
  });
});
