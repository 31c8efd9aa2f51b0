// Login's rows on the embedded store: a real process that is killed while it writes.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { EmbeddedStore } from './store.ts';

describe('the account store on the embedded store', () => {
  it('has everything that was promised after kill -9, again and again over the same files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
    const promised: string[] = [];
    for (let round = 0; round < 5; round++) {
      promised.push(...(await writeUntilKilled(folder, round, 20 + 17 * round)));
      const store = await EmbeddedStore.open({ folder, now: Date.now });
      for (const key of promised) expect(await store.accounts().reserveUserId(key)).toBe(false);
      await store.close();
    }
    expect(promised.length).toBeGreaterThan(200);
    rmSync(folder, { recursive: true });
  });
});

/** A process that reserves ids and says so once it was promised; killed when it has said `count`. */
async function writeUntilKilled(folder: string, round: number, count: number): Promise<string[]> {
  const program = `
    import { EmbeddedStore } from '${new URL('store.ts', import.meta.url).href}';
    const store = (await EmbeddedStore.open({ folder: ${JSON.stringify(folder)}, now: Date.now })).accounts();
    for (let n = 0; ; n += 4)
      await Promise.all([0, 1, 2, 3].map(async (k) => {
        const key = '@k${round}-' + (n + k);
        await store.reserveUserId(key);
        process.stdout.write(key + '\\n');
      }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: new URL('../../../..', import.meta.url).pathname,
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line);
    if (said.length === count) child.kill('SIGKILL');
  });
  await new Promise((ended) => child.once('close', ended));
  return said;
}
