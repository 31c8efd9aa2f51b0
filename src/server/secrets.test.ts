import { chmodSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { secret } from './secrets.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'secrets-'));

describe('secrets', () => {
  it('are made once, differ by name, and belong to the owner alone', () => {
    const data = folder();
    const first = secret(data, 'subject');
    expect(first).toHaveLength(32);
    expect(secret(data, 'subject')).toEqual(first);
    expect(secret(data, 'other')).not.toEqual(first);
    expect(statSync(join(data, 'secrets')).mode & 0o777).toBe(0o700);
    expect(statSync(join(data, 'secrets', 'subject')).mode & 0o777).toBe(0o600);
  });

  it('are refused when others can read them or they are damaged', () => {
    const data = folder();
    secret(data, 'subject');
    chmodSync(join(data, 'secrets', 'subject'), 0o644);
    expect(() => secret(data, 'subject')).toThrow('chmod 600');
    chmodSync(join(data, 'secrets', 'subject'), 0o600);
    writeFileSync(join(data, 'secrets', 'subject'), 'torn');
    expect(() => secret(data, 'subject')).toThrow('damaged');
  });
});
