// Ranges of seeds for tests: what fails is named with the command that replays it.
import { simulate } from './simulate.ts';

/** Seeds that every test run simulates, and into how many files they are cut, so that two cores share them. */
export const seedsInTests = 2_000;
export const partsInTests = 4;
/** Seeds of providers of several nodes, for each number of nodes. */
export const seedsOfNodes = 150;

/** Runs one part of the seeds, from 0; returns what failed, a line each. */
export function runPart(part: number): string[] {
  const size = seedsInTests / partsInTests;
  const failures: string[] = [];
  for (let seed = part * size + 1; seed <= (part + 1) * size; seed++) {
    const { violations } = simulate({ seed });
    if (violations.length > 0) failures.push(failureOf(seed, violations));
  }
  return failures;
}

/** A line that says what went wrong and how to see it again. */
export function failureOf(seed: number, violations: readonly string[]): string {
  return `seed ${seed}: ${violations[0]}; replay it with: node actors/sim/run.ts --seed ${seed}`;
}
