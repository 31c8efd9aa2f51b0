// What people wait for when a device is new, with the whole SDK on the disk, a real provider and the stand-in LuxID on the same machine: from the first login to a list of
// rooms that can be used; the secure set-up (step-up, backup password, backup); a new device of somebody whose backup holds many sessions, opened with the password, until the
// first history can be read and until all of it is here.
// Run: node bench/micro/new-device.ts [--sessions 10000] [--rooms 10] [--rounds 3] [--write]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DeviceOptions } from '#client/devices/account.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, openDevice } from '#client/node/device-folder.ts';
import { standInStepUp } from '#client/node/stand-in-walk.ts';
import { BenchServer } from '../lib/server.ts';
import { cpuMicros, median, writeResult } from './lib/figures.ts';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000' },
    rooms: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
  },
});
const [sessions, roomCount, rounds] = [values.sessions, values.rooms, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const perRoom = Math.ceil(sessions / roomCount);
const password = 'abacus harvest purple monkey window zebra';
/** A session for each message: what a person's backup holds after years, in as few messages as can be. */
const rotation = { messages: 1, ageMs: 30 * 86_400_000 };

const folder = mkdtempSync(join(tmpdir(), 'luxchat-new-device-'));
const server = await BenchServer.start();
const taken: Record<string, { ms: number[]; cpuMs: number[] }> = {};
let devices = 0;

/** Notes how long it took, and what this process, which is the device, had to do for it. */
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const [began, cpu] = [performance.now(), cpuMicros()];
  const result = await work();
  taken[what] ??= { ms: [], cpuMs: [] };
  taken[what].ms.push(performance.now() - began);
  taken[what].cpuMs.push((cpuMicros() - cpu) / 1_000);
  return result;
}

/** A new device, until its list of rooms is the server's. */
async function arrives(user: string, options: DeviceOptions = {}): Promise<LuxchatClient> {
  const place = join(folder, `${user}-${devices++}`);
  await createDevice(place, server.url, await server.device(user));
  const client = await openDevice(place, options);
  await client.start();
  await client.synced();
  return client;
}

async function secured(client: LuxchatClient, user: string): Promise<void> {
  const grant = await standInStepUp(client, { ...server.person(user), purpose: 'backup' });
  await client.security.setUp(grant, password);
  await client.security.flushed();
}

/** Looks after each event that may have brought it. */
async function until(client: LuxchatClient, test: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await test())) {
    await new Promise<void>((resolve) => {
      const stops = (['item', 'room', 'invitation', 'devices', 'security'] as const).map((name) =>
        client.on(name, () => {
          for (const stop of stops) stop();
          resolve();
        }),
      );
    });
  }
}

async function newest(client: LuxchatClient, room: string): Promise<boolean> {
  const lines = await client.timeline(room, { limit: 50 });
  return lines.filter(({ content }) => content?.body?.$case === 'text').length >= Math.min(50, perRoom);
}

for (let n = 0; n < rounds; n++) {
  const client = await timed('first login to usable list', () => arrives(`new${n}`));
  await timed('secure set-up', () => secured(client, `new${n}`));
  await client.close();
}

const writer = await arrives('writer', { rotation });
const reader = await arrives('reader');
await secured(reader, 'reader');
const rooms: string[] = [];
for (let n = 0; n < roomCount; n++) {
  const room = await writer.createGroup({ name: `room ${n}`, invite: [reader.user] });
  await until(reader, () => reader.rooms().some((one) => one.room === room));
  await reader.accept(room);
  rooms.push(room);
}
for (const room of rooms) {
  for (let n = 0; n < perRoom; n += 100) {
    for (let more = n; more < Math.min(perRoom, n + 100); more++) await writer.send(room, `line ${more}`);
    await writer.flushed(300_000);
  }
  const { headSeq } = writer.room(room);
  await until(reader, () => reader.room(room).headSeq >= headSeq);
  console.error(`${rooms.indexOf(room) + 1} of ${roomCount} rooms are written`);
}
await reader.security.flushed(600_000);

for (let n = 0; n < rounds; n++) {
  const client = await timed('new device, login to list', () => arrives('reader'));
  const grant = await standInStepUp(client, { ...server.person('reader'), purpose: 'backup' });
  const last = rooms.at(-1) as string;
  await timed('password to all sessions', async () => {
    await timed('password to first readable history', async () => {
      await timed('the password itself', () => client.security.unlock(grant, password));
      await until(client, () => newest(client, last));
    });
    await until(client, () => client.security.state().restore === undefined);
  });
  console.error(client.counters()['restore.sessions'], 'sessions came');
  await client.logout();
}

const figures = Object.entries(taken).map(([what, { ms, cpuMs }]) => ({
  what,
  ms: Math.round(median(ms)),
  'longest ms': Math.round(Math.max(...ms)),
  'device CPU ms': Math.round(median(cpuMs)),
}));
console.table(figures);
if (values.write) writeResult('micro-new-device', { sessions, rooms: roomCount, rounds }, figures);
await writer.close();
await reader.close();
await server.stop();
rmSync(folder, { recursive: true, force: true });
