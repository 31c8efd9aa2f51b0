// People with several devices each, at one provider, and what happens to them: devices that go away and come back, die, are logged out, are new; people who are
// removed from a group and come back. Each device has a folder of its own, and mostly a process.
import { rmSync } from 'node:fs';
import { passwordCostMin } from '#client/backup/header.ts';
import type { DeviceOptions } from '#client/devices/account.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { DeviceProcess } from '../device-process.ts';
import { confirm, eventually, ProviderProcess } from '../harness.ts';
import { type Driven, LocalDevice } from './local-device.ts';

const password = 'abacus harvest purple monkey window zebra';

/** A device of somebody. */
export interface Device {
  readonly process: Driven;
  readonly owner: Person;
  /** When it was listed by its owner, by the server's clock. */
  readonly listedMs: number;
  /** Rounds until it comes back; 0 = it is there. */
  away: number;
}

/** Somebody. */
export interface Person {
  readonly name: string;
  readonly user: string;
  /** Has a backup with a password. */
  readonly secured: boolean;
  readonly devices: Device[];
}

/** A room with those who are in it. */
export interface CrowdRoom {
  readonly room: string;
  readonly members: Set<Person>;
}

/** How big it is. */
export interface CrowdPlan {
  /** So many people; every second one has a backup. */
  readonly people: number;
  /** Messages under one sending session. */
  readonly rotation: number;
  /** Devices live in this process, and are closed instead of killed. */
  readonly local?: boolean;
}

/** Everyone at one provider. */
export class Crowd {
  readonly provider: ProviderProcess;
  readonly people: Person[] = [];
  readonly rooms: CrowdRoom[] = [];
  /** What devices counted, those that are gone included. */
  readonly counted = new Map<string, number>();
  readonly faults: string[] = [];
  readonly #options: DeviceOptions;
  readonly #local: boolean;
  #born = 0;

  private constructor(provider: ProviderProcess, plan: CrowdPlan) {
    this.provider = provider;
    this.#local = plan.local ?? false;
    const rotation = { messages: plan.rotation, ageMs: 30 * 86_400_000 };
    this.#options = { backoffMaxMs: 300, passwordCost: passwordCostMin, rotation };
  }

  /** A provider, people with one device each, a group of all and 1:1 rooms of neighbours. */
  static async start(plan: CrowdPlan): Promise<Crowd> {
    const crowd = new Crowd(await ProviderProcess.start(), plan);
    const clients: LuxchatClient[] = [];
    for (let n = 0; n < plan.people; n++) clients.push(await crowd.#comes(`p${n}`, n % 2 === 0));
    const [founder, ...others] = clients as [LuxchatClient, ...LuxchatClient[]];
    const everybody = await founder.createGroup({ name: 'all', invite: others.map(({ user }) => user) });
    crowd.rooms.push({ room: everybody, members: new Set(crowd.people) });
    for (const [n, other] of others.entries()) {
      const before = clients[n] as LuxchatClient;
      const direct = await before.startDirect(other.user);
      crowd.rooms.push({ room: direct, members: new Set([crowd.people[n] as Person, crowd.people[n + 1] as Person]) });
      for (const room of [everybody, direct]) {
        await eventually('invited', () => other.rooms().some((one) => one.room === room), 30_000, [other]);
        await other.accept(room);
      }
    }
    for (const client of clients) {
      await client.flushed();
      if (client.security.state().backup) await client.security.flushed();
      await client.close();
    }
    for (const { devices } of crowd.people) for (const { process } of devices) await process.start();
    return crowd;
  }

  /** All devices. */
  devices(): Device[] {
    return this.people.flatMap(({ devices }) => devices);
  }

  /** Those that run. */
  present(): Device[] {
    return this.devices().filter(({ away, process }) => away === 0 && process.running);
  }

  async #comes(name: string, secured: boolean): Promise<LuxchatClient> {
    const { folder, client } = await this.#login(name);
    if (secured) await client.security.setUp(await this.provider.stepUp(client, name), password);
    const person: Person = { name, user: client.user, secured, devices: [] };
    this.people.push(person);
    this.#add(person, folder);
    return client;
  }

