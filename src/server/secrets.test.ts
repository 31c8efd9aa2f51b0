import { chmodSync, existsSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { secret } from './secrets.ts';

const make = { mayMake: true };
const folder = () => join(mkdtempSync(join(tmpdir(), 'data-')), 'secrets');

describe('secrets', () => {
  it('are made once, differ by name, and belong to the owner alone', () => {
    const data = folder();
    const first = secret(data, 'subject', make);
    expect(first).toHaveLength(32);
    expect(secret(data, 'subject', make)).toEqual(first);
    expect(secret(data, 'other', make)).not.toEqual(first);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(statSync(join(data, 'subject')).mode & 0o777).toBe(0o600);
  });

  it('are not made anew where they must be there already', () => {
    const data = folder();
    expect(() => secret(data, 'subject', { mayMake: false })).toThrow(`${data}/subject is missing`);
    expect(existsSync(join(data, 'subject'))).toBe(false);
    const made = secret(data, 'subject', make);
    expect(secret(data, 'subject', { mayMake: false })).toEqual(made);
  });

  it('are refused when others can read them or they are damaged', () => {
    const data = folder();
    secret(data, 'subject', make);
    chmodSync(join(data, 'subject'), 0o644);
    expect(() => secret(data, 'subject', make)).toThrow('chmod 600');
    chmodSync(join(data, 'subject'), 0o600);
    writeFileSync(join(data, 'subject'), 'torn');
    expect(() => secret(data, 'subject', make)).toThrow('damaged');
  });
});
