// Rooms full of talkers over the nodes of a cluster: what fault tests put their faults under. It starts them, lets them write, waits until everybody
// has everything, and reads the final logs.
import { setTimeout } from 'node:timers/promises';
import { inParallel } from '#bench/lib/server.ts';
import { eventually, seed } from '../../harness.ts';
import { lettersUnread } from '../check/inboxes.ts';
import type { FinalLog } from '../final-log.ts';
import type { Recorder } from '../recorder.ts';
import { Chance } from '../talk/chance.ts';
import type { NodeAddress, Patience } from '../talk/connection.ts';
import { Frames } from '../talk/frames.ts';
import { Talker } from '../talk/talker.ts';
import { readDoor } from './door.ts';
import { Guest, guestLogins } from './guests.ts';
import { type LoginNode, type SeatedDevice, type SeatingPlan, seated } from './people.ts';

export interface CrowdPlan extends SeatingPlan {
  /** Through which everybody logs in. */
  readonly login: LoginNode;
  /** Where devices connect, each beginning at another place of the list. Default: where they log in. */
  readonly nodes?: readonly NodeAddress[];
  readonly recorder: Recorder;
  /** In so many of the rooms somebody comes and goes; default 0. */
  readonly guests?: number;
  /** Default: 5 s for an answer, 10 s of quiet. */
  readonly patience?: Patience;
}

export interface TalkPlan {
  /** Members of each room who write, each the next message once the last was accepted. */
  readonly writers: number;
  /** Mean pause between two messages of one writer, milliseconds. */
  readonly pauseMs: number;
  readonly bodyBytes: number;
}

export class Crowd {
  readonly #seated: readonly SeatedDevice[];
  /** In the order of `seated`: devices of one room stand together. Then guests. */
  readonly talkers: readonly Talker[];
  readonly #guests: readonly Guest[];
  readonly #recorder: Recorder;
  readonly #chance: Chance;

  private constructor(
    devices: readonly SeatedDevice[],
    parts: { talkers: readonly Talker[]; guests: readonly Guest[]; recorder: Recorder; chance: Chance },
  ) {
    this.#seated = devices;
    this.talkers = parts.talkers;
    this.#guests = parts.guests;
    this.#recorder = parts.recorder;
    this.#chance = parts.chance;
  }

  /** Logs everybody in and seats them; nobody is connected yet. */
  static async gather({ login, recorder, patience, guests = 0, ...plan }: CrowdPlan): Promise<Crowd> {
    const { nodes = [{ name: 'only', port: login.port }] } = plan;
    const devices = await seated(login, plan);
    const chance = new Chance(seed);
    const patient = patience ?? { answerMs: 5_000, quietMs: 10_000 };
    const stage = { nodes, recorder, frames: new Frames(), patience: patient, chance };
    const talkers = devices.map(({ tokens, seats }, n) => {
      const talker = new Talker(tokens, stage, n % nodes.length);
      for (const seat of seats) talker.enter(seat);
      return talker;
    });
    const coming = (await guestLogins(login, guests)).map((tokens, n) => {
      const founder = n * plan.members * plan.devices;
      const [seat] = devices[founder]?.seats ?? [];
      if (seat === undefined) throw new RangeError('more guests than rooms');
      const talker = new Talker(tokens, stage, n % nodes.length);
      const place = { founder: talkers[founder] as Talker, seat, member: plan.members + 1 };
      return { talker, guest: new Guest(talker, place) };
    });
    const all = [...talkers, ...coming.map(({ talker }) => talker)];
    return new Crowd(devices, { talkers: all, guests: coming.map(({ guest }) => guest), recorder, chance });
  }

  /** Connects everybody; resolves when all are live in their rooms. */
  async start(ms = 60_000): Promise<void> {
    for (const talker of this.talkers) talker.start();
    await this.live(ms);
  }

  /** Resolves when everybody is connected and has what was there. */
  live(ms = 60_000): Promise<void> {
    return eventually('everybody is live', () => this.talkers.every(({ live }) => live), ms);
  }

  /** Begins to write in every room. */
  talk({ writers, pauseMs, bodyBytes }: TalkPlan): Talking {
    const body = crypto.getRandomValues(new Uint8Array(bodyBytes));
    const writing = this.#seats().filter((each) => each.writes && each.seat.member <= writers);
    const work = writing.map(
      ({ talker, seat }) =>
        () =>
          talker.send(seat.room, body),
    );
    return this.talking(work, pauseMs);
  }