  async #login(name: string): Promise<{ folder: string; client: LuxchatClient }> {
    const folder = await this.provider.login(name);
    const client = await this.#open(folder);
    return { folder, client };
  }

  async #open(folder: string): Promise<LuxchatClient> {
    const client = await openDevice(folder, this.#options);
    client.on('alarm', (alarm) => this.faults.push(`alarm ${JSON.stringify(alarm)}`));
    client.on('fault', (error) => this.faults.push(`fault ${error.stack}`));
    await client.start();
    await client.synced();
    return client;
  }

  #add(owner: Person, folder: string): Device {
    const Kind = this.#local ? LocalDevice : DeviceProcess;
    const process = new Kind(`${owner.name}d${this.#born++}`, folder, this.#options);
    const device: Device = { process, owner, listedMs: Date.now(), away: 0 };
    owner.devices.push(device);
    return device;
  }

  /** A further device: opened with the password, or confirmed from another one. */
  async adds(person: Person): Promise<void> {
    const { folder, client } = await this.#login(person.name);
    if (person.secured) await client.security.unlock(await this.provider.stepUp(client, person.name), password);
    else {
      const older = person.devices[0] as Device;
      await this.#stopped(older, (other) => confirm(client, other));
    }
    const device = this.#add(person, folder);
    await client.close();
    await device.process.start();
  }

  /** A device is logged out; where there is a backup, when everything of it is in there. */
  async logsOut(device: Device): Promise<void> {
    const { owner, process } = device;
    await this.tally(device);
    if (process.running) await process.stop();
    const client = await this.#open(process.folder);
    await client.flushed();
    if (owner.secured) await client.security.flushed(60_000);
    await client.logout();
    owner.devices.splice(owner.devices.indexOf(device), 1);
    this.faults.push(...process.faults);
    rmSync(process.folder, { recursive: true, force: true });
  }

  /** Dies and comes back. */
  async dies({ process, ...device }: Device): Promise<void> {
    await this.tally({ process, ...device });
    await process.kill();
    await process.start();
  }

  /** Is switched off for so many rounds. */
  async leaves(device: Device, rounds: number): Promise<void> {
    await this.tally(device);
    device.away = rounds;
    await device.process.stop();
  }

  /** A round went by: whose time has come is there again. */
  async pass(): Promise<void> {
    for (const device of this.devices()) {
      if (device.away > 0) device.away -= 1;
      if (device.away === 0 && !device.process.running) await device.process.start();
    }
  }

  /** Somebody is taken out of the group by its founder. */
  async removes({ room, members }: CrowdRoom, person: Person): Promise<void> {
    const founder = await this.#someDevice(this.people[0] as Person);
    await founder.process.call('remove', room, person.user);
    members.delete(person);
  }

  /** And comes back. */
  async bringsBack({ room, members }: CrowdRoom, person: Person): Promise<void> {
    const founder = await this.#someDevice(this.people[0] as Person);
    await founder.process.call('invite', room, person.user);
    const guest = await this.#someDevice(person);
    const standing = () => guest.process.call('room', room).catch(() => ({ invited: false, joined: false }));
    const isInvited = async () => (await standing()).invited;
    await eventually(`${person.name} is invited again`, isInvited, 60_000).catch(async (error) => {
      const { process } = guest;
      throw new Error(`${error.message}: ${process.name} ${await process.call('standing')} ${process.faults}`);
    });
    const accepts = async () => {
      await guest.process.call('accept', room);
      return (await standing()).joined;
    };
    await eventually(`${person.name} is back`, () => accepts().catch(() => false), 30_000);
    members.add(person);
  }

  /** A device that runs. */
  async #someDevice({ devices }: Person): Promise<Device> {
    const device = devices.find(({ process }) => process.running) ?? (devices[0] as Device);
    device.away = 0;
    if (!device.process.running) await device.process.start();
    return device;
  }

  /** Adds up what a device counted since it was started. */
  async tally({ process }: Device): Promise<void> {
    if (!process.running) return;
    for (const [name, by] of Object.entries(await process.call('counters')))
      this.counted.set(name, (this.counted.get(name) ?? 0) + by);
  }

  /** Ends everything. */
  async remove(): Promise<void> {
    for (const { process } of this.devices()) {
      await process.kill();
      rmSync(process.folder, { recursive: true, force: true });
    }
    await this.provider.remove();
  }

  async #stopped(device: Device, work: (client: LuxchatClient) => Promise<void>): Promise<void> {
    const { process } = device;
    await this.tally(device);
    if (process.running) await process.stop();
    const client = await this.#open(process.folder);
    await work(client);
    await client.close();
    if (device.away === 0) await process.start();
  }
}
