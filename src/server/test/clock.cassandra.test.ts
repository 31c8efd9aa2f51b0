// A machine that boots before it knows the time: its node must be started again, so it must not end as one with a wrong setting does.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedCassandra, type TestCassandra } from '../../../deploy/dev/testing/testing.ts';

const main = new URL('../main.ts', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'luxchat-clock-'));
let cassandra: TestCassandra;
beforeAll(async () => {
  cassandra = await sharedCassandra();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A node whose machine's clock is so far ahead. */
function started(aheadMs: number): Promise<{ code: number | string | null | undefined; errors: string }> {
  const { contactPoints, port, keyspace } = cassandra;
  const clock = `const now = Date.now; Date.now = () => now() + (${aheadMs});`;
  const ports = ['--port', '0', '--ops-port', '0', '--luxid-port', '0', '--node-port', '0', '--data', folder];
  const store = ['--store', 'cassandra', '--cassandra', `${contactPoints[0]}:${port}`];
  const more = ['--cassandra-keyspace', keyspace, '--cassandra-replication', '1'];
  const args = ['--import', `data:text/javascript,${clock}`, main, ...ports, ...store, ...more];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 60_000 }, (error, _, errors) => resolve({ code: error?.code, errors }));
  });
}

describe('a node whose clock is off at its start', () => {
  it.each([
    [90_000, 'ahead of'],
    [-90_000, 'behind'],
  ])('by %i ms says so, and ends such that it is started again', async (aheadMs, which) => {
    expect(await started(aheadMs)).toEqual({
      code: 1,
      errors: expect.stringMatching(`^Luxchat could not start: The clock of this machine is \\d+ seconds ${which}`),
    });
  });
});
