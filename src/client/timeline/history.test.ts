import { describe, expect, it } from 'vitest';
import type { Accepted } from '#proto/gen/client.ts';
import type { LocalRecord, LocalSend } from '#proto/gen/local.ts';
import { Algorithm, EventHeader, EventKind, Stamp } from '#proto/gen/record.ts';
import { portablePrimitives } from '../primitives.ts';
import type { RoomReplica } from '../room/room.ts';
import { rowsOf } from '../room/room-rows.ts';
import { textContent } from '../sending/text-content.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { readHistory, readNewest } from './history.ts';
import type { Folding } from './timeline.ts';

const roomId = '!g:localhost';
const folding: Folding = {
  room: roomId,
  user: '@ada:localhost',
  device: 1,
  person: () => '@ada:localhost',
  moderates: () => false,
};
const noBytes = new Uint8Array(32);

/** The n-th message of this device, as the log shows it. */
function recordOf(n: number): LocalRecord {
  const { EVENT_KIND_CONTENT: kind } = EventKind;
  const place = { room: roomId, member: 1, device: 1, sendId: n, kind, algorithm: Algorithm.ALGORITHM_MEGOLM_V1 };
  const header = { ...place, bodySize: 0, bodyHash: noBytes, control: undefined, counts: true, expiryDay: 0 };
  const stamp = { incarnation: 1, seq: n, acceptedMs: n, count: n, previousHash: noBytes };
  const record = {
    stamp: Stamp.encode(stamp).finish(),
    header: EventHeader.encode({ ...header, commitment: noBytes }).finish(),
    body: noBytes,
    emptiedBy: 0,
  };
  return {
    record,
    content: textContent(`m${n}`),
    trouble: '',
    tries: 1,
    writtenMs: n,
    contradicts: '',
    unproven: false,
    afterMs: 0,
  };
}

/** A device whose outbox holds messages `sent` (0 = not sealed yet), and whose log takes in what `meanwhile` does while it is being read. */
function device(sent: readonly number[], meanwhile: (self: Device) => Promise<void> = async () => {}) {
  const store = new MemoryStore();
  const names = new Map<number, string>();
  const waiting = sent.map(
    (sendId, at) =>
      ({
        room: roomId,
        position: at + 1,
        localId: `local.${at + 1}`,
        kind: EventKind.EVENT_KIND_CONTENT,
        content: textContent(`m${sendId}`),
        sendId,
        failed: 0,
      }) as LocalSend,
  );
  const self = {
    waiting,
    answered: new Map<number, Accepted>(),
    /** The log shows the n-th message of this device: it leaves the outbox. */
    async arrive(n: number, position: number) {
      await store.write(rowsOf(roomId, recordOf(n)));
      names.set(n, `local.${position}`);
      waiting.splice(
        waiting.findIndex((one) => one.position === position),
        1,
      );
    },
    async lines(limit = 50) {
      const outbox = { waiting: () => waiting, accepted: (send: LocalSend) => self.answered.get(send.position) };
      const reading = {
        list: async (...given: Parameters<MemoryStore['list']>) => {
          const rows = await store.list(...given);
          if (given[0] === 'records' && rows.length > 0) await meanwhile(self);
          return rows;
        },
        get: (...given: Parameters<MemoryStore['get']>) => store.get(...given),
      };
      const reader = { localId: (_: string, n: number) => names.get(n) };
      const ports = { parts: { store: reading, live: () => false }, outbox: reader };
      const room = { room: roomId, own: 1, folding, joined: true, ports } as unknown as RoomReplica;
      const lines = await readNewest(room, outbox, limit);
      return lines.map(({ localId, seq, sending }) => [localId, seq, sending]);
    },
  };
  return self;
}
type Device = ReturnType<typeof device>;

describe('the newest lines', () => {
  it('end with what waits, and with what was accepted and is not in the log yet', async () => {
    const self = device([1, 2, 0]);
    await self.arrive(1, 1);
    self.answered.set(2, { seq: 2, acceptedMs: 5, hash: noBytes, control: undefined });
    expect(await self.lines()).toEqual([
      ['local.1', 1, 'accepted'],
      ['local.2', 2, 'accepted'],
      ['local.3', 0, 'waiting'],
    ]);
  });

  it('hold a message once that the log shows and a crash left in the outbox, also where the page ends above it', async () => {
    const self = device([1, 2]);
    const [kept] = self.waiting;
    await self.arrive(1, 1);
    await self.arrive(2, 2);
    self.waiting.push(kept as LocalSend);
    expect(await self.lines()).toEqual([
      ['local.1', 1, 'accepted'],
      ['local.2', 2, 'accepted'],
    ]);
    expect(await self.lines(1)).toEqual([['local.2', 2, 'accepted']]);
  });

  // The record came between the look at the log and the look at the outbox, and the line was in neither: one of 480 was missing.
  it('hold a message that comes into the log while it is read', async () => {
    let came = false;
    const self = device([1, 2], async ({ arrive }) => {
      if (!came) await arrive(2, 2);
      came = true;
    });
    await self.arrive(1, 1);
    expect(await self.lines()).toEqual([
      ['local.1', 1, 'accepted'],
      ['local.2', 2, 'accepted'],
    ]);
  });
});

describe('an older page', () => {
  const { EVENT_KIND_CONTROL: control, EVENT_KIND_CONTENT: content } = EventKind;

  /** What a room says whose chain was read with an entry at seq 4, when the server hands out this as what lies below 6. */
  async function alarmOf(kind: EventKind, seq: number, isKnown = true, chain: object = {}) {
    const { record } = recordOf(seq);
    const header = EventHeader.encode({ ...EventHeader.decode(record?.header as Uint8Array), kind }).finish();
    const frozen: string[] = [];
    const parts = {
      store: new MemoryStore(),
      primitives: portablePrimitives,
      live: () => true,
      request: async () => ({ records: [{ ...record, header }] }),
    };
    const room = {
      room: roomId,
      folding,
      joined: true,
      local: { lowSeq: 6, readableFrom: 1 },
      chain: {
        placeOf: () => (isKnown ? 4 : undefined),
        standsAt: (at: number) => at === 4,
        isUntold: () => false,
        ...chain,
      },
      ports: { parts, outbox: {} },
      exclusive: (work: () => Promise<boolean>) => work(),
      freeze: async (code: string) => frozen.push(code),
    };
    await readHistory(room as unknown as RoomReplica, 6, 10);
    return frozen;
  }

  // Places of entries are the server's word until their records come, and those of before one came in come here.
  it('that has an entry in another place than the chain, or something else in its place, freezes the room', async () => {
    expect(await alarmOf(control, 5)).toEqual(['HISTORY_FORKED']);
    expect(await alarmOf(content, 4)).toEqual(['HISTORY_FORKED']);
    expect(await alarmOf(control, 4, false)).toEqual(['CONTROL_ROLLED_BACK']);
  });

  it('accuses nobody where the bug is here', async () => {
    const bug = new TypeError('x is not a function');
    const placeOf = () => {
      throw bug;
    };
    await expect(alarmOf(control, 4, true, { placeOf })).rejects.toBe(bug);
  });
});
