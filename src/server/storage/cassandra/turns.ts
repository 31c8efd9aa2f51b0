// Who waits for whom before a request is sent. Nothing is remembered of names and slots that are free.

/** Under one name, one at a time, in the order asked. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const mine = before === undefined ? run() : before.then(run);
    // Whoever asked hears of the failure.
    const settled = mine.catch(() => {});
    this.#last.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}

/** So many at a time, in the order asked. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(run: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    // Whoever ends hands its slot on.
    else await new Promise<void>((resume) => this.#waiting.push(resume));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
