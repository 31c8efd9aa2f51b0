// One test runner for everything: `unit` runs pure code in threads, `server` runs native modules and real processes
// one file at a time in forks, so that a crash or a busy core of one suite never colours another.
import { defineConfig } from 'vitest/config';

if (Number(process.versions.node.split('.')[0]) < 24)
  throw new Error('Luxchat needs Node 24 or newer: run `npm ci` first');

const real = [
  'src/server/**/*.test.ts',
  'src/luxid/**/*.test.ts',
  'src/cli/**/*.test.ts',
  'src/bots/**/*.test.ts',
  'src/client/node/**/*.test.ts',
];

export default defineConfig({
  test: {
    silent: 'passed-only',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{proto,actors,src,bench,scripts}/**/*.test.ts'],
          exclude: real,
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: real,
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
