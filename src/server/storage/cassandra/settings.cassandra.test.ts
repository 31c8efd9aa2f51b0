// The largest change of state on a real server of Cassandra, and servers that would not take it.
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateLimits } from '#actors/log/limits.ts';
import { changeBytesMax } from '#actors/ports/state-store.ts';
import { driver } from './connection.ts';
import { bytesIn, checkSettings, mutationBytesNeeded } from './settings.ts';
import { CassandraStore } from './store.ts';
import { Scope, testOptions } from './test/fixture.ts';

let store: CassandraStore;
let client: Client;
beforeAll(async () => {
  const options = await testOptions();
  // Not what is measured here: this machine may be busy.
  store = await CassandraStore.open({ ...options, requestTimeoutMs: 30_000 });
  client = driver(options, {});
  await client.connect();
});
afterAll(async () => {
  await client?.shutdown();
  await store?.close();
});

/** A change of so many bytes, in rows as large as rows may be, filled with `fill`. */
function changeOf(bytes: number, { segment, fill }: { segment: number; fill: number }) {
  const rows: { key: string; value: Uint8Array; segment: number; seq: number; sub: number }[] = [];
  for (let left = bytes; left > 0; ) {
    const key = String(rows.length).padStart(128, '0');
    const value = Buffer.alloc(Math.min(stateLimits.valueBytesMax, left - key.length), fill);
    rows.push({ key, value, segment, seq: 1, sub: 0 });
    left -= key.length + value.length;
  }
  return rows;
}

describe('a change of state', () => {
  it('as large as it may be is written whole, and again over itself', async () => {
    const log = new Scope().prefix;
    for (const [n, fill] of [1, 2].entries()) {
      const rows = changeOf(changeBytesMax, { segment: n + 1, fill });
      await store.writeState([{ log, rows }]);
      const found = await store.readState(log);
      expect(found).toHaveLength(rows.length);
      expect(found.every(({ value }) => value.every((byte) => byte === fill))).toBe(true);
    }
  });

  it('larger than a server takes is refused, and nothing of it is there', async () => {
    const log = new Scope().prefix;
    const rows = changeOf(changeBytesMax + 2 * 1024 * 1024, { segment: 1, fill: 1 });
    await expect(store.writeState([{ log, rows }])).rejects.toMatchObject({ code: 'UNANSWERED' });
    expect(await store.readState(log)).toEqual([]);
  });
});

describe('settings of Cassandra', () => {
  it('are enough, or the node does not start and says what to set', async () => {
    await checkSettings(client);
    await expect(checkSettings(client, { needed: mutationBytesNeeded + 1024 * 1024 })).rejects.toMatchObject({
      code: 'UNUSABLE',
      message: expect.stringMatching(/ has \w+_size 16\w+, and 17 MiB are needed: set \w+_size to /),
    });
  });

  it('are read as Cassandra writes them, or left alone', () => {
    const sizes = ['16MiB', '16384KiB', '7B', '1GiB', null, 'null', '16'].map(bytesIn);
    expect(sizes).toEqual([2 ** 24, 2 ** 24, 7, 2 ** 30, null, null, null]);
  });
});
