// What happens in a run: people found rooms, talk, invite, leave, send keys; connections break, devices stall, processes die or are taken over. Each
// step is drawn; the same seed tells the same story.
import type { CastUser } from './cast.ts';
import type { Device } from './client/device.ts';
import * as doings from './client/doings.ts';
import type { Cluster } from './cluster.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';
import type { SimStore } from './store.ts';

export interface StoryOptions {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly faults: Faults;
  readonly cluster: Cluster;
  readonly store: SimStore;
  readonly cast: readonly CastUser[];
  readonly devices: readonly Device[];
  readonly trace: (line: string) => void;
}

/** How often each doing comes. */
const weights = {
  say: 30,
  chatter: 8,
  found: 2,
  start: 4,
  invite: 6,
  leave: 2,
  remove: 3,
  rename: 3,
  takeBack: 4,
  putReceipt: 5,
  type: 2,
  sendKeys: 8,
  claimKeys: 6,
} as const;
type Doing = keyof typeof weights;
const bag = Object.entries(weights).flatMap(([doing, weight]) => Array.from({ length: weight }, () => doing as Doing));

export class Story {
  /** Every room that anybody founded. */
  readonly rooms = new Set<string>();
  readonly #options: StoryOptions;
  readonly #invitations = new Set<string>();
  #labels = 0;
  #isOver = false;

  constructor(options: StoryOptions) {
    this.#options = options;
  }

  /** The first group, to which everybody is invited. */
  begin(): void {
    const { devices, schedule } = this.#options;
    const [first] = devices;
    if (first === undefined) return;
    doings.found(first, this.#label('group'), (room) => {
      this.rooms.add(room);
      this.#others(first).forEach((guest, n) => {
        schedule.after(10 * n, () => doings.invite(first, room, guest, this.#label('invite')));
      });
    });
  }

  /** One step. */
  step(): void {
    this.#misfortune();
    const { random, devices } = this.#options;
    const ready = devices.filter(({ household, number }) => household.listed.includes(number) && !household.leaves);
    if (ready.length === 0) return;
    this.#do(random.pick(bag), random.pick(ready));
  }

  /** An invitation reached a device: its user answers, once, in a while. */
  invited(device: Device, room: string): void {
    const { schedule, random } = this.#options;
    const key = `${device.user} ${room}`;
    this.rooms.add(room);
    if (this.#isOver || this.#invitations.has(key) || device.household.leaves) return;
    this.#invitations.add(key);
    const accepts = random.chance(0.85);
    schedule.after(random.between(20, 800), () => {
      this.#invitations.delete(key);
      if (this.#isOver) return;
      doings.answerInvitation(device, room, accepts, this.#label(accepts ? 'accept' : 'decline'));
    });
  }

  /** Nobody does anything any more by themselves: the account is made. */
  end(): void {
    this.#isOver = true;
  }

  /** Everybody, or one device, says one more thing everywhere. */
  finale(speaker?: Device): void {
    for (const device of speaker === undefined ? this.#options.devices : [speaker]) {
      if (device.household.leaves) continue;
      for (const room of this.#joined(device)) doings.say(device, room, this.#label('finale'));
    }
  }

  #do(doing: Doing, device: Device): void {
    const { random, trace } = this.#options;
    const others = this.#others(device);
    if (others.length === 0) return;
    const other = random.pick(others);
    const label = this.#label(doing);
    trace(`${device.name}: ${label}`);
    if (doing === 'found') return doings.found(device, label, (room) => this.rooms.add(room));
    if (doing === 'start') return this.#start(device, other, label);
    const joined = this.#joined(device);
    if (joined.length === 0) return;
    const room = random.pick(joined);
    switch (doing) {
      case 'say':
        return doings.say(device, room, label);
      case 'chatter':
        for (let n = 1; n <= 5; n++) doings.say(device, room, `${label}.${n}`);
        return;
      case 'invite':
        return doings.invite(device, room, other, label);
      case 'leave':
        return doings.leave(device, room, label);
      case 'remove':
        return doings.remove(device, room, other, label);
      case 'rename':
        return doings.rename(device, room, label);
      case 'takeBack':
        return doings.takeBack(device, room, label);
      case 'putReceipt':
        return doings.putReceipt(device, room);
      case 'type':
        return doings.type(device, room);
      case 'sendKeys':
        return doings.sendKeys(device, room, other, label);
      case 'claimKeys':
        return doings.claimKeys(device, room, other);
    }
  }

  /** Half of the time both start it at once. */
  #start(device: Device, other: CastUser, label: string): void {
    const { random, devices } = this.#options;
    const room = doings.directRoom(device, other);
    if (this.rooms.has(room) && random.chance(0.7)) return;
    this.rooms.add(room);
    doings.start(device, other, label);
    const partner = devices.find(({ user, number }) => user === other.user && number === 1);
    if (partner?.household.listed.includes(1) === true && random.chance(0.5)) {
      doings.start(partner, device.household.cast, `${label} back`);
    }
  }

  #misfortune(): void {
    const { random, faults, devices, cluster, store, cast, trace } = this.#options;
    if (random.chance(faults.outages)) {
      const log = random.pick([
        ...cast.map(({ user }) => `user/${user}`),
        ...[...this.rooms].map((room) => `room/${room}`),
      ]);
      trace(`${log} can't be reached`);
      store.outage(log, random.between(500, 8_000));
    }
    if (random.chance(faults.linkBreaks)) {
      const device = random.pick(devices);
      trace(`the link of ${device.name} breaks`);
      device.conversation.break();
    }
    if (random.chance(faults.stalls)) {
      const device = random.pick(devices);
      trace(`${device.name} stops reading`);
      device.conversation.stall(random.between(200, 8_000));
    }
    if (random.chance(faults.crashes)) {
      trace('the process crashes');
      cluster.crash();
    }
    if (random.chance(faults.leaves)) cluster.leave();
    if (faults.peerBreaks > 0 && random.chance(faults.peerBreaks)) {
      trace('a link between two nodes breaks');
      cluster.breakPeers();
    }
    if (random.chance(faults.takeovers)) {
      const stillMs = random.chance(0.5) ? random.between(50, 4_000) : 0;
      trace(`a process is taken over from; it stands still for ${stillMs} ms`);
      cluster.takeOver(stillMs);
    }
  }

  /** The other users, as far as they have an account: an invitation to one who has none is forgotten. */
  #others(device: Device): CastUser[] {
    const { cast, devices } = this.#options;
    const known = devices
      .filter(({ household }) => household.listed.includes(1) && !household.leaves)
      .map(({ user }) => user);
    return cast.filter(({ user }) => user !== device.user && known.includes(user));
  }

  #joined(device: Device): string[] {
    return [...device.chains.values()].filter((chain) => chain.isJoined).map(({ room }) => room);
  }

  #label(what: string): string {
    return `${what} ${++this.#labels}`;
  }
}
