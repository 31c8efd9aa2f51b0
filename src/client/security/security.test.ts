// What an app is told of a backup that takes no more: a state that lasts, and nothing that it waits for in vain.
import { expect, it } from 'vitest';
import { BackupWorld, bytes } from '../testing/backup-world.ts';
import { heldRow } from './backup-rows.ts';
import { Security, type SecurityPorts } from './security.ts';

/** One device whose backup has room for two sessions. */
async function device(sessions: number) {
  const world = new BackupWorld();
  Object.assign(world, { fillsAt: 2, sessions });
  world.named = { version: 1, hash: bytes(1), listingKey: bytes(2) };
  await world.store.write([heldRow({ version: 1, backupKey: bytes(1) })]);
  const ports = { parts: () => world.parts(), rooms: () => ({ all: () => [], get: () => undefined }) };
  const security = new Security({ ...ports, inStep: () => true } as unknown as SecurityPorts);
  await security.follow();
  return { world, security };
}

it('is protected, and full only with a session more than the backup takes', async () => {
  const { security } = await device(2);
  await security.flushed(0);
  expect(security.state()).toEqual({ state: 'protected', backup: true, waiting: 0 });
  const { security: above } = await device(3);
  // It went on by itself for ever, and an app waited for that.
  await above.flushed(0);
  expect(above.state()).toEqual({ state: 'protected', backup: true, waiting: 1, full: true });
});
