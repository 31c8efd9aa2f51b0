import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { botSecretFile, keepBotSecret, secret } from './secrets.ts';

const make = { mayMake: true, isShared: false };
const folder = () => join(mkdtempSync(join(tmpdir(), 'data-')), 'secrets');

describe('secrets', () => {
  it('are made once, differ by name, and belong to the owner alone', () => {
    const data = folder();
    const first = secret(data, 'subject', make);
    expect(first).toHaveLength(32);
    expect(secret(data, 'subject', make)).toEqual(first);
    expect(secret(data, 'cluster', make)).not.toEqual(first);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(statSync(join(data, 'subject')).mode & 0o777).toBe(0o600);
  });

  it('of bots are kept in files of their own, for the owner alone, and mended', () => {
    const data = folder();
    secret(data, 'subject', make);
    const file = botSecretFile(data, 'info');
    const kept = () => [readFileSync(file, 'utf8'), statSync(file).mode & 0o777];
    keepBotSecret(data, 'info', 'lxb_x');
    expect(kept()).toEqual(['lxb_x', 0o600]);
    chmodSync(file, 0o644);
    keepBotSecret(data, 'info', 'lxb_x');
    expect(kept()).toEqual(['lxb_x', 0o600]);
    writeFileSync(file, 'torn');
    keepBotSecret(data, 'info', 'lxb_x');
    expect(kept()).toEqual(['lxb_x', 0o600]);
  });

  it('are not made anew where they must be there already', () => {
    const data = folder();
    expect(() => secret(data, 'subject', { mayMake: false, isShared: false })).toThrow(`${data}/subject is missing`);
    expect(existsSync(join(data, 'subject'))).toBe(false);
    const made = secret(data, 'subject', make);
    expect(secret(data, 'subject', { mayMake: false, isShared: false })).toEqual(made);
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

  // A damaged `cluster` was said to cost everybody's login, and a second node without secrets was sent to a backup that it never had.
  it('say what each of them is for, and where another node has it', () => {
    const sentence = (name: 'subject' | 'cluster', isShared: boolean, torn: boolean) => {
      const data = folder();
      if (torn) secret(data, name, make);
      if (torn) writeFileSync(join(data, name), 'torn');
      try {
        secret(data, name, { mayMake: false, isShared });
      } catch (error) {
        return (error as Error).message.replace(join(data, name), 'FILE');
      }
      return '';
    };
    const asNew = 'With another one everybody would come in as someone new.';
    const copy = 'copy the folder of the secrets from another node; where none has it, restore it from your backup';
    expect(sentence('subject', false, true)).toBe(`The secret FILE is damaged: restore it from your backup. ${asNew}`);
    expect(sentence('subject', false, false)).toBe(
      `The secret FILE is missing, and people have logged in under it: restore it from your backup. ${asNew}`,
    );
    expect(sentence('subject', true, false)).toBe(
      `The secret FILE is missing, and other nodes have it: ${copy}. ${asNew}`,
    );
    expect(sentence('cluster', true, true)).toBe(
      'The secret FILE is damaged: copy it from another node; where there is none, remove it, and a new one is made. With another one the nodes do not accept each other; no person depends on it.',
    );
  });
});
