// A process that ended in the middle of a transaction hung for ever, and kept the folder: half of all times under load.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { testFolder } from './fixture.ts';
import { EmbeddedStore } from './store.ts';

const endings = ['process.exit(1)', "throw new Error('a bug')"];

it.each(endings)(
  'a process can end by %s while transactions are under way, and keeps what it promised',
  async (end) => {
    const { folder, remove } = testFolder();
    const program = `
    import { EmbeddedStore } from '${new URL('store.ts', import.meta.url).href}';
    const store = await EmbeddedStore.open({ folder: ${JSON.stringify(folder)}, now: Date.now });
    let made = 0;
    const loop = async () => { for (;;) made = Math.max(made, (await store.createGeneration('n')).gen); };
    for (let n = 0; n < 4; n++) loop().catch(() => {});
    process.prependListener('exit', () => console.log(made));
    const endSoon = () => { if (made > 20) { ${end}; } setImmediate(endSoon); };
    endSoon();`;
    for (let round = 0; round < 4; round++) {
      const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 30_000,
        cwd: new URL('../../../..', import.meta.url).pathname,
      });
      expect(ended.error).toBeUndefined();
      expect(ended.status).not.toBe(0);
      expect(Number(ended.stdout)).toBeGreaterThan(20);
      const store = await EmbeddedStore.open({ folder, now: Date.now });
      expect((await store.createGeneration('n')).gen).toBeGreaterThan(Number(ended.stdout));
      await store.close();
    }
    await remove();
  },
);
