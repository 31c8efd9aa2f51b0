// Writes the golden files of the contract in the making: `npx node proto/golden/make.ts`. `messages.json` holds bytes of every message, `rules.json`
// vectors of the rules. What was released (released.ts) is never written here.
import { writeFileSync } from 'node:fs';
import { ruleVectors } from './rule-vectors.ts';
import { allSamples } from './sample.ts';

const at = (name: string): string => new URL(name, import.meta.url).pathname;
const lines = allSamples().map((sample) => JSON.stringify(sample));
writeFileSync(at('messages.json'), `[\n${lines.join(',\n')}\n]\n`);
writeFileSync(at('rules.json'), `${JSON.stringify(ruleVectors(), null, 2)}\n`);
