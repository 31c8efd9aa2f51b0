// A device that floods and never tires: as soon as one session is ended for it, it comes back and goes on, until it is told to stop.
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from './harness.ts';
import { frameOf, RawSocket } from './hostile-socket.ts';
import type { Stage } from './hostile-stage.ts';

/** Frames in one go, far more than a session may have turned down. */
const framesEach = 1_000;

/** The flood. Everything is counted, nothing is timed. */
export class Flood {
  /** Codes with which its sessions ended. */
  readonly ends: number[] = [];
  /** Most answers that one session got to its thousand frames. */
  answersMax = 0;
  readonly framesEach = framesEach;
  readonly #stage: Stage;
  readonly #done: Promise<void>;
  #stopped = false;

  private constructor(stage: Stage) {
    this.#stage = stage;
    this.#done = this.#flood();
  }

  /** Begins; resolves when the first session was ended and the next one floods. */
  static async begin(stage: Stage): Promise<Flood> {
    const flood = new Flood(stage);
    await flood.goesOn();
    return flood;
  }

  /** Waits until so many more sessions were ended. */
  async goesOn(sessions = 1): Promise<void> {
    const enough = this.ends.length + sessions;
    await eventually('the flood goes on', () => this.ends.length >= enough, 20_000);
  }

  /** No more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #flood(): Promise<void> {
    const { provider, login } = this.#stage;
    while (!this.#stopped) {
      const raw = await RawSocket.greet(provider, login.accessToken).catch(() => null);
      // The door has had enough for now.
      if (raw === null) {
        await pause(20);
        continue;
      }
      raw.frames(...Array.from({ length: framesEach }, (_, at) => frameOf(1_000 + at, undefined)));
      this.ends.push(await raw.ended);
      this.answersMax = Math.max(this.answersMax, raw.heard.length);
    }
  }
}
