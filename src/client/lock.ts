// Turns taken in order: one task at a time, first come first served. A task that fails harms none after it.

/** A lock without owner: `run` tasks follow each other. A task must not run another on the same lock and await it. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all tasks given before have ended. Settles as the task does. */
  run<T>(task: () => Promise<T> | T): Promise<T> {
    const turn = this.#last.then(() => task());
    // Whoever gave the task hears of its failure.
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** One lock per name, forgotten when nobody waits. */
export class NamedLocks {
  #locks = new Map<string, { lock: Lock; users: number }>();

  /** Runs `task` when all earlier tasks of the same name have ended. */
  async run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const entry = this.#locks.get(name) ?? { lock: new Lock(), users: 0 };
    this.#locks.set(name, entry);
    entry.users += 1;
    try {
      return await entry.lock.run(task);
    } finally {
      entry.users -= 1;
      if (entry.users === 0) this.#locks.delete(name);
    }
  }
}
