// The promise that an ack means durable: real processes, SIGKILL in the middle of the load, again and again on the same folder.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LogAnswer } from '#actors/log/messages.ts';
import { Random } from '#actors/log/testing/random.ts';
import { LogRunner } from '../log-runner.ts';
import { testFolder } from './fixture.ts';
import { EmbeddedStore } from './store.ts';

const kills = 22;
/** Seconds, also on a machine that does other things: tens of milliseconds is usual. */
const startMsMax = 10_000;
const victim = new URL('./kill-victim.ts', import.meta.url).pathname;
const random = new Random(20270113);
let folder: string;
let remove: () => Promise<void>;

beforeEach(() => {
  ({ folder, remove } = testFolder());
});
afterEach(() => remove());

/** Lets a victim run until it has acked so many rows, kills it, and returns every line that it still got out. */
async function run(round: number, acksBeforeKill: number): Promise<string[]> {
  const child = spawn(process.execPath, [victim, folder, `${round}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const lines: string[] = [];
  let acks = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.startsWith('ack')) acks++;
    if (acks === acksBeforeKill) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  return lines;
}

/** Everything in the log, oldest first. */
async function contents(runner: LogRunner, log: string): Promise<string[]> {
  const rows: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = (fromSeq: number) => {
    const range = { fromSeq, throughSeq: Number.MAX_SAFE_INTEGER, limit: 1000, bytesMax: 10_000_000, backwards: false };
    runner.command(log, 1, { kind: 'read', token: 1, ...range });
  };
  runner.serve((_actor, _incarnation, answer: LogAnswer) => {
    if (answer.kind === 'opened') read(1);
    else if (answer.kind === 'failed') reject(new Error(answer.code));
    else if (answer.kind === 'rows') {
      for (const { seq, bytes } of answer.rows) rows.push(`${seq} ${Buffer.from(bytes).toString().split(' ')[0]}`);
      if (answer.next === 0) resolve();
      else read(answer.next);
    }
  });
  runner.command(log, 1, { kind: 'open', create: false });
  await promise;
  return rows;
}

it(`loses no acked row and doubles none over ${kills} kills under load`, async () => {
  const acked = new Map<string, string[]>();
  const startsMs: number[] = [];
  let acks = 0;
  for (let round = 0; round < kills; round++) {
    for (const line of await run(round, 1 + random.below(3_000))) {
      const [kind, ...rest] = line.split(' ');
      // A line that was cut by the kill was not heard.
      if (kind === 'broken') expect.fail(line);
      if (kind === 'ready') startsMs.push(Number(rest[0]));
      if (kind !== 'ack' || rest.length !== 3) continue;
      acked.set(rest[0]!, [...(acked.get(rest[0]!) ?? []), `${rest[1]} ${rest[2]}`]);
      acks++;
    }
  }
  console.log(`${acks} acks, start-up ms: ${startsMs.join(' ')}`);
  expect(startsMs).toHaveLength(kills);
  expect(Math.max(...startsMs)).toBeLessThan(startMsMax);
  expect(acks).toBeGreaterThan(kills * 100);

  const store = await EmbeddedStore.open({ folder, now: Date.now });
  const runner = await LogRunner.start({ store, node: 'n', now: Date.now });
  for (const [log, lines] of acked) {
    const rows = await contents(runner, log);
    expect(rows.map((row) => Number(row.split(' ')[0]))).toEqual(rows.map((_, index) => index + 1));
    expect(new Set(rows.map((row) => row.split(' ')[1])).size).toBe(rows.length);
    const held = new Set(rows);
    expect(lines.filter((line) => !held.has(line))).toEqual([]);
  }
  await runner.stop();
  await store.close();
});
