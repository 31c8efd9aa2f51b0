// What the cluster is compared with: the driver as it comes writes single rows, prepared, into a table like that of the logs, so many at a time.
import { Client, types } from 'cassandra-driver';
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';
import { quantiles } from './load.ts';

let client: Client;
let row = Buffer.alloc(0);
let seq = 0;

const logs = 100;
const segmentRows = 10_000;
const update = 'update bare_rows using timestamp ? and ttl ? set row = ? where log = ? and segment = ? and seq = ?';
const ttl = 722 * 24 * 3600;

/** What came of it. Times in microseconds. */
export interface BareReport {
  readonly writes: number;
  readonly wallMicros: number;
  readonly p50: number;
  readonly p99: number;
}

async function write(): Promise<void> {
  const n = seq++;
  const at = Math.floor(n / logs);
  const log = `room/!g${'a'.repeat(28)}${1000 + (n % logs)}:localhost`;
  const params = [BigInt(Date.now()) * 1000n, ttl, row, log, Math.floor(at / segmentRows), BigInt(at)];
  await client.execute(update, params, { prepare: true, consistency: types.consistencies.localQuorum });
}

serveCalls({
  cpu: () => cpuMicros(),
  open: async (given: { contactPoints: string[]; port: number; keyspace: string; bytes: number }) => {
    const { contactPoints, port, keyspace } = given;
    client = new Client({
      contactPoints,
      localDataCenter: 'datacenter1',
      keyspace,
      protocolOptions: { port },
      encoding: { useBigIntAsLong: true },
    });
    row = Buffer.from(crypto.getRandomValues(new Uint8Array(given.bytes)));
    await client.connect();
  },
  /** So many writes, or for so long. */
  run: async (given: { inFlight: number; writes?: number; ms?: number }): Promise<BareReport> => {
    const { inFlight, writes = Number.POSITIVE_INFINITY, ms = Number.POSITIVE_INFINITY } = given;
    const times: number[] = [];
    let left = writes;
    const until = performance.now() + ms;
    const lane = async () => {
      while (left-- > 0 && performance.now() < until) {
        const began = performance.now();
        await write();
        times.push((performance.now() - began) * 1000);
      }
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: inFlight }, lane));
    const wallMicros = (performance.now() - began) * 1000;
    const [p50, p99] = quantiles(times);
    return { writes: times.length, wallMicros, p50, p99 };
  },
});
