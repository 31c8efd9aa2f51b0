// The promise of the whole: whatever is killed at whatever moment, every device ends with the same log, in order, each message once, all decrypted.
// Real processes: one provider on its folder, seven devices of five people. Chance comes from a seed, which a failure names: TALK_SEED=<seed> plays
// another one (the processes' timing is their own), and TALK_ROUNDS=<n> so many, from one on that is drawn.
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { openDevice } from '#client/node/device-folder.ts';
import { DeviceProcess, Killed } from './device-process.ts';
import { confirm, eventually, generator, ProviderProcess, seed } from './harness.ts';

/** At least so many are written, and more until at least so many processes were killed. */
const messages = 1_000;
const kills = { server: 1, devices: 3 };
const people = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;

describe('talking while processes die', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const rounds = Number(process.env.TALK_ROUNDS ?? 1);
  const drawn = randomInt(1_000_000_000);
  for (let round = 0; round < rounds; round++) {
    const played = (rounds > 1 && process.env.TALK_SEED === undefined ? drawn : seed) + round;
    it(`ends with the same ${messages} messages or more on every device (seed ${played})`, {
      timeout: 240_000,
    }, async () => {
      const random = generator(played);
      const provider = await ProviderProcess.start();
      ends.push(() => provider.remove());
      const stage = await setUp(provider);
      const { devices, direct, group } = stage;
      for (const device of devices) ends.push(() => drop(device));
      await Promise.all(devices.map((device) => device.start()));

      const sent: Sent = { [direct]: new Set(), [group]: new Set() };
      const killing = new Killing(provider, devices, random);
      const goingOn = () => !killing.enough();
      await Promise.all(devices.map((device) => talk(device, { sent, quota: share(device, devices, stage), goingOn })));
      await killing.stop();

      for (const device of devices) await device.call('flushed', 60_000);
      for (const room of [direct, group]) await compareLogs(stage.inRoom(room), room, sent[room] as Set<string>);
      expect(devices.flatMap(({ faults }) => faults)).toEqual([]);
      expect([...(sent[direct] ?? []), ...(sent[group] ?? [])].length).toBeGreaterThanOrEqual(messages);
    });
  }
});

type Sent = Record<string, Set<string>>;

interface Stage {
  readonly devices: readonly DeviceProcess[];
  readonly direct: string;
  readonly group: string;
  readonly inRoom: (room: string) => readonly DeviceProcess[];
}

/** Logs everyone in, confirms second devices by emoji, makes both rooms; then hands the folders to processes. */
async function setUp(provider: ProviderProcess): Promise<Stage> {
  const folders = new Map<string, string>();
  const open = async (name: string, user: string) => {
    const folder = await provider.login(user, name);
    folders.set(name, folder);
    const client = await openDevice(folder, { backoffMaxMs: 300 });
    await client.start();
    await client.synced();
    return client;
  };
  const first = [];
  for (const user of people) first.push(await open(`${user}1`, user));
  const [alice, bob] = first as [(typeof first)[0], (typeof first)[0]];
  const second = [await open('alice2', 'alice'), await open('bob2', 'bob')] as const;
  await confirm(second[0], alice);
  await confirm(second[1], bob);

  const all = [...first, ...second];
  const direct = await alice.startDirect(bob.user);
  await eventually('bob is invited', () => bob.rooms().some(({ room }) => room === direct), 20_000, [bob]);
  await bob.accept(direct);
  const others = first.slice(1).map(({ user }) => user);
  const group = await alice.createGroup({ name: 'five', invite: others });
  for (const client of first.slice(1)) {
    await eventually('invited to the group', () => client.rooms().some(({ room }) => room === group), 20_000, [client]);
    await client.accept(group);
  }
  await eventually(
    'all are in',
    () => all.every((client) => client.rooms().some(({ room, members }) => room === group && members.length === 4)),
    20_000,
    all,
  );
  for (const client of all) await client.close();
  const devices = [...folders].map(([name, folder]) => new DeviceProcess(name, folder));
  const pair = devices.filter(({ name }) => /^(alice|bob)/.test(name));
  return { devices, direct, group, inRoom: (room) => (room === direct ? pair : devices) };
}

/** How many messages this device writes into which room. */
function share(device: DeviceProcess, devices: readonly DeviceProcess[], { direct, group, inRoom }: Stage) {
  const quota: [string, number][] = [[group, Math.ceil(messages / 2 / devices.length)]];
  if (inRoom(direct).includes(device)) quota.push([direct, Math.ceil(messages / 2 / inRoom(direct).length)]);
  return quota;
}

