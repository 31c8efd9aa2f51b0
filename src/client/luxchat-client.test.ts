// How a client begins, ends, and tells what nobody waits for.
import { expect, it, vi } from 'vitest';
import type { EngineEvents } from './crypto/engine.ts';
import { Emitter } from './emitter.ts';
import { ClientError } from './errors.ts';
import { MemoryStore } from './store/memory-store.ts';
import { idleEngine, ScriptedSession } from './testing/scripted-session.ts';

it('tells a bug of the engine, and of what it logs in with, as a fault', async () => {
  const events = new Emitter<EngineEvents>();
  const bugs = [new TypeError('in the engine'), new TypeError('in the login')];
  const { client } = new ScriptedSession(() => undefined, {
    engine: idleEngine({ on: events.on.bind(events) }),
    accessToken: () => Promise.reject(bugs[1]),
  });
  const faults: Error[] = [];
  const told = client.once('fault', () => faults.length === 2);
  client.on('fault', (error) => faults.push(error));
  await client.start();
  events.emit('fault', bugs[0] as Error);
  await told;
  await client.close();
  expect(faults.slice(0, 2)).toEqual(bugs);
});

it('counts that there was no access token to be had, and tries again', async () => {
  let tries = 0;
  const accessToken = async () => {
    tries += 1;
    if (tries < 3) throw new ClientError('OFFLINE', 'The server can not be reached.');
    return 'token';
  };
  const { client } = new ScriptedSession(() => undefined, { accessToken });
  await client.start();
  await client.synced();
  expect(client.counters()).toMatchObject({ 'later.OFFLINE': 2 });
  expect(client.counters().fault).toBeUndefined();
  await client.close();
});

it('gives its store back, also where the engine can not be closed', async () => {
  const broken = new Error('the engine is broken');
  const close = async () => {
    throw broken;
  };
  const store = new MemoryStore();
  const { client } = new ScriptedSession(() => undefined, { store, engine: idleEngine({ close }) });
  await client.start();
  const given = vi.spyOn(store, 'close');
  await expect(client.close()).rejects.toBe(broken);
  expect(given).toHaveBeenCalledTimes(1);
});

it('waits for no server where nothing waits to go out', async () => {
  const { client } = new ScriptedSession(() => undefined, { accessToken: () => new Promise(() => {}) });
  await client.start();
  await client.flushed(600_000);
  await client.close();
});
