// A long talk of many devices to which everything happens that may cost somebody a key, and the promise in the end: whatever can't be shown is explained by what happened.
// Chance comes from a seed; the processes' timing is their own. `npm run soak:keys` plays it at length.
import { Killed } from '../device-process.ts';
import { eventually, generator } from '../harness.ts';
import { Crowd, type CrowdPlan, type CrowdRoom, type Device, type Person } from './crowd.ts';
import type { Evidence, Shown } from './verdict.ts';

/** How long it is. */
export interface StoryPlan extends CrowdPlan {
  readonly seed: number;
  /** At least so many messages, in all rooms together. */
  readonly messages: number;
  /** Messages that a device writes in a row. */
  readonly batch: number;
  /** Milliseconds for which keys may still come in the end, since the last one came: more than it takes until who wrote a message is asked. */
  readonly settleMs: number;
  readonly say?: (line: string) => void;
}

/** What came of it. */
export interface StoryReport {
  /** To be judged, see `verdict.ts`. */
  readonly rooms: readonly Evidence[];
  readonly counted: ReadonlyMap<string, number>;
  readonly happened: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  readonly lost: number;
}

const devicesMax = 3;

/** Plays it. Ends all that it began, also when it fails. */
export async function play(plan: StoryPlan): Promise<StoryReport> {
  const crowd = await Crowd.start(plan);
  try {
    return await new Story(crowd, plan).play();
  } finally {
    await crowd.remove();
  }
}

class Story {
  readonly #crowd: Crowd;
  readonly #plan: StoryPlan;
  readonly #random: () => number;
  readonly #happened = new Map<string, number>();
  readonly #promised = new Map<string, Set<string>>();
  readonly #absent: { room: CrowdRoom; person: Person; rounds: number }[] = [];
  #written = 0;

  constructor(crowd: Crowd, plan: StoryPlan) {
    this.#crowd = crowd;
    this.#plan = plan;
    this.#random = generator(plan.seed);
  }

  async play(): Promise<StoryReport> {
    const { messages, say } = this.#plan;
    for (let round = 1; this.#written < messages; round++) {
      await this.#round();
      say?.(`round ${round}: ${this.#written} messages, ${this.#crowd.devices().length} devices`);
    }
    return this.#end();
  }

