// How a client ends.
import { expect, it, vi } from 'vitest';
import { MemoryStore } from './store/memory-store.ts';
import { idleEngine, ScriptedSession } from './testing/scripted-session.ts';

it('gives its store back, also where the engine can not be closed', async () => {
  const broken = new Error('the engine is broken');
  const close = async () => {
    throw broken;
  };
  const store = new MemoryStore();
  const { client } = new ScriptedSession(() => undefined, { store, engine: idleEngine({ close }) });
  await client.start();
  const given = vi.spyOn(store, 'close');
  await expect(client.close()).rejects.toBe(broken);
  expect(given).toHaveBeenCalledTimes(1);
});
