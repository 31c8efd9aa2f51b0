// The test runner's global setup of the project `cassandra`: opens the door behind which the shared services are, and closes it at the end of the run.
// It costs nothing to suites that ask for none.
import { relative } from 'node:path';
import type { TestProject } from 'vitest/node';
import { say } from '../progress.ts';
import { type Refused, shareServices } from './services.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where suites ask for the shared services. */
    luxchatServices: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await shareServices();
  project.provide('luxchatServices', services.url);
  return async () => sayRefused(await services.close());
}

/** Those suites failed; once more at the end, where it is read, and the run is red whatever they made of it. */
function sayRefused(refused: readonly Refused[]): void {
  for (const failure of new Set(refused.map((each) => each.failure))) {
    say(`\nThese suites DID NOT RUN: ${failure}`);
    for (const each of refused) if (each.failure === failure) say(`  ${relative('.', each.suite)}`);
    process.exitCode = 1;
  }
}