  /** Begins to write device messages: each device to the one after it, through a room that both are in. */
  letters({ pauseMs }: Pick<TalkPlan, 'pauseMs'>): Talking {
    const work = this.talkers.flatMap((talker, n) => {
      const next = this.talkers[n + 1];
      const room = talker.rooms.find((each) => next?.rooms.includes(each));
      if (next === undefined || room === undefined) return [];
      let letters = 0;
      return [() => talker.letter(room, next, `${n} ${++letters}`)];
    });
    return this.talking(work, pauseMs);
  }

  /** Guests begin to come and go. */
  visits({ pauseMs }: Pick<TalkPlan, 'pauseMs'>): Talking {
    const work = this.#guests.map((guest) => () => guest.visit());
    return this.talking(work, pauseMs);
  }

  /** Begins to do what people do over and over, each of them with such pauses. */
  talking(work: readonly (() => Promise<unknown>)[], pauseMs: number): Talking {
    return new Talking(work, { pauseMs, chance: this.#chance });
  }

  /** Resolves when everything was answered and everybody has all of it; rejects with who does not. */
  async settled(ms = 60_000): Promise<void> {
    const left = () => {
      const heads = this.#heads();
      return this.talkers.filter(
        (talker) => talker.waiting > 0 || talker.rooms.some((room) => talker.position(room) < (heads.get(room) ?? 0)),
      );
    };
    await eventually('everybody has everything', () => left().length === 0, ms).catch((error) => {
      const names = left().map(({ key, waiting }) => `${key} (${waiting} waiting)`);
      throw new Error(`${error.message}: not so ${names.length}: ${names.slice(0, 5).join(', ')}`);
    });
    // A letter that was stored a moment ago is on its way to its device. One that is lost is for the checker to name.
    await eventually('all letters are read', () => lettersUnread(this.#recorder.history) === 0, ms).catch(() => {});
  }

  /** Ends the history, then all connections. */
  async stop(): Promise<void> {
    this.#recorder.end();
    await Promise.all(this.talkers.map((talker) => talker.stop()));
  }

  /** What the rooms hold, as their founders read it from the first record on. After `stop`. */
  finalLogs(port: number): Promise<FinalLog[]> {
    const founders = this.#seats().filter(({ seat, writes }) => writes && seat.member === 1);
    return inParallel(founders.length, 10, (n) => {
      const { talker, seat } = founders[n] as (typeof founders)[number];
      const read = () => readDoor(port, talker.tokens.accessToken, seat.room);
      // A connection may have outlived its token.
      return read().catch(() => talker.renew(port).then(read));
    });
  }

  #heads(): ReadonlyMap<string, number> {
    const heads = new Map<string, number>();
    for (const talker of this.talkers)
      for (const room of talker.rooms) heads.set(room, Math.max(heads.get(room) ?? 0, talker.position(room)));
    return heads;
  }

  #seats() {
    return this.#seated.flatMap(({ seats, writes }, n) =>
      seats.map((seat) => ({ talker: this.talkers[n] as Talker, seat, writes })),
    );
  }
}

/** People who write until they are told to stop, each the next one once the last was accepted. */
export class Talking {
  /** How many were accepted so far. */
  accepted = 0;
  readonly #end = new AbortController();
  readonly #done: Promise<unknown>;

  /** `pauseMs` is the mean pause. */
  constructor(work: readonly (() => Promise<unknown>)[], { pauseMs, chance }: { pauseMs: number; chance: Chance }) {
    this.#done = Promise.all(
      work.map((send) => {
        const random = chance.numbers();
        return this.#keepOn(send, () => pauseMs * 2 * random());
      }),
    );
    this.#done.catch(() => {});
  }

  /** Resolves when the last message of everybody was accepted; rejects when one was refused for good. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  async #keepOn(send: () => Promise<unknown>, pauseMs: () => number): Promise<void> {
    while (!this.#end.signal.aborted) {
      await send();
      this.accepted += 1;
      // Not a wait for anything but the end: the pace at which people write.
      await setTimeout(pauseMs(), undefined, { signal: this.#end.signal }).catch(() => {});
    }
  }
}
