// What one run of a device was warned of, the next one still says: its counters begin with it and would say nothing.
import { afterEach, describe, expect, it } from 'vitest';
import type { Alarm } from './alarms.ts';
import { AlarmNotes, doubtsOf } from './doubts.ts';
import type { RoomInfo } from './shown.ts';
import { MemoryStore } from './store/memory-store.ts';
import { DirectHub } from './testing/direct-hub.ts';
import { invites } from './testing/others.ts';
import { ScriptedSession } from './testing/scripted-session.ts';

const bob = '@bob:localhost';

/** A disk: what is closed is still there. */
class Disk extends MemoryStore {
  override async close(): Promise<void> {}
}

let session: ScriptedSession | undefined;
afterEach(() => session?.client.close());

/** A run of the device on this disk; before it the last one ends. */
async function run(store: Disk, hub?: DirectHub) {
  await session?.client.close();
  session = hub ? await hub.session(store) : new ScriptedSession(() => undefined, { store });
  if (!hub) await session.client.start();
  return session.client;
}

describe('doubts', () => {
  it('are none where nothing speaks against what is shown', async () => {
    const client = await run(new Disk());
    expect(await client.doubts()).toEqual({ alarms: [], frozen: [], changed: [], unheard: [], unread: {} });
  });

  it.each([
    [100_000, {}],
    [100_001, { unreadMore: true }],
  ])('count at most 100,000 lines that can not be read, and say where there are more: %i', async (count, more) => {
    const value = new TextEncoder().encode('NO_KEY s 2.1');
    const list = async (table: string, { limit }: { limit: number }) =>
      table === 'undecrypted' ? Array(Math.min(limit, count)).fill({ key: '!r 1', value }) : [];
    const parts = { store: { list }, people: { startedOver: () => [] } } as never;
    const doubts = await doubtsOf(parts, { notes: new AlarmNotes(() => parts), rooms: [] });
    expect(doubts).toEqual({ alarms: [], frozen: [], changed: [], unheard: [], unread: { NO_KEY: 100_000 }, ...more });
  });

  it('name each alarm once, also those of earlier runs', async () => {
    const store = new Disk();
    const alarms: Alarm[] = [
      { code: 'RECORD_INVALID', room: '!b' },
      { code: 'HISTORY_FORKED', room: '!a', user: bob },
      { code: 'MANIFEST_INVALID', user: bob },
      { code: 'BACKUP_ROLLED_BACK' },
    ];
    for (const alarm of [...alarms, ...alarms]) (await run(store)).parts.alarm(alarm);
    const client = await run(store);
    const { alarms: noted } = await client.doubts();
    expect(noted).toHaveLength(alarms.length);
    expect(noted.map(({ at: _, ...alarm }) => alarm)).toEqual(expect.arrayContaining(alarms));
    expect(noted.every(({ at }) => Math.abs(Date.now() - at) < 60_000)).toBe(true);
    expect(Object.keys(client.counters()).filter((name) => name.startsWith('alarm'))).toEqual([]);
  });

  it('note at most 1,000, and nothing that a key of the store could not hold', async () => {
    const client = await run(new Disk());
    client.parts.alarm({ code: 'RECORD_INVALID', room: 'ü b', user: `@${'x'.repeat(2_000)}` });
    for (let n = 1; n <= 1_000; n++) client.parts.alarm({ code: 'RECORD_INVALID', room: `!${n}` });
    const { alarms } = await client.doubts();
    expect(alarms).toHaveLength(1_000);
    expect(alarms.filter(({ room }) => room === undefined)).toHaveLength(1);
    expect(client.counters().fault).toBeUndefined();
  });

  it('name who has another identity, until a person approved it, and the lines that wait for a key', async () => {
    const [hub, store] = [new DirectHub(), new Disk()];
    invites(hub, hub.person(bob));
    const first = await run(store, hub);
    await first.people.refresh([bob], '');
    hub.startsOver(bob);
    await first.people.refresh([bob], '');
    const [a, b, c] = ['NO_KEY s 2.1', 'NO_KEY t 2.1', 'WITHHELD  2.1'].map((text) => new TextEncoder().encode(text));
    const rows = [a, b, c].map((value, at) => ({ table: 'undecrypted' as const, key: `!r ${at}`, value }));
    await store.write(rows);
    const client = await run(store, hub);
    expect(await client.doubts()).toMatchObject({ changed: [bob], unread: { NO_KEY: 2, WITHHELD: 1 } });
    await client.approveIdentity(bob);
    expect((await client.doubts()).changed).toEqual([]);
  });

  it('name who is given no keys once for each reason, in however many rooms', async () => {
    const client = await run(new Disk());
    const [notes, marks] = [new AlarmNotes(() => client.parts), [{ user: bob, why: 'NOT_SIGNED_IN' as const }]];
    const hidden = { user: bob, why: 'MANIFEST_WITHHELD' as const };
    const rooms = [marks, marks, [...marks, hidden]].map((unheard) => ({ unheard, frozen: '' }) as unknown as RoomInfo);
    expect((await doubtsOf(client.parts, { notes, rooms })).unheard).toEqual([...marks, hidden]);
  });
});
