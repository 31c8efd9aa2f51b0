// From the start of the program to the first person logged in, with a warm compile cache (the second start on a machine) and without one.
// Run: node bench/micro/start.ts [--write]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchServer } from '../lib/server.ts';
import { median, writeResult } from './lib/figures.ts';

const rounds = 7;
const cache = mkdtempSync(join(tmpdir(), 'luxchat-cache-'));
const seen: Record<string, { ready: number[]; login: number[] }> = {};

async function once(kind: string, env: Record<string, string>): Promise<void> {
  const began = performance.now();
  const server = await BenchServer.start({ env });
  const ready = performance.now() - began;
  await server.login('ann');
  const login = performance.now() - began;
  await server.stop();
  seen[kind] ??= { ready: [], login: [] };
  seen[kind].ready.push(ready);
  seen[kind].login.push(login);
}

await once('first', { NODE_COMPILE_CACHE: cache });
for (let n = 0; n < rounds; n++) {
  await once('warm cache', { NODE_COMPILE_CACHE: cache });
  await once('no cache', { NODE_DISABLE_COMPILE_CACHE: '1' });
}
rmSync(cache, { recursive: true, force: true });
delete seen.first;
const figures = Object.entries(seen).map(([kind, { ready, login }]) => ({
  kind,
  'ready ms': Math.round(median(ready)),
  'first login ms': Math.round(median(login)),
}));
console.table(figures);
if (process.argv.includes('--write')) writeResult('micro-start', { rounds }, figures);
