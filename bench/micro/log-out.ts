// How soon a device is cut that another one of its person logs out, with the whole SDK and a real provider on one machine: from the call to the other session's end.
// People are promised a second.
// Run: node bench/micro/log-out.ts [--rounds 20] [--write]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, openDevice } from '#client/node/device-folder.ts';
import { confirm, logOut } from '../../src/server/test/harness.ts';
import { BenchServer } from '../lib/server.ts';
import { median, writeResult } from './lib/figures.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, write: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), 'luxchat-log-out-'));
const server = await BenchServer.start();
const taken: number[] = [];

async function device(user: string, name: string): Promise<LuxchatClient> {
  const place = join(folder, `${user}-${name}`);
  await createDevice(place, server.url, await server.device(user));
  const client = await openDevice(place);
  await client.start();
  await client.synced();
  return client;
}

for (let n = 0; n < rounds; n++) {
  const [first, second] = [await device(`person${n}`, 'first'), await device(`person${n}`, 'second')];
  await confirm(second, first);
  taken.push(await logOut(first, second));
  await Promise.all([first.close(), second.close()]);
}

const figures = [{ 'median ms': Math.round(median(taken)), 'longest ms': Math.max(...taken) }];
console.table(figures);
if (values.write) writeResult('micro-log-out', { rounds }, figures);
await server.stop();
rmSync(folder, { recursive: true, force: true });
