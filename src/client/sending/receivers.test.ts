// What is written in a 1:1 room while the other can't be given the key of it: it waits, says so, and goes out by itself once they can.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ControlKind } from '#proto/gen/record.ts';
import type { Exclusion } from '../crypto/engine.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { enters } from '../testing/others.ts';
import type { ScriptedSession } from '../testing/scripted-session.ts';

const bob = '@bob:localhost';
let session: ScriptedSession | undefined;
afterEach(() => session?.client.close());

/** This device and Bob talk with each other. */
async function world() {
  const hub = new DirectHub();
  const before = hub.person(bob);
  // Outlives the client: the next one goes on with it.
  const store = Object.assign(new MemoryStore(), { close: async () => {} });
  session = await hub.session(store);
  const { client } = session;
  const room = await client.startDirect(bob);
  enters(hub, room, before, { kind: ControlKind.CONTROL_KIND_ACCEPT, actor: 2, target: 2 });
  await vi.waitFor(() => expect(client.room(room).members).toEqual([bob]));
  const write = async (text: string) => {
    const { localId } = await client.send(room, text);
    await client.flushed(2_000);
    const line = (await client.timeline(room)).find((item) => item.localId === localId);
    return line?.sending;
  };
  const sent = (text: string) =>
    vi.waitFor(async () => {
      const line = (await client.timeline(room)).find(({ content }) => textOf(content) === text);
      expect(line?.sending).toBe('accepted');
    });
  return { hub, client, room, write, sent, store };
}

function textOf(content: { body?: { $case: string; value: unknown } | undefined } | undefined): string {
  return content?.body?.$case === 'text' ? (content.body.value as { text: string }).text : '';
}

describe('what is written to somebody in a 1:1 room', () => {
  it('goes out while they are who they were', async () => {
    const { client, room, write } = await world();
    expect([await write('hello'), client.room(room).unheard]).toEqual(['accepted', []]);
  });

  // It showed as sent, and nobody was given the key.
  it('waits after they started over, until a person approves them, and goes out by itself', async () => {
    const { hub, client, room, write, sent } = await world();
    hub.startsOver(bob);
    await client.people.refresh([bob], '');
    const marked = vi.fn();
    client.on('room', marked);
    expect(await write('secret')).toBe('waiting');
    expect(client.counters()['alarm.IDENTITY_SWAPPED']).toBe(2);
    expect(client.room(room).unheard).toEqual([{ user: bob, why: 'IDENTITY_CHANGED' }]);
    expect(client.members(room).find(({ user }) => user === bob)?.identity).toBe('changed');
    await client.approveIdentity(bob);
    await sent('secret');
    expect(client.room(room).unheard).toEqual([]);
    expect(marked.mock.calls.some(([info]) => info.room === room && info.unheard.length === 0)).toBe(true);
  });

  it('waits where a person approved them, until they are signed in', async () => {
    const { hub, client, room, write, sent } = await world();
    const anew = hub.startsOver(bob);
    await client.people.refresh([bob], '');
    // The entry that signs them in did not come through.
    await client.people.approvals.approve(bob, anew.master.publicKey);
    expect(await write('secret')).toBe('waiting');
    expect(client.room(room).unheard).toEqual([{ user: bob, why: 'NOT_SIGNED_IN' }]);
    expect(client.members(room).find(({ user }) => user === bob)?.identity).toBe('approved');
    await client.vouching.followUser(bob);
    await sent('secret');
  });

  it('waits while their newest list is kept back, also after a restart, until it is there', async () => {
    const { hub, client, room, write, store } = await world();
    const { body } = client.people.get(bob)!.manifest;
    const named = { version: body.version + 1, hash: new Uint8Array(32) };
    const device = hub.person(bob).device(1).id;
    await client.people.deviceStanding(bob, device, { room, acceptedMs: 1, afterMs: 0, named });
    expect(await write('secret')).toBe('waiting');
    expect(client.room(room).unheard).toEqual([{ user: bob, why: 'MANIFEST_WITHHELD' }]);
    await client.close();
    session = await hub.session(store);
    const again = session.client;
    await again.flushed(2_000);
    expect(again.room(room).unheard).toEqual([{ user: bob, why: 'MANIFEST_WITHHELD' }]);
    expect(again.outbox.waiting(room).length).toBeGreaterThan(0);
    hub.listsAnew(bob);
    await again.people.tryRefresh(bob, room);
    await vi.waitFor(() => expect(again.outbox.waiting(room)).toEqual([]));
    expect(again.room(room).unheard).toEqual([]);
  });

  it('waits where the engine was shown another identity than the list is of', async () => {
    const { client, room, write, sent } = await world();
    let excluded: Exclusion[] = [{ user: bob, reason: 'IDENTITY_CHANGED' }];
    const { engine } = client.parts;
    const encrypt = engine.encrypt;
    Object.assign(client.parts, {
      engine: new Proxy(engine, {
        get: (target, name: keyof typeof engine) =>
          name === 'encrypt'
            ? async (request: never) => ({ ...(await encrypt(request)), excluded })
            : Reflect.get(target, name),
      }),
    });
    const { localId } = await client.send(room, 'secret');
    await vi.waitFor(() => expect(client.counters()['alarm.IDENTITY_SWAPPED']).toBe(1), 5_000);
    await client.flushed(2_000);
    expect(client.outbox.waiting(room).map((send) => send.localId)).toContain(localId);
    excluded = [];
    client.outbox.kick(room);
    await sent('secret');
    expect(await write('more')).toBe('accepted');
  });
});
