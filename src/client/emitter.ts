// Typed events: a listener that throws is reported and harms no other.

/** A set of listeners by event name. `Events` maps each name to what its listeners get. */
export class Emitter<Events extends object> {
  #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Calls `listener` at each event until the returned function is called. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener as (value: never) => void);
    return () => set.delete(listener as (value: never) => void);
  }

  /** Resolves with the first event of that name for which `test` holds. Rejects when `signal` aborts. */
  once<Name extends keyof Events>(
    name: Name,
    test: (value: Events[Name]) => boolean = () => true,
    signal?: AbortSignal,
  ): Promise<Events[Name]> {
    return new Promise((resolve, reject) => {
      const stop = this.on(name, (value) => {
        if (!test(value)) return;
        stop();
        resolve(value);
      });
      signal?.addEventListener('abort', () => {
        stop();
        reject(signal.reason);
      });
    });
  }

  /** Tells every listener, in the order they came. */
  emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as (value: Events[Name]) => void)(value);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

function reportError(error: unknown): void {
  // An application's listener failed: that is its bug, shown where unhandled errors are shown, not ours to swallow.
  queueMicrotask(() => {
    throw error;
  });
}
