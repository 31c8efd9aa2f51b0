// Waiting before the next try: longer each time, up to a bound, never shorter than the server asked for, and not all at the same moment.

const [firstMs, mostMs] = [50, 2_000];

/** How long to wait before try number `tries` (from 1), milliseconds. */
export function backOffMs(tries: number, retryAfterMs: number, random: () => number = Math.random): number {
  const grown = Math.min(mostMs, firstMs * 2 ** (tries - 1));
  return retryAfterMs + grown * (0.5 + random() / 2);
}

/** Resolves when it is time for the next try. */
export function waited(tries: number, retryAfterMs = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, backOffMs(tries, retryAfterMs)));
}
