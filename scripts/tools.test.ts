// The compiler, the formatter-linter and the contract's checks are tests like any other: one command says whether all is well.
import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const minutes = 60_000;

function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      `${root}node_modules/.bin/${command}`,
      args,
      { cwd: root, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
      },
    );
  });
}

describe('tools', () => {
  it.each([
    ['the whole tree compiles', 'tsc', ['-p', 'tsconfig.json']],
    ['actors compile without Node or DOM types', 'tsc', ['-p', 'actors/tsconfig.json']],
    ['the SDK compiles without Node types', 'tsc', ['-p', 'src/client/tsconfig.json']],
    ['what k6 runs compiles without Node or DOM types', 'tsc', ['-p', 'bench/k6/tsconfig.json']],
    ['formatting and lint hold', 'biome', ['ci', '--colors=off', '.']],
    ['the contract is well formed', 'buf', ['lint']],
    ['the contract breaks no released client', 'buf', ['breaking', '--against', 'proto/golden/contract-1.binpb']],
  ] as const)('%s', { timeout: 5 * minutes }, async (_what, command, args) => {
    expect(await run(command, args)).toMatchObject({ code: 0 });
  });
});
