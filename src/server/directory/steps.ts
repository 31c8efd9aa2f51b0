// When the answer to a search leaves: at the end of a step of time after it was asked, whatever was found. A name that was given up lies in Cassandra as a
// tombstone for some days, and passing over it takes a twentieth of a millisecond: nobody sees that in an answer which waits for the end of a step anyway.

/** Milliseconds. Nearly all searches end within the first one, on either store, and a person does not notice it. */
export const stepMs = 50;

/** A timer: it must let others run meanwhile. */
export type Wait = (ms: number) => Promise<void>;

export const systemWait: Wait = (ms) => new Promise((resolve) => void setTimeout(resolve, ms));

/** Does `work`; resolves to what came of it at the end of the step in which it ended. Rejects at once. */
export async function inSteps<T>(work: () => Promise<T>, wait: Wait): Promise<T> {
  // Before the work begins, so that when it fires has nothing to do with how long that takes: timers count whole milliseconds from when they are set.
  let step = wait(stepMs);
  let isDone = false;
  const working = work().then((result) => {
    isDone = true;
    return result;
  });
  const failing = working.then(() => new Promise<never>(() => {}));
  for (;;) {
    await Promise.race([step, failing]);
    if (isDone) return await working;
    step = wait(stepMs);
  }
}
