// The contract as a whole: the generated code is what the .proto files say, they keep buf's rules, and nothing that was released is broken.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const bin = join(root, 'node_modules/.bin');
const buf = (...parameters: string[]) =>
  execFileSync(join(bin, 'buf'), parameters, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  });

describe('the contract', () => {
  it('passes buf lint', () => {
    expect(buf('lint')).toBe('');
  });

  it('breaks nothing that was released', () => {
    expect(buf('breaking', '--against', 'proto/golden/contract.binpb')).toBe('');
  });

  it('is what the generated code was made from (else: npm run gen)', () => {
    const fresh = mkdtempSync(join(tmpdir(), 'luxchat-gen-'));
    try {
      buf('generate', '--output', fresh);
      const made = join(fresh, 'proto/gen');
      const kept = join(root, 'proto/gen');
      expect(readdirSync(kept).sort()).toEqual(readdirSync(made).sort());
      for (const name of readdirSync(made)) {
        const same = readFileSync(join(kept, name), 'utf8') === readFileSync(join(made, name), 'utf8');
        expect([name, same]).toEqual([name, true]);
      }
    } finally {
      rmSync(fresh, { recursive: true });
    }
  });
});
