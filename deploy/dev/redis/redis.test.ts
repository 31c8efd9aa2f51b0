// A real Redis: reached by socket and by port, forgotten at flush and restart, silent while paused.
import { Redis as Client } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { type Redis, startRedis } from './redis.ts';
import { command } from './resp.ts';

let redis: Redis | undefined;
afterEach(() => redis?.stop());

it.each(['socket', 'port'] as const)('answers by %s and forgets at flush', async (listen) => {
  redis = await startRedis({ listen });
  const client = new Client(redis.address);
  try {
    expect(await client.set('hint', '1')).toBe('OK');
    await redis.flush();
    expect(await client.get('hint')).toBeNull();
  } finally {
    client.disconnect();
  }
});

it('says nothing while it is paused and goes on afterwards', async () => {
  redis = await startRedis();
  await command(redis.address, 'SET hint 1');
  redis.pause();
  await expect(command(redis.address, 'PING', 300)).rejects.toThrow('in time');
  redis.resume();
  expect(await command(redis.address, 'PING')).toBe('PONG');
  expect(await command(redis.address, 'EXISTS hint')).toBe('1');
});

it('comes back empty at the same address after a SIGKILL', async () => {
  redis = await startRedis();
  await command(redis.address, 'SET hint 1');
  await redis.kill();
  await expect(command(redis.address, 'PING')).rejects.toThrow();
  await redis.restart();
  expect(await command(redis.address, 'EXISTS hint')).toBe('0');
});
