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
import { cpuOf } from '../lib/cluster.ts';
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
const [cpu, botCpu] = [await server.cpu(), cpuOf(bot.pid as number)];
const seats = await enrolled(server.port, logins);
const setUpMs = performance.now() - began;
const waited: number[] = [];
await Promise.all(
  seats.map(async (seat) => {
    await invited(seat);
    waited.push(performance.now() - began);
  }),
);
const figures = {
  'all set up ms': Math.round(setUpMs),
  'half invited ms': Math.round(waited[waited.length >> 1] ?? 0),
  'all invited ms': Math.round(waited.at(-1) ?? 0),
  'server CPU ms a newcomer': Math.round(((await server.cpu()) - cpu) / 1_000 / count),
  'bot CPU ms a newcomer': Math.round((cpuOf(bot.pid as number) - botCpu) / 1_000 / count),
};
console.table([figures]);
if (values.write) writeResult('micro-info-bot', { people: count }, [figures]);
bot.kill('SIGKILL');
for (const { client } of seats) client.wire.cut();
await server.stop();
rmSync(folder, { recursive: true, force: true });

/** Looks when the person's inbox moves, as an app does, and now and then besides, since that word is a hint. A thousand who look every second would be the load
 * that is measured. */
async function invited(seat: EnrolledSeat): Promise<void> {
  for (;;) {
    const moved = Promise.withResolvers<void>();
    seat.client.pushed = ({ $case }) => $case === 'inboxMoved' && moved.resolve();
    if (await isInvited(seat)) return;
    const later = setTimeout(moved.resolve, 10_000);
    await moved.promise;
    clearTimeout(later);
  }
}

async function isInvited({ client }: EnrolledSeat): Promise<boolean> {
  const { rooms } = await client.ask({ $case: 'listRooms', value: { after: '', room: '' } }, 'roomList');
  return rooms.some(({ status, invitedByBot }) => status === MemberStatus.MEMBER_STATUS_INVITED && invitedByBot);
}
