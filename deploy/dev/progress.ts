// Lines about what a launcher is doing, and waits that end. Everything goes to stderr: stdout belongs to the caller.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Says one line, such as "Cassandra: ready in 6 s". */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Whole seconds since `start` (of `performance.now()`), one decimal below ten. */
export function secondsSince(start: number): string {
  const seconds = (performance.now() - start) / 1000;
  return seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0);
}

/** Asks `check` every 100 ms until it is true. Resolves false when `deadlineMs` has passed or `ended` says that waiting is of no use. */
export async function waitFor(
  check: () => boolean | Promise<boolean>,
  options: { deadlineMs: number; ended?: () => boolean },
): Promise<boolean> {
  const end = performance.now() + options.deadlineMs;
  while (!options.ended?.() && performance.now() < end) {
    if (await check()) return true;
    await sleep(100);
  }
  return false;
}

/** The last lines of a file, or a word that there is none. */
export function tailOf(file: string, lines = 25): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    // It stands beside a failure that says more.
    return `(no ${file})`;
  }
}
