// People who log in for the first time all at once, and the Info bot that invites them: from the first one who is set up to the last one who has the invitation.
// Run: node bench/micro/info-bot.ts [--people 1000] [--write]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MemberStatus } from '#proto/gen/record.ts';
import { type EnrolledSeat, enrolled, people } from '../lib/people.ts';
import { BenchServer } from '../lib/server.ts';
import { writeResult } from './lib/figures.ts';

const { values } = parseArgs({
  options: { people: { type: 'string', default: '1000' }, write: { type: 'boolean', default: false } },
});
const count = Number(values.people);
const program = fileURLToPath(new URL('../../src/bots/info/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'luxchat-info-bench-'));

const server = await BenchServer.start({ flags: { '--info-bot': 'elsewhere' } });
const logins = await people(server, count);
const place = ['--folder', join(folder, 'bot'), '--secret-file', join(server.folder, 'secrets', 'bot-info')];
const bot = spawn(process.execPath, [program, '--server', `http://127.0.0.1:${server.port}`, ...place], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise<void>((ready) => createInterface({ input: bot.stdout }).on('line', () => ready()));

const began = performance.now();
const cpu = await server.cpu();
const seats = await enrolled(server.port, logins);
const setUpMs = performance.now() - began;
const waited: number[] = [];
let left: readonly EnrolledSeat[] = seats;
while (left.length > 0) {
  const answers = await Promise.all(left.map((seat) => isInvited(seat)));
  const now = performance.now() - began;
  for (const invited of answers) if (invited) waited.push(now);
  left = left.filter((_, at) => !answers[at]);
  // A look costs the server more than it should: seldom, and the figure is as coarse as that.
  if (left.length > 0) await new Promise((later) => setTimeout(later, 1_000));
}
const figures = {
  'all set up ms': Math.round(setUpMs),
  'half invited ms': Math.round(waited[waited.length >> 1] ?? 0),
  'all invited ms': Math.round(waited.at(-1) ?? 0),
  'server CPU ms a newcomer': Math.round(((await server.cpu()) - cpu) / 1_000 / count),
};
console.table([figures]);
if (values.write) writeResult('micro-info-bot', { people: count }, [figures]);
bot.kill('SIGKILL');
for (const { client } of seats) client.wire.cut();
await server.stop();
rmSync(folder, { recursive: true, force: true });

async function isInvited({ client }: EnrolledSeat): Promise<boolean> {
  const { rooms } = await client.ask({ $case: 'listRooms', value: { after: '' } }, 'roomList');
  return rooms.some(({ status, invitedByBot }) => status === MemberStatus.MEMBER_STATUS_INVITED && invitedByBot);
}
