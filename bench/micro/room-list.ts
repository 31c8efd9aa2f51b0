// How long a person in 500 rooms waits for the first list of them: from hello to the last page. With rooms in memory and asleep, with no history and
// with 40 messages in each room: the list must cost rooms, not messages. Run: node bench/micro/room-list.ts [--write] [--rooms 500]
import { parseArgs } from 'node:util';
import { Identity } from '../lib/identity.ts';
import { RawClient } from '../lib/raw-client.ts';
import { foundGroup, type Group, submitFrame } from '../lib/rooms.ts';
import { BenchServer, inParallel } from '../lib/server.ts';
import { median, writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: { write: { type: 'boolean', default: false }, rooms: { type: 'string', default: '500' } },
});
const count = Number(flags.rooms);
const historyMessages = 40;
const rounds = 7;
const idleSeconds = 2;

const server = await BenchServer.start({
  flags: { '--room-idle-seconds': String(idleSeconds), '--user-idle-seconds': String(idleSeconds) },
});
const login = await server.login('bench0');
const identity = new Identity(login);
let client = await RawClient.open(server.port, login);
await client.enrol(identity);
const groups = await inParallel(count, 10, (n) => foundGroup([{ client, identity }], server.provider, `list ${n}`));
const figures: Record<string, unknown>[] = [];
await measure('no history');
await say();
await measure(`${historyMessages} messages each`);
client.wire.cut();
await server.stop();
console.table(figures);
if (flags.write) writeResult('micro-room-list', { rooms: count, historyMessages, rounds }, figures);

/** Rooms fall asleep by themselves between two rounds, or are kept awake by the one before. */
async function measure(history: string): Promise<void> {
  for (const asleep of [false, true]) {
    const micros: number[] = [];
    await list();
    for (let n = 0; n < rounds; n++) {
      client.wire.cut();
      if (asleep) await new Promise((resolve) => setTimeout(resolve, (idleSeconds + 1.5) * 1000));
      micros.push(await list());
    }
    figures.push({
      history,
      rooms: asleep ? 'asleep' : 'as they are',
      'first list ms': Math.round(median(micros) / 100) / 10,
    });
  }
}

async function list(): Promise<number> {
  const next = new RawClient(server.port);
  await next.wire.opened;
  const began = performance.now();
  const hello = { version: 1, accessToken: login.accessToken, client: 'bench', quiet: false };
  await next.ask({ $case: 'hello', value: hello }, 'welcome');
  let [after, listed] = ['', 0];
  do {
    const page = await next.ask({ $case: 'listRooms', value: { after, room: '' } }, 'roomList');
    after = page.next;
    listed += page.rooms.filter(({ headSeq }) => headSeq > 0).length;
  } while (after !== '');
  const micros = (performance.now() - began) * 1000;
  if (listed !== count) throw new Error(`${listed} rooms with a head instead of ${count}`);
  client = next;
  return micros;
}

async function say(): Promise<void> {
  const body = crypto.getRandomValues(new Uint8Array(600));
  let sendId = 1000;
  let request = 1_000_000;
  for (let round = 0; round < historyMessages; round++) {
    await inParallel(count, 50, async (n) => {
      const { room, control } = groups[n] as Group;
      const [id, number] = [++sendId, ++request];
      const place = { room, member: 1, device: login.deviceNumber, sendId: id, body, control };
      await client.answered(number, submitFrame(number, place));
    });
  }
}
