// The direction of imports holds in every file, and the check itself notices a wrong one.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenImports, circles, sourceFiles } from './imports.ts';

const root = new URL('..', import.meta.url).pathname;

/** What a rule decides by is passed in, so that a seed replays it: no file of these may ask a clock or a die. */
it.each(['actors', 'proto/rules'])('%s has no time and no chance of its own', (folder) => {
  const asking = sourceFiles(root, [folder]).filter((file) => {
    if (file.endsWith('.test.ts') || file === 'actors/sim/run.ts') return false;
    const code = readFileSync(join(root, file), 'utf8').replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
    return /\bMath\.random\b|\bDate\.now\b|\bperformance\.now\b|\bnew Date\(\)/.test(code);
  });
  expect(asking).toEqual([]);
});

describe('direction of imports', () => {
  it('holds in every source file', () => {
    const files = sourceFiles(root, ['proto', 'actors', 'src', 'bench', 'scripts', 'deploy']);
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap((file) => brokenImports(root, file))).toEqual([]);
  });

  it.each([
    ['actors/room/a.ts', "import { x } from '../user/b.ts';", 'may import only'],
    ['actors/room/a.ts', "import { readFileSync } from 'node:fs';", 'node modules'],
    ['actors/room/a.ts', "import pino from 'pino';", 'package'],
    ['src/client/a.ts', "import { x } from '#actors/kernel/actor.ts';", 'may import only'],
    ['src/client/browser/a.ts', "import { join } from 'node:path';", 'node modules'],
    ['src/client/browser/a.ts', "import { x } from '#server/b.ts';", 'may import only'],
    ['src/server/transport/a.ts', "import { x } from '../storage/b.ts';", 'may import only'],
    ['src/server/cluster/a.ts', "import { x } from '../storage/b.ts';", 'may import only'],
    ['src/server/telemetry/a.ts', "import { x } from '../auth/b.ts';", 'may import only'],
    ['src/server/a.ts', "import { x } from '#client/b.ts';", 'may import only'],
    ['deploy/dev/a.ts', "import { Client } from 'cassandra-driver';", 'package'],
    ['deploy/dev/a.ts', "import { x } from '#server/b.ts';", 'may import only'],
    ['proto/rules/a.ts', "export { x } from '#actors/kernel/actor.ts';", 'may import only'],
  ])('refuses %s: %s', (file, text, why) => {
    const folder = mkdtempSync(join(tmpdir(), 'imports-'));
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text);
    expect(brokenImports(folder, file).join()).toContain(why);
  });
});

describe('circles of imports', () => {
  it('are nowhere in the tree', () => {
    expect(circles(root, sourceFiles(root, ['proto', 'actors', 'src', 'bench', 'deploy']))).toEqual([]);
  });

  it('are found where three files import one another, be it types alone; two may', () => {
    const folder = mkdtempSync(join(tmpdir(), 'circles-'));
    const files = { 'a.ts': 'b', 'b.ts': 'c', 'c.ts': 'a', 'd.ts': 'e', 'e.ts': 'd', 'f.ts': 'a' };
    for (const [file, other] of Object.entries(files))
      writeFileSync(join(folder, file), `import type { x } from './${other}.ts';`);
    expect(circles(folder, Object.keys(files))).toEqual([['a.ts', 'b.ts', 'c.ts']]);
  });
});
