// Freezes the contract as it is, under the next number: `npx node proto/golden/release.ts`. What is frozen is never written again: later contracts are
// compared with it, and its vectors hold for ever. Prints what belongs into released.ts.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { newestRelease } from './released.ts';

const number = newestRelease + 1;
const at = (name: string): string => new URL(name, import.meta.url).pathname;
const contract = `contract-${number}.binpb`;
if (existsSync(at(contract))) throw new Error(`${contract} is there already: add it to released.ts`);

execFileSync(at('../../node_modules/.bin/buf'), ['build', '--exclude-source-info', '-o', at(contract)], {
  cwd: at('../..'),
});
for (const name of ['messages', 'rules']) {
  copyFileSync(at(`${name}.json`), at(`${name}-${number}.json`), constants.COPYFILE_EXCL);
}
for (const name of [contract, `messages-${number}.json`, `rules-${number}.json`]) {
  console.log(
    `  '${name}': '${createHash('sha256')
      .update(readFileSync(at(name)))
      .digest('hex')}',`,
  );
}
