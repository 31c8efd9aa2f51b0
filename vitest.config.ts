// One test runner for everything: `unit` runs pure code in threads, `server` runs native modules and real processes
// in forks, so that a crash of one suite never colours another: two at a time, since most of what they do is wait. `cassandra` does the same, one at a
// time, with the services that a cluster needs, which fill the machine; a suite that asks for one is the one that starts it, and one that can't have it fails (deploy/dev/README.md).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

if (Number(process.versions.node.split('.')[0]) < 24)
  throw new Error('Luxchat needs Node 24 or newer: run `npm ci` first');

// Some hundred programs are started, most of them the same few.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache');

// What suites leave behind goes with the run.
const folder = mkdtempSync(join(tmpdir(), 'luxchat-tests-'));
process.env.TMPDIR = folder;
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const real = [
  'src/server/**/*.test.ts',
  'src/luxid/**/*.test.ts',
  'src/cli/**/*.test.ts',
  'src/bots/**/*.test.ts',
  'src/client/node/**/*.test.ts',
];
const services = ['{src,bench,deploy}/**/*.cassandra.test.ts', 'deploy/dev/redis/*.test.ts'];

export default defineConfig({
  test: {
    silent: 'passed-only',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{proto,actors,src,bench,scripts,deploy}/**/*.test.ts'],
          exclude: [...real, ...services],
          // The default leaves a core to the runner, which needs none.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: real,
          exclude: services,
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'cassandra',
          include: services,
          globalSetup: 'deploy/dev/testing/global-setup.ts',
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 120_000,
          // The first that asks may have to wait for a fetch and a start.
          hookTimeout: 420_000,
        },
      },
    ],
  },
});
