// One run: a world out of a seed, a story in it, then calm, then the account of what was promised and what is there. The whole run is a function of
// its options: the same ones give the same result, event by event.
import { CastUser } from './cast.ts';
import { readInboxLog, readRoomLog } from './check/final-log.ts';
import { checkForgotten } from './check/forgotten.ts';
import { leftOver } from './check/memory.ts';
import * as promises from './check/promises.ts';
import { Device } from './client/device.ts';
import { Household } from './client/household.ts';
import { Cluster } from './cluster.ts';
import { drawLimits } from './drawn-limits.ts';
import { calm, drawFaults, type Faults } from './faults.ts';
import { drawForgetting, Forgetting } from './forgetting.ts';
import type { Mutation } from './mutation.ts';
import { Random } from './random.ts';
import { Schedule } from './schedule.ts';
import { SimStore } from './store.ts';
import { Story } from './story.ts';
import { Witness } from './witness.ts';

/** What is simulated. */
export interface SimulateOptions {
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Steps of the story. Default `defaultSteps`. */
  readonly steps?: number;
  /** Nodes of the provider. Default 1. */
  readonly nodes?: number;
  /** Are CHECKPOINTs signed, accounts erased, rooms read anew? Default: in half of the seeds. Without it a seed is the run that it always was. */
  readonly forgets?: boolean;
  /** In place of those that the seed draws. */
  readonly faults?: Partial<Faults>;
  /** Actors of users and rooms that a process keeps in memory, in place of what is drawn. */
  readonly activeMax?: number;
  /** A planted mistake. */
  readonly mutation?: Mutation;
  /** Hears what happens, line by line. */
  readonly trace?: (line: string) => void;
}

/** What came of it. */
export interface Result {
  readonly seed: number;
  /** Broken promises, the first twenty; none = all is well. */
  readonly violations: readonly string[];
  /** Things that happened, and what they were. */
  readonly events: number;
  readonly accepted: number;
  readonly processes: number;
  readonly virtualMs: number;
}

/** Many short stories find more than few long ones. */
export const defaultSteps = 50;

const names = ['ann', 'bob', 'cleo', 'dan'];
const beginMs = 1_800_000_000_000;
/** One run out of so many also starts a last process and lets everybody forget: it costs as much again as the calm. */
const wakesUpEvery = 3;
/** Milliseconds in which nobody is there: from a crash on, rooms with something left to do are woken within a minute and a half. */
const aloneMs = 120_000;
/** Milliseconds after which whatever moved has moved, and whoever lost a room has asked for it again. */
const quietMs = 30_000;
/** Milliseconds in which everybody has heard what was said, at least; and so many times the mean of one way between nodes. */
const heardMs = 3_000;
const heardTimes = 40;
/** Mean milliseconds between two steps. */
const stepMs = 150;

export function simulate(options: SimulateOptions): Result {
  return new Run(options).tell();
}

class Run {
  readonly #options: SimulateOptions;
  readonly #random: Random;
  readonly #schedule = new Schedule(beginMs);
  readonly #faults: Faults;
  readonly #witness: Witness;
  readonly #store: SimStore;
  readonly #cluster: Cluster;
  readonly #cast: readonly CastUser[];
  readonly #devices: readonly Device[];
  readonly #story: Story;
  /** What chance it draws from; null = nothing is forgotten. */
  readonly #oblivion: Random | null;
  readonly #forgetting: Forgetting | null;
  #linkDelayMs: number;