interface Talk {
  readonly sent: Sent;
  readonly quota: readonly [string, number][];
  /** More is to be written than the quota. */
  readonly goingOn: () => boolean;
}

/** Writes until each message was promised: one whose promise was cut off by a kill is written anew, under another text. */
async function talk(device: DeviceProcess, { sent, quota, goingOn }: Talk): Promise<void> {
  for (const [room, count] of quota) {
    let promised = 0;
    const last = room === quota.at(-1)?.[0];
    for (let n = 1; promised < count || (last && goingOn()); n++) {
      const text = `${device.name} ${String(n).padStart(5, '0')}`;
      try {
        await device.call('send', room, text);
        sent[room]?.add(text);
        promised++;
        // Not faster than a person's thumbs can hold down a key, and idly where nothing but the next kill is waited for.
        await new Promise((resolve) => setTimeout(resolve, promised < count ? 25 : 250));
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        await eventually(`${device.name} runs again`, () => device.running);
      }
    }
  }
}

/** Every now and then the server or a device dies and comes back. */
class Killing {
  readonly #killed = { server: 0, devices: 0 };
  #going = true;
  #failure: unknown;
  #loop: Promise<void>;

  constructor(provider: ProviderProcess, devices: readonly DeviceProcess[], random: () => number) {
    this.#loop = (async () => {
      while (this.#going) {
        await new Promise((resolve) => setTimeout(resolve, 200 + random() * 1_000));
        if (!this.#going) return;
        const what = random();
        if (what < 0.3) {
          await provider.kill();
          await provider.restart();
          this.#killed.server += 1;
        } else {
          const device = devices[Math.floor(random() * devices.length)] as DeviceProcess;
          if (what < 0.5) await device.call('cut').catch(() => {});
          else {
            await device.kill();
            await device.start();
            this.#killed.devices += 1;
          }
        }
      }
    })();
    this.#loop.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Died and came back often enough to have shown something. Throws what kept one from coming back. */
  enough(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#killed.server >= kills.server && this.#killed.devices >= kills.devices;
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }
}

async function compareLogs(devices: readonly DeviceProcess[], room: string, sent: ReadonlySet<string>): Promise<void> {
  const heads = async () => Promise.all(devices.map(async (device) => (await device.call('room', room)).headSeq));
  await eventually('all have the same head', async () => new Set(await heads()).size === 1, 30_000);
  const logs = new Map<string, Awaited<ReturnType<typeof logOf>>>();
  const logOf = (device: DeviceProcess) => device.call('log', room, 5_000);
  await eventually(
    'everything is here and decrypted',
    async () => {
      for (const device of devices) logs.set(device.name, await logOf(device));
      const all = [...logs.values()];
      const good = all.every((log) => log.every(({ kind, seq }) => kind === 'message' && seq > 0));
      return good && new Set(all.map((log) => log.length)).size === 1;
    },
    30_000,
  ).catch(async (error) => {
    const bad = [...logs].flatMap(([name, log]) =>
      log.filter(({ kind, seq }) => kind !== 'message' || seq === 0).map((line) => ({ name, ...line })),
    );
    const counters = await Promise.all(
      devices.map(async (device) => [device.name, await device.call('counters')] as const),
    );
    const lengths = [...logs].map(([name, log]) => `${name} ${log.length} to ${log.at(-1)?.seq}`);
    const told = [lengths, bad.slice(0, 20), counters].map((each) => JSON.stringify(each)).join('\n');
    throw new Error(`${error.message}\n${told}`);
  });
  const [[, one] = ['', []], ...rest] = [...logs];
  for (const [name, log] of rest) expect(log.map(line), name).toEqual(one.map(line));
  const texts = one.map(({ text }) => text);
  expect(new Set(texts).size).toBe(texts.length);
  expect([...sent].filter((text) => !texts.includes(text))).toEqual([]);
  expect(one.map(({ seq }) => seq)).toEqual([...one.map(({ seq }) => seq)].sort((a, b) => a - b));
  for (const { name } of devices) {
    const own = texts.filter((text) => text.startsWith(`${name} `));
    expect(own).toEqual([...own].sort());
  }
}

function line({ id, seq, text }: { id: string; seq: number; text: string }): string {
  return `${seq} ${id} ${text}`;
}

async function drop(device: DeviceProcess): Promise<void> {
  await device.kill();
  rmSync(device.folder, { recursive: true, force: true });
}
