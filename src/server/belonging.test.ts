import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { belong } from './belonging.ts';
import { EmbeddedStore } from './storage/embedded/store.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'belonging-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

/** One start of a provider on the folder; `login`: somebody comes in. */
async function start(provider: string, login = false): Promise<string> {
  const store = await EmbeddedStore.open({ folder: data, now: Date.now });
  try {
    const secret = await belong(store, { data, secrets: '', provider, store: 'embedded' });
    if (login) await store.accounts().claimSubject('hash', '@a:lux.example');
    return Buffer.from(secret).toString('hex');
  } finally {
    await store.close();
  }
}

const file = () => join(data, 'secrets', 'subject');

describe('a data folder', () => {
  it('belongs to the provider that made it, for ever', async () => {
    const secret = await start('lux.example');
    expect(await start('lux.example')).toBe(secret);
    await expect(start('other.lu')).rejects.toThrow('belongs to the provider lux.example, not other.lu');
  });

  // Data restored without its secrets made everyone a new person, without a word.
  it('is refused without its secret once somebody has logged in', async () => {
    await start('lux.example');
    rmSync(file());
    const secret = await start('lux.example', true);
    cpSync(file(), `${file()}.backup`);
    rmSync(file());
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(start('lux.example')).rejects.toMatchObject({
        code: 'CONFIG',
        message: expect.stringContaining('restore it'),
      });
    }
    cpSync(`${file()}.backup`, file());
    expect(await start('lux.example')).toBe(secret);
  });

  it('is refused with the secret of another backup', async () => {
    const secret = await start('lux.example', true);
    writeFileSync(file(), 'ab'.repeat(32), { mode: 0o600 });
    await expect(start('lux.example')).rejects.toThrow('not the one that this data was made with');
    writeFileSync(file(), secret);
    expect(await start('lux.example')).toBe(secret);
  });

  it('has nodes that bring the same secret where they share a store: whoever has none is told to copy it', async () => {
    const store = await EmbeddedStore.open({ folder: data, now: Date.now });
    const node = (secrets: string) =>
      belong(store, { data, secrets: join(data, secrets), provider: 'lux.example', store: 'cassandra' });
    try {
      await node('first');
      await expect(node('second')).rejects.toThrow('from another node');
      mkdirSync(join(data, 'third'));
      writeFileSync(join(data, 'third', 'subject'), 'ab'.repeat(32), { mode: 0o600 });
      await expect(node('third')).rejects.toThrow('from another node');
    } finally {
      await store.close();
    }
  });
});