  async #round(): Promise<void> {
    const writers = this.#crowd.present();
    const victim = this.#pick(writers);
    const dies = this.#random() < 0.5;
    await Promise.all([...writers.map((device) => this.#writes(device)), dies ? this.#kill(victim) : undefined]);
    await Promise.all(this.#crowd.present().map((device) => this.#flushed(device)));
    await this.#crowd.pass();
    await this.#returns();
    await this.#happens();
  }

  async #writes({ process, owner }: Device): Promise<void> {
    const { batch } = this.#plan;
    for (let n = 0; n < 3; n++) {
      const { room } = this.#pick(this.#crowd.rooms.filter(({ members }) => members.has(owner)));
      const count = 1 + Math.floor(this.#random() * batch);
      const texts = Array.from({ length: count }, () => `${process.name} ${this.#written++}`);
      try {
        await process.call('sendAll', room, texts);
        const promised = this.#promised.get(room) ?? new Set();
        this.#promised.set(room, promised);
        for (const text of texts) promised.add(text);
      } catch (error) {
        if (error instanceof Killed) return;
        // A device that has just come may not have the room yet, or not be listed.
        if (!/UNKNOWN|NOT_CONFIRMED/.test(String(error))) throw error;
        this.#count('not in the room yet');
      }
    }
  }

  /** All of it went out: however long that takes, as long as it goes on. */
  async #flushed({ process }: Device): Promise<void> {
    for (let before = Number.POSITIVE_INFINITY; ; ) {
      const error = await process.call('flushed', 60_000).then(() => undefined, String);
      if (error === undefined) return;
      const left = await process.call('unsent');
      if (left >= before) {
        const why = [await process.call('standing'), JSON.stringify(await process.call('counters')), ...process.faults];
        throw new Error([error, ...why].join('\n'));
      }
      before = left;
    }
  }

  async #kill(victim: Device): Promise<void> {
    this.#count('killed');
    await this.#crowd.dies(victim);
  }

  /** One thing after each round. */
  async #happens(): Promise<void> {
    const crowd = this.#crowd;
    const person = this.#pick(crowd.people);
    const device = this.#pick(person.devices);
    const what = this.#random();
    if (what < 0.3) {
      if (crowd.present().length < 3 || !device.process.running) return;
      this.#count('went away');
      await crowd.leaves(device, 1 + Math.floor(this.#random() * 8));
    } else if (what < 0.55) {
      if (person.devices.length >= devicesMax) return;
      this.#count('new device');
      await crowd.adds(person);
    } else if (what < 0.75) {
      if (person.devices.length < 2) return;
      this.#count('logged out');
      await crowd.logsOut(device);
    } else if (what < 0.9) await this.#removal(person);
    else {
      this.#count('provider killed');
      await crowd.provider.kill();
      await crowd.provider.restart();
    }
  }

  async #removal(person: Person): Promise<void> {
    const [group] = this.#crowd.rooms as [CrowdRoom];
    if (person === this.#crowd.people[0] || !group.members.has(person)) return;
    this.#count('removed');
    await this.#crowd.removes(group, person);
    this.#absent.push({ room: group, person, rounds: 1 + Math.floor(this.#random() * 3) });
  }

  async #returns(all = false): Promise<void> {
    for (const absence of [...this.#absent]) {
      absence.rounds -= 1;
      if (absence.rounds > 0 && !all) continue;
      this.#absent.splice(this.#absent.indexOf(absence), 1);
      await this.#crowd.bringsBack(absence.room, absence.person);
    }
  }

  /** Everybody is there again; keys that are still on their way come; everything is compared. */
  async #end(): Promise<StoryReport> {
    const crowd = this.#crowd;
    await this.#returns(true);
    for (const device of crowd.devices()) device.away = 0;
    await crowd.pass();
    await this.#heads();
    await this.#settle();
    const rooms: Evidence[] = [];
    let lost = 0;
    for (const { room, members } of crowd.rooms) {
      const devices = [...members].flatMap((person) => person.devices);
      const all: Shown[] = [];
      for (const device of devices) all.push(await shownBy(device, room));
      const [founder] = [...members] as [Person];
      const moves = await (founder.devices[0] as Device).process.call('moves', room);
      rooms.push({ room, all, moves, rotation: this.#plan.rotation });
      const texts = new Set(all.flatMap((one) => [...one.texts.values()]));
      lost += [...(this.#promised.get(room) ?? [])].filter((text) => !texts.has(text)).length;
    }
    for (const device of crowd.devices()) await crowd.tally(device);
    const faults = [...crowd.faults, ...crowd.devices().flatMap(({ process }) => process.faults)];
    return { rooms, counted: crowd.counted, happened: this.#happened, faults, lost };
  }

  /** All of a room have come up to its head. */
  async #heads(): Promise<void> {
    for (const { room, members } of this.#crowd.rooms) {
      const devices = [...members].flatMap((person) => person.devices);
      const same = async () => {
        const heads = await Promise.all(devices.map(({ process }) => process.call('room', room)));
        return new Set(heads.map(({ headSeq }) => headSeq)).size === 1;
      };
      await eventually(`all have the same head of ${room}`, () => same().catch(() => false), 60_000).catch(
        async (error) => {
          const why = devices.map(async ({ process }) => {
            const head = await process.call('room', room).catch(String);
            return `${process.name} ${JSON.stringify(head)} ${await process.call('standing').catch(String)}`;
          });
          throw new Error([error, ...(await Promise.all(why))].join('\n'));
        },
      );
    }
  }

  /** Until nothing waits for a key, or everybody was asked and nothing came for so long. Older pages are fetched first: they hold what a new device lacks. */
  async #settle(): Promise<void> {
    const { settleMs, say } = this.#plan;
    // All at once: the server gives each device so many pages a second, and a hundred thousand messages are many.
    const places = this.#crowd.rooms.flatMap(({ room, members }) =>
      [...members].flatMap(({ devices: own }) => own.map(({ process }) => ({ room, process }))),
    );
    await Promise.all(places.map(({ room, process }) => process.call('troubles', room)));
    say?.('everything is read back');
    let [before, since] = [Number.NaN, performance.now()];
    const isQuiet = async () => {
      const waiting = await this.#sum('waiting');
      if (waiting === 0) return true;
      if (waiting !== before) [before, since] = [waiting, performance.now()];
      if (performance.now() - since < settleMs) return false;
      const open = await this.#sum('open');
      say?.(`${waiting} messages wait for a key, ${open} sessions are not asked of everybody yet`);
      since = performance.now();
      return open === 0;
    };
    await eventually('keys have come', isQuiet, 20 * settleMs + 60_000);
  }

  /** On all devices together. */
  async #sum(what: 'waiting' | 'open'): Promise<number> {
    const counts = await Promise.all(this.#crowd.devices().map(({ process }) => process.call(what)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)] as Item;
  }

  #count(what: string): void {
    this.#happened.set(what, (this.#happened.get(what) ?? 0) + 1);
  }
}

async function shownBy({ process, owner, listedMs }: Device, room: string): Promise<Shown> {
  const { user, secured } = owner;
  const texts = new Map(await process.call('texts', room));
  return { device: process.name, user, secured, listedMs, texts, troubles: await process.call('troubles', room) };
}
