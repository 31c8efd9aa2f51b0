// Two thousand connections that break at once, and come back at once, on three nodes. The logins are not what it tests, so LuxID is left out.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QuickLogins } from '#bench/lib/quick-logins.ts';
import { eventually } from '../../harness.ts';
import { Cable } from '../cable.ts';
import { Trial } from '../trial.ts';
import type { Place } from './place.ts';

const rooms = 100;
const members = 10;
const devices = 2;

/** The nodes must run. One of them does not afterwards. */
export function storm(given: () => Place): void {
  let logins: QuickLogins;
  const cables: Cable[] = [];
  beforeAll(async () => {
    const { stage, cassandra } = given();
    for (const node of stage.provider.nodes) cables.push(await Cable.to(stage.portOf(node)));
    logins = await QuickLogins.open(cassandra, cassandra.keyspace, 'localhost');
  });
  afterAll(async () => {
    await logins?.close();
    for (const cable of cables) await cable.close();
  });

  it('brings 2,000 devices back with everything they missed, while a node is killed', {
    timeout: 300_000,
  }, async () => {
    const { stage, cassandra } = given();
    const portOf = (node: number) => (cables[node - 1] as Cable).port;
    // 67 messages and 50 device messages a second: the storm is the load. At the default pace two thousand devices would write 1,000 device messages a
    // second, more than one Cassandra and three nodes take on two cores, and who waits too long for an answer comes back for ever.
    const pace = { writers: 1, pauseMs: 1_500, bodyBytes: 300, lettersMs: 40_000 };
    const login = { port: stage.portOf(stage.node(1)), logIn: (user: string) => logins.logIn(user) };
    const plan = { rooms, members, devices, ...pace, login, portOf };
    const trial = await Trial.begin(stage, plan);
    const { talkers } = trial.crowd;
    expect(talkers).toHaveLength(rooms * members * devices);
    const connected = () => talkers.filter((talker) => talker.connected).length;
    await trial.fault('all connections break', async () => {
      for (const cable of cables) cable.cut();
      await eventually('all are gone', () => connected() === 0);
      for (const cable of cables) cable.heal();
      await eventually('all are back', () => connected() === talkers.length, 60_000);
    });
    await trial.fault('a node is killed, and a third of them come to the others', async () => {
      await stage.node(2).kill();
      await eventually('all are back', () => connected() === talkers.length, 60_000);
    });
    const { violations, recovery } = await trial.end({ ...cassandra });
    expect(violations).toEqual([]);
    expect(recovery.filter(({ max }) => max > 40_000)).toEqual([]);
  });
}
