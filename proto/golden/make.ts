// Writes the golden files: `npx node proto/golden/make.ts`. `messages-<n>.json` holds recorded bytes of every message; files with a lower n are
// of released contracts and are never written again: give the next number once a contract is released. Also `rules.json` and `contract.binpb`.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { ruleVectors } from './rule-vectors.ts';
import { allSamples } from './sample.ts';

/** The contract in the making. */
const generation = 1;

const at = (name: string): string => new URL(name, import.meta.url).pathname;
const lines = allSamples().map((sample) => JSON.stringify(sample));
writeFileSync(at(`messages-${generation}.json`), `[\n${lines.join(',\n')}\n]\n`);
writeFileSync(at('rules.json'), `${JSON.stringify(ruleVectors(), null, 2)}\n`);
execFileSync(at('../../node_modules/.bin/buf'), ['build', '--exclude-source-info', '-o', at('contract.binpb')], {
  cwd: at('../..'),
});
