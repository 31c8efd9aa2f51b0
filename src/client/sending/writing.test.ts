// What is written down to be sent, and what is refused since it never could be.
import { expect, it } from 'vitest';
import { ClientError } from '../errors.ts';
import { nodePrimitives as primitives } from '../node/node-primitives.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { ScriptedSession } from '../testing/scripted-session.ts';

// It waited on a logged-out device for ever, and nobody was told.
it('is refused once it is known that the device was logged out, and nothing of it is kept', async () => {
  const hub = new DirectHub();
  hub.person('@bob:localhost');
  // Outlives the client: the next one goes on with it.
  const store = Object.assign(new MemoryStore(), { close: async () => {} });
  const before = await hub.session(store);
  const room = await before.client.startDirect('@bob:localhost');
  await before.client.send(room, 'Moien');
  await before.client.close();

  const over = new ClientError('LOGIN_NEEDED', 'This device was logged out.');
  const { client } = new ScriptedSession(() => undefined, {
    store,
    primitives,
    accessToken: () => Promise.reject(over),
  });
  await client.start();
  await expect(client.synced()).rejects.toBe(over);
  const kept = await store.list('outbox', { from: '', to: '~' });
  const [line] = (await client.timeline(room)).filter(({ sending }) => sending === 'waiting');
  expect(line).toBeDefined();
  for (const write of [
    () => client.send(room, 'Äddi'),
    () => client.react(room, '1.1.1', '👍'),
    () => client.deleteForAll(room, '1.1.1'),
    () => client.pin(room, []),
  ])
    await expect(write()).rejects.toBe(over);
  expect(await store.list('outbox', { from: '', to: '~' })).toEqual(kept);
  await client.close();
});
