// Waiting for what is about to happen, with a deadline; and for one turn of the loop.

const deadlineMs = 20_000;

/** Waits until `holds` is true, asked whenever a waker is called; fails loudly at the deadline. */
export async function until(holds: () => boolean, wakers: Set<() => void>, what: string): Promise<void> {
  if (holds()) return;
  let wake = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing came within ${deadlineMs} ms: ${what}`)), deadlineMs);
      wake = () => {
        if (!holds()) return;
        clearTimeout(timer);
        resolve();
      };
      wakers.add(wake);
    });
  } finally {
    wakers.delete(wake);
  }
}

/** Resolves in the next turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