  constructor(options: SimulateOptions) {
    const random = new Random(options.seed);
    const schedule = this.#schedule;
    this.#options = options;
    this.#random = random;
    this.#oblivion = drawOblivion(options);
    this.#faults = { ...drawFaults(random.fork()), ...options.mutation?.faults, ...options.faults };
    this.#linkDelayMs = this.#faults.linkDelayMs;
    const trace = options.trace;
    this.#witness = new Witness(trace === undefined ? null : (line) => trace(`${schedule.now - beginMs} ${line}`));
    const witness = this.#witness;
    const tracing = (line: string) => witness.trace(line);
    this.#store = new SimStore(schedule, random.fork(), this.#faults);
    const cast = names.slice(0, random.between(2, names.length)).map((name) => new CastUser(name));
    this.#cast = cast;
    const oblivion = this.#oblivion;
    const plan = oblivion && drawForgetting(oblivion, cast.length);
    this.#cluster = new Cluster({
      schedule,
      store: this.#store,
      random: random.fork(),
      limits: drawLimits(random.fork(), { plan, activeMax: options.activeMax }),
      mutation: options.mutation ?? {},
      identityOf: (token) => identityOf(token),
      trace: tracing,
      bug: (what) => witness.wrong(what),
      linkDelayMs: () => this.#linkDelayMs,
      peerDelayMs: () => this.#faults.peerDelayMs,
      skewMsMax: this.#faults.clockSkewMs,
      nodes: options.nodes ?? 1,
    });
    this.#devices = cast.flatMap((user) => this.#makeDevices(user));
    const devices = this.#devices;
    const parts = { schedule, store: this.#store, faults: this.#faults, cluster: this.#cluster, cast, devices };
    this.#story = new Story({ ...parts, random: random.fork(), trace: tracing });
    this.#forgetting =
      oblivion && plan && new Forgetting({ schedule, devices, plan, random: oblivion, trace: tracing });
  }

  tell(): Result {
    const { steps = defaultSteps } = this.#options;
    const schedule = this.#schedule;
    this.#witness.trace(`faults: ${JSON.stringify(this.#faults)}`);
    this.#cluster.start();
    for (const device of this.#devices) schedule.after(this.#random.between(0, 300), () => device.conversation.start());
    schedule.runUntil(beginMs + 1_500);
    this.#story.begin();
    schedule.runUntil(schedule.now + 1_000);
    for (let step = 0; step < steps; step++) {
      this.#story.step();
      this.#forgetting?.step();
      schedule.runUntil(schedule.now + Math.round(this.#random.delay(stepMs, 10 * stepMs)));
    }
    this.#calmDown();
    this.#story.end();
    this.#check();
    this.#wakeUpAnew();
    const { violations, acks } = this.#witness;
    return {
      seed: this.#options.seed,
      violations,
      events: schedule.happened,
      accepted: acks.length,
      processes: this.#cluster.processes,
      virtualMs: schedule.now - beginMs,
    };
  }

  /** Nothing goes wrong any more. First nobody is there, then everybody comes back, catches up, and says one more thing that all must hear. */
  #calmDown(): void {
    const schedule = this.#schedule;
    this.#witness.trace('calm');
    const leave = () => {
      for (const device of this.#devices) device.conversation.stop();
    };
    // Half of the time what is under way is left to whoever comes next.
    if (this.#random.chance(0.5)) {
      leave();
      this.#cluster.crashAll();
    }
    this.#store.recover();
    this.#store.faults = { ...calm, readsAreDurable: this.#faults.readsAreDurable };
    this.#linkDelayMs = calm.linkDelayMs;
    schedule.runUntil(schedule.now + 10_000);
    this.#cluster.settle();
    this.#forgetting?.signAll();
    if (this.#forgetting) schedule.runUntil(schedule.now + this.#heardMs);
    if ((this.#options.nodes ?? 1) > 1) this.#checkHearing();
    leave();
    schedule.runUntil(schedule.now + aloneMs);
    this.#checkLeft();
    for (const process of this.#cluster.processesNow) {
      const left = leftOver(process.inMemory);
      if (left !== null) this.#witness.wrong(`nobody is there and nothing to do, and there is left ${left}`);
    }
    if (this.#cluster.processesNow.length === 0) this.#witness.wrong('nobody is there, not even a process');
    for (const device of this.#devices) if (!device.household.isGone) device.conversation.start();
    schedule.runUntil(schedule.now + 30_000);
    this.#forgetting?.signAll();
    this.#story.finale();
    schedule.runUntil(schedule.now + 30_000);
  }

  get #heardMs(): number {
    return Math.max(heardMs, heardTimes * this.#faults.peerDelayMs);
  }

  /** Of several nodes: connections that outlived all that went wrong are deaf to nothing. Coming back would hide it. */
  #checkHearing(): void {
    const schedule = this.#schedule;
    schedule.runUntil(schedule.now + quietMs);
    const connected = this.#devices.filter(({ conversation }) => conversation.live);
    for (const speaker of connected) {
      this.#story.finale(speaker);
      schedule.runUntil(schedule.now + this.#heardMs);
      this.#checkCopies(connected.filter(({ conversation }) => conversation.live));
    }
  }

  #checkCopies(devices: readonly Device[]): void {
    const { memory } = this.#store;
    const witness = this.#witness;
    for (const room of this.#story.rooms) {
      const final = readRoomLog(memory, room, (what) => witness.wrong(what));
      for (const device of devices) promises.checkCopy(device, final, { witness, isGone: this.#isGone });
    }
  }

  /** What rooms had left to do was done by now, although nobody asked for it. */
  #checkLeft(): void {
    const { memory } = this.#store;
    const witness = this.#witness;
    const wrong = (what: string) => witness.wrong(what);
    const isGone = this.#isGone;
    const present = this.#cast.filter(({ user }) => !isGone(user));
    const told = new Map(present.map(({ user }) => [user, readInboxLog(memory, user, wrong)]));
    for (const room of this.#story.rooms) {
      const final = readRoomLog(memory, room, wrong);
      promises.checkTold(final, told, witness);
      promises.checkGone(final, witness);
      checkForgotten(final, { isErased: this.#isErased, memory, witness });
    }
  }

  /** A new process finds everything as it was, and a device that forgot all gets all again. */
  #wakeUpAnew(): void {
    const schedule = this.#schedule;
    const isDear = this.#options.seed % wakesUpEvery !== 0;
    if (isDear || this.#witness.violations.length > 0) return;
    this.#witness.trace('a new process');
    this.#cluster.crashAll();
    schedule.runUntil(schedule.now + 10_000);
    for (const device of this.#present) device.forget();
    schedule.runUntil(schedule.now + 20_000);
    this.#check();
  }

  #check(): void {
    const { memory } = this.#store;
    const witness = this.#witness;
    const wrong = (what: string) => witness.wrong(what);
    const finals = [...this.#story.rooms].map((room) => readRoomLog(memory, room, wrong));
    for (const { name, household } of this.#devices)
      if (household.leaves && !household.isGone) wrong(`${name} could not be erased`);
    for (const device of this.#present) {
      promises.checkDone(device, witness);
      for (const final of finals) promises.checkCopy(device, final, { witness, isGone: this.#isGone });
    }
    for (const device of this.#present) {
      device.list();
      for (const { room } of finals) if (device.chains.get(room)?.isJoined === true) device.refresh(room);
    }
    this.#schedule.runUntil(this.#schedule.now + 5_000);
    for (const final of finals) {
      promises.checkAcks(final, witness);
      promises.checkEmptied(final, witness);
      for (const device of this.#present) {
        promises.checkStandings(device, final, witness);
        promises.checkSlots(device, final, witness);
      }
    }
    for (const { user } of this.#cast) {
      if (this.#isGone(user)) continue;
      const devices = this.#devices.filter((device) => device.user === user);
      promises.checkInbox(user, { entries: readInboxLog(memory, user, wrong), devices, witness });
    }
  }

  /** Devices of those who stay. */
  get #present(): Device[] {
    return this.#devices.filter(({ household }) => !household.leaves);
  }

  /** Does this user go for good? */
  readonly #isGone = (user: string) => this.#devices.some((device) => device.user === user && device.household.leaves);

  readonly #isErased = (user: string) =>
    this.#devices.some((device) => device.user === user && device.household.isGone);

  #makeDevices(cast: CastUser): Device[] {
    const household = new Household(cast);
    const random = this.#random;
    const oblivion = this.#oblivion;
    return [1, 2].slice(0, random.chance(0.4) ? 2 : 1).map((number) => {
      const place = {
        schedule: this.#schedule,
        random: random.fork(),
        witness: this.#witness,
        connect: (device: Parameters<Cluster['connect']>[0]) => this.#cluster.connect(device),
        ...(oblivion && { beginsBehind: () => oblivion.chance(0.5) }),
      };
      const invited = (device: Device, room: string) => this.#story.invited(device, room);
      const watchesOnly = random.chance(0.3);
      return new Device({ household, number, place, watchesOnly, ahead: random.pick([1, 1, 3]), invited });
    });
  }
}

function identityOf(token: string): { user: string; device: number } | null {
  const slash = token.lastIndexOf('/');
  return { user: token.slice(0, slash), device: Number(token.slice(slash + 1)) };
}

/** A chance of its own, so that what else is drawn is the same with it and without; null where nothing is forgotten. */
function drawOblivion({ seed, mutation, forgets = mutation?.forgets }: SimulateOptions): Random | null {
  const random = new Random(-1 - seed);
  const isDrawn = random.chance(0.5);
  return (forgets ?? isDrawn) ? random : null;
}
