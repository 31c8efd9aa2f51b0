// Faults under load, and the account afterwards: a crowd talks over all nodes, one fault after the other is done to them, and in the end everything that
// any client saw is held against the final logs.
import { Rejection } from '#proto/gen/codes.ts';
import { eventually } from '../harness.ts';
import { check } from '../history/checker.ts';
import { Crowd, type Talking, type TalkPlan } from '../history/crowd/crowd.ts';
import { type LoginNode, throughLuxid } from '../history/crowd/people.ts';
import { Recorder } from '../history/recorder.ts';
import { type RecoveryTimes, recoveryTimes } from '../history/recovery.ts';
import type { ClusterStage } from './cluster-stage.ts';
import { type StoredPlace, storedLogs } from './stored-logs.ts';

export interface TrialPlan extends TalkPlan {
  readonly rooms: number;
  readonly members: number;
  readonly devices: number;
  /** In so many of the rooms somebody comes and goes all the time; default 0. */
  readonly guests?: number;
  /** Mean pause between two device messages of one device, milliseconds; default 2,000. */
  readonly lettersMs?: number;
  /** Where people log in; default through the stand-in LuxID of the first node. */
  readonly login?: LoginNode;
  /** Where devices connect, by number of the node from 1; default its own port. */
  readonly portOf?: (node: number) => number;
}

/** Small rooms that talk all the time. */
export const defaultPlan: TrialPlan = {
  rooms: 12,
  members: 5,
  devices: 1,
  guests: 4,
  writers: 2,
  pauseMs: 60,
  bodyBytes: 300,
};

/** Mean pause between a guest's going and its coming back, milliseconds. */
const visitsMs = 500;

/** What whoever talks while somebody is removed has to be told. */
const expected: readonly number[] = [Rejection.REJECTION_STALE_STATE, Rejection.REJECTION_NOT_MEMBER];

/** Until everybody is heard again after a fault, milliseconds. */
const recoveryMs = 60_000;

export class Trial {
  readonly recorder = new Recorder();
  readonly #stage: ClusterStage;
  readonly #crowd: Crowd;
  readonly #talking: Talking;
  /** Device messages, through the inboxes. */
  readonly #letters: Talking;
  readonly #visits: Talking;
  readonly #rooms: number;

  private constructor(stage: ClusterStage, recorder: Recorder, crowd: Crowd, plan: TrialPlan) {
    this.#stage = stage;
    this.recorder = recorder;
    this.#crowd = crowd;
    this.#rooms = plan.rooms;
    this.#talking = crowd.talk(plan);
    this.#letters = crowd.letters({ pauseMs: plan.lettersMs ?? 2_000 });
    this.#visits = crowd.visits({ pauseMs: visitsMs });
  }

  /** Seats everybody, connects them to all nodes in turn, and lets them talk. */
  static async begin(stage: ClusterStage, plan: TrialPlan = defaultPlan): Promise<Trial> {
    const recorder = new Recorder();
    const [first] = stage.provider.nodes;
    if (first === undefined) throw new Error('no node');
    const portOf = plan.portOf ?? ((node: number) => stage.portOf(stage.node(node)));
    const crowd = await Crowd.gather({
      login:
        plan.login ?? throughLuxid({ url: first.url, port: stage.portOf(first), code: (user) => stage.code(user) }),
      nodes: stage.provider.nodes.map(({ name }, n) => ({ name, port: portOf(n + 1) })),
      rooms: plan.rooms,
      members: plan.members,
      devices: plan.devices,
      guests: plan.guests ?? 0,
      recorder,
      patience: { answerMs: 3_000, quietMs: 3_000 },
    });
    await crowd.start();
    const trial = new Trial(stage, recorder, crowd, plan);
    await trial.goesOn();
    return trial;
  }

  get crowd(): Crowd {
    return this.#crowd;
  }

  /** Messages accepted so far. */
  get accepted(): number {
    return this.#talking.accepted;
  }

  /** Times that a guest came and went so far. */
  get visits(): number {
    return this.#visits.accepted;
  }

  /** Does something to the provider; resolves when it was done and all rooms talk again. */
  async fault(name: string, run: () => Promise<unknown> | unknown): Promise<void> {
    this.recorder.mark(name);
    await run();
    await this.goesOn();
  }

  /** Every room has been written to again from now on. */
  async goesOn(ms = recoveryMs): Promise<void> {
    const from = this.recorder.history.length;
    await eventually(
      'all rooms go on',
      () => {
        const rooms = new Set<string>();
        for (let at = from; at < this.recorder.history.length; at++) {
          const event = this.recorder.history[at];
          if (event?.kind === 'accepted') rooms.add(event.room);
        }
        return rooms.size === this.#rooms;
      },
      ms,
    );
  }

  /** Rejections since the last mark that somebody's going does not explain. */
  rejected(): number {
    let count = 0;
    for (let at = this.recorder.history.length - 1; at >= 0; at--) {
      const event = this.recorder.history[at];
      if (event?.kind === 'mark') break;
      if (event?.kind === 'rejected' && !expected.includes(event.code)) count++;
    }
    return count;
  }

  /** Everybody falls silent and catches up; what was wrong, by what devices are shown and by the rows in Cassandra, and how long rooms stood still after each fault. */
  async end(
    stored?: StoredPlace,
  ): Promise<{ readonly violations: readonly unknown[]; readonly recovery: readonly RecoveryTimes[] }> {
    await Promise.all([this.#talking.stop(), this.#letters.stop(), this.#visits.stop()]);
    await this.#crowd.settled();
    await this.#crowd.stop();
    const node = this.#stage.provider.nodes.find((each) => each.alive());
    if (node === undefined) throw new Error('no node lives');
    const logs = await this.#crowd.finalLogs(this.#stage.portOf(node));
    if (stored !== undefined) logs.push(...(await storedLogs(stored, logs)));
    const recovery = recoveryTimes(this.recorder.history);
    const { violations } = check(this.recorder.history, logs);
    console.log(`${this.recorder.history.length} events, ${this.accepted} messages accepted, ${this.visits} visits`);
    console.table(
      recovery.map(({ mark, rooms, p50, p99, max }) => ({
        fault: mark,
        'rooms that waited': rooms,
        'stood still, p50 ms': Math.round(p50),
        'p99 ms': Math.round(p99),
        'max ms': Math.round(max),
      })),
    );
    return { violations, recovery };
  }
}
