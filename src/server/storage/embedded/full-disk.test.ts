// A disk that takes no more, played by the system's limit on the size of a file: what was promised stays, nothing more is, and it is said once why.
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testFolder } from './fixture.ts';
import { EmbeddedStore } from './store.ts';

let folder: string;
let remove: () => Promise<void>;
beforeEach(() => {
  ({ folder, remove } = testFolder());
});
afterEach(() => remove());

const row = `(seq) => ({ seq, bytes: new Uint8Array(20_000), writeMicros: 1, expiresMs: ${Date.UTC(2040, 0, 1)} })`;
const write = `(seq) => store.writeRows([{ log: 'l', segment: 1, rows: [row(seq)], replace: false, dueMs: null }])`;

/** Runs a program with a `store` of which no file may become larger than 300 KiB; what it prints. */
function onFullDisk(program: string): string[] {
  const begin = `
    import { EmbeddedStore } from '${new URL('store.ts', import.meta.url).href}';
    const failed = (failure, cause) => console.log('told', failure.code, cause);
    const store = await EmbeddedStore.open({ folder: ${JSON.stringify(folder)}, now: Date.now, failed });
    const row = ${row};
    const write = ${write};
    const codeOf = (asked) => asked.then(() => 'done', ({ code }) => code);`;
  const limited = ['-c', 'ulimit -f 600; exec "$0" --input-type=module -e "$1"', process.execPath, begin + program];
  const { stdout, status } = spawnSync('sh', limited, {
    encoding: 'utf8',
    // lmdb says on stderr what it met.
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: new URL('../../../..', import.meta.url).pathname,
  });
  expect(status).toBe(0);
  return stdout.trim().split('\n');
}

it('fails everything after a write that did not reach the disk, tells once why, and keeps what was promised', async () => {
  const lines = onFullDisk(`
    let kept = 0;
    while ((await codeOf(write(kept + 1))) === 'done') kept++;
    console.log('kept', kept, store.hasFailed);
    const more = [write(99), store.readFence({ node: 'n', gen: 1 }), store.readMeta('l')];
    console.log(...(await Promise.all(more.map(codeOf))));
    await store.close();`);
  const kept = Number(/kept (\d+) true/.exec(lines.join(' '))?.[1]);
  expect(lines.filter((line) => line.startsWith('told'))).toEqual([
    expect.stringMatching(/^told WRITE_FAILED (EIO|EFBIG|ENOSPC)$/),
  ]);
  expect(lines.at(-1)).toBe('WRITE_FAILED WRITE_FAILED WRITE_FAILED');
  expect(kept).toBeGreaterThan(5);
  const store = await EmbeddedStore.open({ folder, now: () => Date.UTC(2026, 0, 1) });
  const all = { from: 1, through: 1_000, limit: 1_000, bytesMax: 100_000_000, backwards: false };
  expect((await store.readRows('l', 1, all)).slice(0, kept)).toHaveLength(kept);
  await store.close();
});

it('hears every failed write, so that none ends the process unheard', () => {
  const lines = onFullDisk(`
    const wide = (seq) => ({ ...row(seq), expiresMs: row(seq).expiresMs + (seq % 3) * 7 * 24 * 3_600_000 });
    const batch = (from) => Array.from({ length: 40 }, (_, n) => wide(from + n));
    const rows = Array.from({ length: 20 }, (_, n) => batch(n * 40 + 1));
    const asked = rows.map((each, n) =>
      codeOf(store.writeRows([{ log: 'l' + n, segment: n, rows: each, replace: n % 2 === 1, dueMs: n }])),
    );
    const codes = new Set(await Promise.all(asked));
    await codeOf(store.close());
    console.log(codes.has('WRITE_FAILED'), codes.size);`);
  expect(lines.filter((line) => line.startsWith('told'))).toHaveLength(1);
  expect(lines.at(-1)).toMatch(/^true [12]$/);
});
