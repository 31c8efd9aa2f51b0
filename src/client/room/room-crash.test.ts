// A device is killed in the moment in which a record is durable: all that follows from the record must be durable, too, since nothing does it later.
import { describe, expect, it } from 'vitest';
import { LocalRoom } from '#proto/gen/local.ts';
import { Emptying, EmptyingCause, EventKind } from '#proto/gen/record.ts';
import { ClientError } from '../errors.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { type LocalChange, prefixRange } from '../store/store.ts';
import { roomId, roomWorld } from '../testing/room-world.ts';
import { recordAt } from './room-rows.ts';

const { EVENT_KIND_CONTENT: content, EVENT_KIND_EMPTYING: emptying } = EventKind;
const bob = 2;
const killed = new ClientError('STORE', 'killed');

/** A store that ends the program behind a write. */
class LastWrite extends MemoryStore {
  armed = false;
  override async write(changes: readonly LocalChange[]): Promise<void> {
    await super.write(changes);
    if (this.armed) throw killed;
  }
}

function emptyingOf(...seqs: number[]): Uint8Array {
  const noRange = { blobs: [], fromSeq: 0, throughSeq: 0, member: 0 };
  return Emptying.encode({ ...noRange, seqs, cause: EmptyingCause.EMPTYING_CAUSE_AUTHOR }).finish();
}

describe('a device that is killed behind the write of a record', () => {
  it('has emptied the bodies that the record takes away', async () => {
    const store = new LastWrite();
    const { room, take } = roomWorld(undefined, {}, { store });
    await take(6, { member: bob, kind: content });
    store.armed = true;
    await expect(take(7, { member: bob, kind: emptying, body: emptyingOf(6) })).rejects.toBe(killed);
    expect((await recordAt(room, 6))?.record).toMatchObject({ body: new Uint8Array(), emptiedBy: 7 });
    expect((await recordAt(room, 6))?.content).toBeUndefined();
  });

  it.each([
    ['is frozen where the record does not allow', content, 'EMPTIED_UNLAWFULLY'],
    ['is content where the record allows', emptying, ''],
  ] as const)('%s what came emptied, and looks no more', async (_what, kind, frozen) => {
    const store = new LastWrite();
    const first = roomWorld(undefined, {}, { store });
    await first.take(6, { member: bob, kind: content, emptiedBy: 7 });
    const marks = async () => (await store.list('emptied', prefixRange(roomId))).length;
    expect(await marks()).toBe(1);
    const record = { member: bob, kind, ...(kind === emptying ? { body: emptyingOf(6) } : {}) };
    store.armed = true;
    await expect(first.take(7, record)).rejects.toBe(killed);
    store.armed = false;
    const { room, take } = roomWorld(undefined, {}, { store });
    room.local = LocalRoom.decode((await store.get('rooms', roomId)) as Uint8Array);
    expect(room.local.frozen).toBe(frozen);
    // The last write may have been the one that froze the room: then the record is still to be taken.
    if (room.headSeq === 6) await take(7, record);
    expect(await marks()).toBe(0);
  });

  it('sends nothing again that the record shows', async () => {
    const store = new LastWrite();
    const row = { table: 'outbox', key: 'waiting' } as const;
    const gone = { rows: [{ ...row, value: undefined }], settle: () => {} };
    const { take } = roomWorld(undefined, {}, { store, outbox: { arriving: () => gone } });
    await store.write([{ ...row, value: Uint8Array.of(1) }]);
    store.armed = true;
    await expect(take(6, { member: 1, device: 1, kind: content })).rejects.toBe(killed);
    expect(await store.get('outbox', 'waiting')).toBeUndefined();
  });
});

describe('a record that can not be written', () => {
  it('was not taken: it comes again, and the one behind it does not go before', async () => {
    const store = new MemoryStore();
    const { room, take } = roomWorld(undefined, {}, { store });
    await take(6, { member: bob, kind: content });
    const { write } = store;
    store.write = async () => {
      throw new ClientError('STORE', 'the disk is full');
    };
    await expect(take(7, { member: bob, kind: content })).rejects.toMatchObject({ code: 'STORE' });
    expect(room.headSeq).toBe(6);
    store.write = write;
    await take(7, { member: bob, kind: content });
    expect([room.headSeq, await recordAt(room, 7)]).toEqual([7, expect.anything()]);
  });
});
