// `npm run soak:keys [-- --messages 100000 --seed N --people 5 --local]`: many devices talk for long while keys get lost in every way; in the end nothing that can't be shown is
// unexplained. Prints its seed first; the same seed draws the same story, while the processes' timing is their own. `--keep FILE` keeps what is judged, `--judge FILE` judges it again.
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { play, type StoryReport } from './story.ts';
import { judge, type Verdict } from './verdict.ts';

const { values: flags } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    people: { type: 'string', default: '5' },
    rotation: { type: 'string', default: '40' },
    batch: { type: 'string', default: '40' },
    local: { type: 'boolean', default: false },
    keep: { type: 'string' },
    judge: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
  },
});
const [seed, messages, people, rotation, batch] = [
  flags.seed,
  flags.messages,
  flags.people,
  flags.rotation,
  flags.batch,
].map(Number) as [number, number, number, number, number];
console.log(`seed ${seed}: play it again with --seed ${seed} --messages ${messages}`);
const began = performance.now();
const plan = { seed, messages, people, rotation, batch, settleMs: 75_000, local: flags.local };
const report = flags.judge
  ? (JSON.parse(readFileSync(flags.judge, 'utf8'), revived) as StoryReport)
  : await play({ ...plan, say: (line) => console.log(line) });
if (flags.keep) writeFileSync(flags.keep, JSON.stringify(report, kept));
const { counted, happened, faults, lost } = report;
const rooms = report.rooms.map(judge);
const seconds = Math.round((performance.now() - began) / 1000);
const sum = (pick: (room: Verdict) => number) => rooms.reduce((total, room) => total + pick(room), 0);
console.log(`${sum(({ messages }) => messages)} messages, shown ${sum(({ shown }) => shown)} times, in ${seconds} s`);
console.log('what happened:', Object.fromEntries(happened));
const told = [...counted].filter(([name]) =>
  /^(trouble|repaired|keys|restore|undelivered|inbox|alarm|fault)/.test(name),
);
console.log('counted:', Object.fromEntries(told.sort(([a], [b]) => (a < b ? -1 : 1))));
for (const room of rooms) for (const [why, count] of room.explained) console.log(`explained: ${count} × ${why}`);
const unexplained = rooms.flatMap((room) => room.unexplained);
const notGiven = rooms.flatMap((room) => room.notGiven);
console.log(`unexplained: ${unexplained.length}, promised and lost: ${lost}, faults: ${faults.length}`);
console.log(`of the unexplained the writer could have given: ${notGiven.length}`);
const byWriter = Map.groupBy(notGiven, (line) => line.replace(/#\d+ /, ''));
for (const [what, lines] of byWriter) console.log(`${lines.length} × ${what}, from ${lines[0]} on`);
for (const line of [...unexplained.slice(0, 40), ...faults.slice(0, 10)]) console.log(line);
process.exitCode = unexplained.length + lost + faults.length > 0 ? 1 : 0;

function kept(_: string, value: unknown): unknown {
  return value instanceof Map ? { entries: [...value] } : value;
}

function revived(_: string, value: unknown): unknown {
  const isMap = typeof value === 'object' && value !== null && Object.keys(value).join() === 'entries';
  return isMap ? new Map((value as { entries: [unknown, unknown][] }).entries) : value;
}
