// Waiting before the next try: longer each time, up to a bound, never shorter than the server asked for, and not all at the same moment.

const [firstMs, mostMs] = [50, 2_000];

/** How long to wait before try number `tries` (from 1), milliseconds. */
export function backOffMs(tries: number, retryAfterMs: number, random: () => number): number {
  const grown = Math.min(mostMs, firstMs * 2 ** (tries - 1));
  return retryAfterMs + grown * (0.5 + random() / 2);
}

/** Resolves when it is time for the next try. */
export type Waited = (tries: number, retryAfterMs?: number) => Promise<void>;

/** Waiting of one device, with numbers of its own. */
export function backOff(random: () => number): Waited {
  return (tries, retryAfterMs = 0) =>
    new Promise((resolve) => setTimeout(resolve, backOffMs(tries, retryAfterMs, random)));
}
