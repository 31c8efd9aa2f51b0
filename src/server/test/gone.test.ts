// People who went, and what they had written before: those who come back later read it, and nobody is accused for it. Through the SDK and a real provider.
import { afterAll, beforeAll, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { confirm, eventually, ProviderProcess } from './harness.ts';
import { expectSound, reads } from './shown.ts';

const open: LuxchatClient[] = [];
let provider: ProviderProcess;

beforeAll(async () => {
  provider = await ProviderProcess.start();
});
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await provider?.remove();
});

async function device(folder: string): Promise<LuxchatClient> {
  const client = await openDevice(folder, {});
  open.push(client);
  await client.start();
  await client.synced();
  return client;
}

it('what somebody wrote with a new device before they were removed is read by who was away, and holds up nobody', async () => {
  const [annFolder, bobFolder, cidFolder] = [
    await provider.login('ann'),
    await provider.login('bob'),
    await provider.login('cid'),
  ];
  const [ann, bob, cid] = [await device(annFolder), await device(bobFolder), await device(cidFolder)];
  const room = await ann.createGroup({ name: 'hiking', invite: [bob.user, cid.user] });
  for (const guest of [bob, cid]) {
    await eventually('invited', () => guest.rooms().some((one) => one.room === room), 30_000, [guest]);
    await guest.accept(room);
  }
  await bob.send(room, 'before');
  await reads(cid, room, 'before', 30_000);
  await cid.close();
  const tablet = await device(await provider.login('bob'));
  await confirm(tablet, bob);
  await tablet.send(room, 'from the tablet');
  await tablet.flushed();
  await reads(ann, room, 'from the tablet', 30_000);
  await ann.remove(room, bob.user);
  const back = await device(cidFolder);
  await reads(back, room, 'from the tablet', 30_000);
  await back.send(room, 'back');
  await back.flushed();
  expectSound(back);
});
