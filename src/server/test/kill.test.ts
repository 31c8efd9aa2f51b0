// What was acknowledged is there after any kill of the server, at the place that was acknowledged, and nothing is there twice. The server dies twenty
// times while two people write; nobody asks it to stop. TALK_SEED=<seed> plays other moments.
import { expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { TimelineItem } from '#client/shown.ts';
import { eventually, generator, ProviderProcess, seed } from './harness.ts';
import { expectSound, textOf } from './shown.ts';

const kills = 20;
const perRound = 12;
/** The whole process with its LuxID, on a machine that does other things. */
const startMsMax = 10_000;

it(`keeps every acknowledged message through ${kills} kills (seed ${seed})`, { timeout: 240_000 }, async () => {
  const provider = await ProviderProcess.start();
  const [alice, bob] = [await provider.device('alice'), await provider.device('bob')];
  try {
    const room = await alice.startDirect(bob.user);
    await eventually('bob is invited', () => bob.rooms().length > 0, 20_000, [bob]);
    await bob.accept(room);
    await eventually('both are in', () => alice.room(room).members.length === 1, 20_000, [alice]);

    const acked = new Map<string, number>();
    for (const client of [alice, bob]) client.on('item', (line) => noteAcked(acked, line));
    const random = generator(seed);
    const starts: number[] = [];
    for (let round = 0; round < kills; round++) {
      const dies = Math.floor(random() * perRound);
      const before = acked.size;
      for (let n = 0; n < perRound; n++)
        for (const client of [alice, bob]) await client.send(room, `${nameOf(client, alice)} ${round} ${n}`);
      // Somewhere among them: some are acknowledged, one may be on its way, the others wait.
      await eventually('some are acknowledged', () => acked.size >= before + dies, 30_000, [alice, bob]);
      await provider.kill();
      starts.push(Math.round(await provider.restart()));
    }
    await Promise.all([alice, bob].map((client) => client.flushed(60_000)));
    const total = kills * perRound * 2;
    for (const client of [alice, bob]) {
      const holdsAll = async () => (await linesOf(client, room)).length >= total;
      await eventually('everything is held', holdsAll, 30_000, [alice, bob]);
      const lines = await linesOf(client, room);
      expect(lines.map(({ kind }) => kind)).toEqual(lines.map(() => 'message'));
      expect(new Set(lines.map(textOf)).size).toBe(total);
      expect(lines).toHaveLength(total);
      const places = new Map(lines.map(({ id, seq }) => [id, seq]));
      for (const [id, seq] of acked) expect([id, places.get(id)]).toEqual([id, seq]);
      expectSound(client);
    }
    expect(acked.size).toBe(total);
    expect(Math.max(...starts)).toBeLessThan(startMsMax);
    console.log(`start after a kill: ${Math.min(...starts)} to ${Math.max(...starts)} ms`);
  } finally {
    await Promise.all([alice, bob].map((client) => client.close()));
    await provider.remove();
  }
});

/** The first answer to a message is the one that counts: a later one must not differ. */
function noteAcked(acked: Map<string, number>, { own, sending, id, seq, kind }: TimelineItem): void {
  if (!own || kind !== 'message' || sending !== 'accepted') return;
  expect(acked.get(id) ?? seq).toBe(seq);
  acked.set(id, seq);
}

async function linesOf(client: LuxchatClient, room: string): Promise<TimelineItem[]> {
  return (await client.timeline(room, { limit: 10_000 })).filter(({ kind }) => kind !== 'notice');
}

function nameOf(client: LuxchatClient, alice: LuxchatClient): string {
  return client === alice ? 'alice' : 'bob';
}
