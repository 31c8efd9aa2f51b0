// What is forgotten in a run, beside its story: people go for good and have their account erased, admins sign CHECKPOINTs where somebody went, others sign some
// that may not be taken, and devices lose all that they had of rooms and read them as newcomers do. It draws from a chance of its own: a run without it is the
// same run as ever.
import { Role } from '#proto/gen/record.ts';
import type { Device } from './client/device.ts';
import * as doings from './client/doings.ts';
import { isAway } from './client/doings.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

/** Where it happens. */
export interface ForgettingOptions {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly plan: ForgettingPlan;
  readonly devices: readonly Device[];
  readonly trace: (line: string) => void;
}

/** Probabilities at each step. */
const signs = 0.15;
const presumes = 0.04;
const begins = 0.05;
/** Steps of the story before somebody begins to go. */
const goesAfter = [5, 30] as const;
/** Milliseconds for the rooms to hear that they left. */
const leavingMs = [200, 3_000] as const;

/** What a run that forgets has drawn before it begins. */
export interface ForgettingPlan {
  readonly stateChunkBytes: number;
  readonly controlEntriesKept: number;
  /** Step of the story at which somebody goes and has the account erased; infinite: nobody does. */
  readonly goesAtStep: number;
}

/** Nobody goes where there are but two people. */
export function drawForgetting(random: Random, people: number): ForgettingPlan {
  return {
    stateChunkBytes: random.pick([100, 12 * 1_024]),
    controlEntriesKept: random.pick([1, 4, 4_096]),
    goesAtStep: people > 2 && random.chance(0.6) ? random.between(...goesAfter) : Number.POSITIVE_INFINITY,
  };
}

/** What one run lets be forgotten. */
export class Forgetting {
  readonly #options: ForgettingOptions;
  /** Steps until an account is erased. */
  #stepsLeft: number;
  #labels = 0;

  constructor(options: ForgettingOptions) {
    this.#options = options;
    this.#stepsLeft = options.plan.goesAtStep;
  }

  /** One step, besides the one of the story. */
  step(): void {
    const { random, trace } = this.#options;
    if (--this.#stepsLeft === 0) this.#go();
    const ready = this.#ready();
    if (ready.length === 0) return;
    if (random.chance(signs)) this.#sign(random.pick(ready));
    if (random.chance(presumes)) this.#presume(random.pick(ready));
    if (random.chance(begins)) {
      const device = random.pick(ready);
      trace(`${device.name} begins anew`);
      device.forget();
    }
  }

  /** In every room that somebody went from an admin's device signs a CHECKPOINT, as it does at its next session. */
  signAll(): void {
    const signed = new Set<string>();
    for (const device of this.#ready()) this.#sign(device, signed);
  }

  #sign(device: Device, signed = new Set<string>()): void {
    for (const { room, state, self } of device.chains.values()) {
      const isGone = [...(state?.members ?? [])].some(({ status }) => isAway(status));
      if (!isGone || signed.has(room) || (self?.role ?? 0) < Role.ROLE_ADMIN) continue;
      signed.add(room);
      const label = `checkpoint ${++this.#labels}`;
      this.#options.trace(`${device.name}: ${label} of ${room}`);
      doings.checkpoint(device, room, label);
    }
  }

  #presume(device: Device): void {
    const { random, trace } = this.#options;
    const rooms = [...device.chains.values()].filter(({ isJoined }) => isJoined);
    if (rooms.length === 0) return;
    const label = `presumption ${++this.#labels}`;
    trace(`${device.name}: ${label}`);
    doings.presume(device, random.pick(rooms).room, label);
  }

  /** Somebody leaves all rooms, half of the time with all that they wrote, and has the account erased. */
  #go(): void {
    const { random, schedule, trace } = this.#options;
    const ready = this.#ready();
    if (ready.length === 0) return;
    const device = random.pick(ready);
    trace(`${device.user} goes for good`);
    device.household.leaves = true;
    const empties = random.chance(0.5);
    for (const { room, isJoined } of device.chains.values()) {
      if (!isJoined) continue;
      const label = `parting ${++this.#labels}`;
      if (empties) doings.eraseAll(device, room, `${label} erases`);
      doings.leave(device, room, label);
    }
    schedule.after(random.between(...leavingMs), () => doings.erase(device, `erasure ${++this.#labels}`));
  }

  #ready(): Device[] {
    return this.#options.devices.filter(({ ready, household }) => ready && !household.leaves);
  }
}
