// A provider in which nothing goes wrong, for tests that ask one thing of the whole: people with a device each, set up and live, and time that goes
// on when the test says so.
import type { AnswerBody, RequestBody } from '#actors/kernel/messages.ts';
import type { System } from '#actors/kernel/system.ts';
import type { LogLimits } from '#actors/log/limits.ts';
import { CastUser } from './cast.ts';
import { Device } from './client/device.ts';
import { Household } from './client/household.ts';
import { Cluster } from './cluster.ts';
import { calm } from './faults.ts';
import type { Mutation } from './mutation.ts';
import { Random } from './random.ts';
import { Schedule } from './schedule.ts';
import { SimStore } from './store.ts';
import { Witness } from './witness.ts';

/** How the provider differs from any other. */
export interface SceneOptions {
  readonly log?: Partial<LogLimits>;
  readonly mutation?: Mutation;
  /** Default: there is none. */
  readonly infoBot?: string;
}

/** The provider and its people. */
export class Scene {
  readonly schedule = new Schedule(1_800_000_000_000);
  readonly witness = new Witness(null);
  readonly #random = new Random(1);
  readonly #cluster: Cluster;
  readonly #store: SimStore;

  constructor({ log = {}, mutation = {}, infoBot }: SceneOptions = {}) {
    const { schedule, witness } = this;
    const random = this.#random;
    this.#store = new SimStore(schedule, random.fork(), calm);
    this.#cluster = new Cluster({
      schedule,
      random,
      store: this.#store,
      limits: { kernel: {}, room: {}, log },
      mutation,
      ...(infoBot === undefined ? {} : { infoBot }),
      identityOf: (token) => ({ user: token.slice(0, token.lastIndexOf('/')), device: 1 }),
      trace: () => {},
      bug: (what) => witness.wrong(what),
      linkDelayMs: () => calm.linkDelayMs,
      skewMsMax: 0,
    });
    this.#cluster.start();
    this.run(1_000);
  }

  /** What is stored. */
  get memory(): SimStore['memory'] {
    return this.#store.memory;
  }

  /** The actors of the process of the moment. */
  get system(): System {
    const [current] = this.#cluster.processesNow;
    if (current === undefined) throw new Error('no process is ready');
    return current.system;
  }

  /** The process dies; another one takes its place, and the devices come back. */
  crash(): void {
    this.#cluster.crash();
    this.run(10_000);
  }

  /** A person with one device, which is live and may write. */
  enter(name: string): Device {
    const device = this.begin(name);
    this.run(5_000);
    if (!device.ready) throw new Error(`${device.name} is not set up`);
    return device;
  }

  /** A person with one device, which begins to connect for the first time. */
  begin(name: string): Device {
    const { schedule, witness } = this;
    const connect: Device['place']['connect'] = (device) => this.#cluster.connect(device);
    const place = { schedule, random: this.#random.fork(), witness, connect };
    const household = new Household(new CastUser(name));
    const device = new Device({ household, number: 1, place, watchesOnly: false, ahead: 1, invited: () => {} });
    device.conversation.start();
    return device;
  }

  /** Asks; the answer, which comes within 20 s. */
  ask(device: Device, body: RequestBody): AnswerBody | null {
    let heard: AnswerBody | null | undefined;
    device.conversation.ask(body, (answer) => {
      heard = answer;
    });
    for (let waited = 0; heard === undefined && waited < 20_000; waited += 10) this.run(10);
    if (heard === undefined) throw new Error(`${device.name} got no answer to ${body.$case}`);
    return heard;
  }

  /** So many milliseconds pass. */
  run(ms: number): void {
    this.schedule.runUntil(this.schedule.now + ms);
  }
}
