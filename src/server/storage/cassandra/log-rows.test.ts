// What becomes of each log's rows where some servers do not answer. The connection is a stand-in; isolation.cassandra.test.ts loses a real server.
import type { types } from 'cassandra-driver';
import { expect, it } from 'vitest';
import type { RowWrite } from '#actors/ports/log-store.ts';
import type { Statement } from './connection.ts';
import { LogRows, type RowConnection } from './log-rows.ts';
import { legalRetention } from './retention.ts';
import { Parts } from './rows/parts.ts';
import { encodeRow } from './rows/row.ts';

const now = Date.UTC(2027, 0, 13);

/** Three servers of which each holds something else: the first letter of a log says which. The fate of a request is that of its server. */
function connection(fates: Readonly<Record<string, () => Promise<void>>>, requests: string[][] = []): RowConnection {
  const logOf = ({ params }: Statement) => params[3] as string;
  return {
    ring: {
      keyspace: 'k',
      hosts: [1, 2, 3],
      getReplicas: (_, routingKey) => hosts[String.fromCharCode(routingKey[2]!)]!,
    },
    inSlot: (run) => run(),
    read: async () => [],
    page: async () => ({ rows: [], next: null }),
    async writeTogether(statements) {
      requests.push([...new Set(statements.map(logOf))]);
      await Promise.all(statements.map((each) => fates[logOf(each)[0]!]!()));
    },
  };
}
const hosts: Record<string, { address: string }[]> = {
  a: [{ address: '1' }],
  b: [{ address: '2' }],
  c: [{ address: '3' }],
};

function write(log: string, bytes = 10, more: Partial<RowWrite> = {}): RowWrite {
  const row = { seq: 1, bytes: new Uint8Array(bytes), writeMicros: now * 1000, expiresMs: now + 99_999 };
  return { log, segment: 1, rows: [row, { ...row, seq: 2 }], replace: false, dueMs: null, ...more };
}

async function outcome(fates: Parameters<typeof connection>[0], writes: readonly RowWrite[]) {
  const done: string[] = [];
  const requests: string[][] = [];
  const rows = new LogRows(connection(fates, requests), { retention: legalRetention, now: () => now });
  const parts = new Parts(writes.length, (at) => void done.push(writes[at]!.log));
  const call = rows.write(writes, parts).then(
    () => 'done',
    () => 'failed',
  );
  for (const at of writes.keys()) parts.ended(at);
  const ended = await Promise.race([call, new Promise((resolve) => setImmediate(() => resolve('under way')))]);
  return { done, requests, ended };
}

const well = async () => {};
const lost = async () => {
  throw new Error('unavailable');
};
const hanging = () => new Promise<void>(() => {});

it('fails rows of servers that are lost, and no others', async () => {
  const writes = ['a1', 'b1', 'a2', 'c1', 'b2'].map((log) => write(log));
  const { done, requests, ended } = await outcome({ a: well, b: lost, c: well }, writes);
  expect(requests).toEqual([['a1', 'a2'], ['b1', 'b2'], ['c1']]);
  expect([done.sort(), ended]).toEqual([['a1', 'a2', 'c1'], 'failed']);
});

it('tells of what is written while other servers do not answer', async () => {
  const writes = [write('b1'), write('a1'), write('a2', 10, { replace: true })];
  const { done, ended } = await outcome({ a: well, b: hanging, c: well }, writes);
  expect([done.sort(), ended]).toEqual([['a1', 'a2'], 'under way']);
});

it('does not tell of a write of which a part is under way or has failed', async () => {
  let count = 0;
  const second = (fate: () => Promise<void>) => () => (++count > 1 ? fate() : well());
  // Two rows that do not fit into one request.
  expect(await outcome({ a: second(hanging) }, [write('a1', 30_000)])).toMatchObject({ done: [], ended: 'under way' });
  count = 0;
  expect(await outcome({ a: second(lost) }, [write('a1', 30_000)])).toMatchObject({ done: [], ended: 'failed' });
  expect(await outcome({ a: well }, [write('a1', 30_000)])).toMatchObject({ done: ['a1'], ended: 'done' });
});

it('is done with a write that has nothing to write', async () => {
  expect(await outcome({}, [write('a1', 1, { rows: [] })])).toMatchObject({
    done: ['a1'],
    requests: [],
    ended: 'done',
  });
});

/** Rows of a segment as Cassandra hands them out, page by page; what it was asked for. */
function reading(count: number, bytes: number) {
  const pages: number[] = [];
  const all = Array.from({ length: count }, (_, n) => ({
    seq: BigInt(n + 1),
    row: encodeRow({ seq: n + 1, bytes: new Uint8Array(bytes), writeMicros: now * 1000, expiresMs: now + 99_999 }),
    written: BigInt(now * 1000),
  }));
  const page: RowConnection['page'] = async ({ query }, { rows, from }) => {
    if (query.includes('late')) return { rows: [], next: null };
    const at = Number(from ?? 0);
    const found = all.slice(at, at + rows);
    pages.push(found.length);
    return { rows: found as unknown as types.Row[], next: at + rows < count ? String(at + rows) : null };
  };
  const rows = new LogRows({ ...connection({}), page }, { retention: legalRetention, now: () => now });
  const read = (limit: number, bytesMax: number) =>
    rows.read('a1', 1, { from: 1, through: count, limit, bytesMax, backwards: false });
  return { pages, read };
}

// A page of a room's log is 60 KiB. A device that came back to a room of long messages made the node read 128 of them, 6 MiB, for each one that it got.
it('reads about as many bytes as are wanted, however long rows are', async () => {
  const long = reading(200, 48 * 1024);
  expect(await long.read(200, 60 * 1024)).toHaveLength(1);
  expect(long.pages).toEqual([8]);
  const short = reading(1_000, 300);
  expect(await short.read(200, 60 * 1024)).toHaveLength(200);
  expect(short.pages).toEqual([8, 204]);
  const much = reading(200, 48 * 1024);
  expect(await much.read(200, 4 * 1024 * 1024)).toHaveLength(85);
  expect(much.pages).toEqual([32, 21, 21, 21]);
  const few = reading(1_000, 300);
  expect(await few.read(1, 1)).toHaveLength(1);
  expect(few.pages).toEqual([1]);
});
