// Lines out of rows: of the events that set a slot only those that changed it are told.
import { beforeEach, expect, it } from 'vitest';
import type { LocalRecord } from '#proto/gen/local.ts';
import { Algorithm, EventHeader, EventKind, SlotWrite, Stamp } from '#proto/gen/record.ts';
import { textContent } from '../sending/text-content.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { orderedNumber } from '../store/store.ts';
import { emptiedRows, lineOf, type RowsOfRoom, rowsOf, seqsOfMessage } from './room-rows.ts';

const room = '!g:localhost';
let store: MemoryStore;
let rows: RowsOfRoom;
beforeEach(() => {
  store = new MemoryStore();
  const folding = { room, user: '@ada:localhost', device: 1, person: () => '@ada:localhost', moderates: () => false };
  rows = { room, folding, ports: { parts: { store }, outbox: { localId: () => undefined } } };
});

/** A SLOT event that is kept here; `text` undefined: it can't be decrypted. */
async function sets(seq: number, slot: string, text: string | undefined): Promise<LocalRecord> {
  const header = EventHeader.encode({
    ...EventHeader.decode(new Uint8Array()),
    ...{ room, member: 1, device: 1, sendId: seq, kind: EventKind.EVENT_KIND_SLOT },
  }).finish();
  const stamp = Stamp.encode({ ...Stamp.decode(new Uint8Array()), seq, acceptedMs: seq }).finish();
  const write = { slot, version: seq, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, value: Uint8Array.of(seq) };
  const record = { stamp, header, body: SlotWrite.encode(write).finish(), emptiedBy: 0 };
  const body = { $case: 'slotText' as const, value: { text: text ?? '' } };
  const content = text === undefined ? undefined : { ...textContent(''), body };
  const kept = { record, content, trouble: '', tries: 1, writtenMs: 0, contradicts: '', unproven: false, afterMs: 0 };
  await store.write(rowsOf(room, kept));
  return kept;
}

const isTold = async (kept: LocalRecord) => (await lineOf(rows, kept))?.notice?.what === 'slot';

// After each joining a group told that its name was set, since it is posted again for the newcomer.
it('tells that a slot was set where that changed it, whoever did, in whatever order the events came', async () => {
  const later = await sets(9, 'name', 'Walks');
  const events = [
    await sets(1, 'name', 'Hiking'),
    await sets(3, 'name', 'Hiking'),
    await sets(4, 'topic', 'Hiking'),
    await sets(5, 'name', 'Walks'),
    await sets(7, 'name', 'Hiking'),
  ];
  expect(await Promise.all([...events, later].map(isTold))).toEqual([true, false, true, true, true, true]);
  const again = await sets(10, 'name', 'Walks');
  expect(await isTold(again)).toBe(false);
});

it('tells it where nobody here can say what it was, and forgets what was emptied', async () => {
  await sets(1, 'name', undefined);
  expect(await isTold(await sets(2, 'name', 'Hiking'))).toBe(true);
  const gone = await sets(3, 'name', 'Walks');
  const { rows: emptied } = emptiedRows(room, gone, 8);
  await store.write(emptied);
  const left = await store.list('annotations', { from: '', to: '~' });
  expect(left).toHaveLength(2);
  expect(await isTold(await sets(4, 'name', 'Walks'))).toBe(true);
});

// "alice set the name" left everybody to look for which.
it('says the new name or topic where this device can read it, and not of whom one blocks', async () => {
  const textOf = async (kept: LocalRecord) => (await lineOf(rows, kept))?.notice?.text;
  expect(await textOf(await sets(1, 'name', 'Hiking'))).toBe('Hiking');
  expect(await textOf(await sets(2, 'topic', ''))).toBe('');
  expect(await textOf(await sets(3, 'name', undefined))).toBeUndefined();
  rows = { ...rows, folding: { ...rows.folding, hides: () => true } };
  expect(await textOf(await sets(4, 'name', 'Insults'))).toBeUndefined();
});

// Of what is said about a message the oldest 10,000 were looked at: behind so many reactions an edit did not show, and stayed at the provider when its author
// deleted the message.
it('knows all that is said about a message, however much that is', async () => {
  const says = async (seq: number, body: NonNullable<ReturnType<typeof textContent>['body']>) => {
    const header = EventHeader.encode({
      ...EventHeader.decode(new Uint8Array()),
      ...{ room, member: 1, device: 1, sendId: seq, kind: EventKind.EVENT_KIND_CONTENT, counts: body.$case === 'text' },
    }).finish();
    const stamp = Stamp.encode({ ...Stamp.decode(new Uint8Array()), seq, acceptedMs: seq }).finish();
    const record = { stamp, header, body: Uint8Array.of(1), emptiedBy: 0 };
    const content = { ...textContent(''), body };
    const kept = { record, content, trouble: '', tries: 1, writtenMs: 0, contradicts: '', unproven: false, afterMs: 0 };
    await store.write(rowsOf(room, kept));
    return kept;
  };
  const target = { member: 1, device: 1, sendId: 1 };
  const first = await says(1, { $case: 'text', value: { text: 'before' } });
  await says(2, { $case: 'reaction', value: { target, emoji: '👍', removed: false } });
  const reaction = (await store.list('annotations', { from: '', to: '~' }))[0]!;
  const reactions = Array.from({ length: 10_000 }, (_, n) => orderedNumber(3 + n));
  const keyOf = (seq: string) => `${reaction.key.slice(0, -seq.length)}${seq}`;
  await store.write(reactions.map((seq) => ({ table: 'annotations', key: keyOf(seq), value: reaction.value })));
  await says(20_000, { $case: 'edit', value: { target, text: 'after' } });
  const line = await lineOf(rows, first);
  expect([line?.content?.body, line?.edited]).toEqual([{ $case: 'text', value: { text: 'after' } }, true]);
  expect(await seqsOfMessage(rows, '1.1.1')).toEqual([1, 20_000]);
});
