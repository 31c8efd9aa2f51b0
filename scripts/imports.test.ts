// The direction of imports holds in every file, and the check itself notices a wrong one.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenImports, sourceFiles } from './imports.ts';

const root = new URL('..', import.meta.url).pathname;

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
