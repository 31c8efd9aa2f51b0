// Redis is hints only: whatever happens to it under load, everybody goes on.
import { it } from 'vitest';
import type { Given } from './given.ts';

/** How the marks of these faults begin. */
export const ofRedis = 'Redis: ';

export function redisFaults(given: () => Given): void {
  it('goes on when Redis is flushed, cut off, held, paused and killed, and a node dies and starts without it', {
    timeout: 180_000,
  }, async () => {
    const { trial, stage, redis, toRedis } = given();
    const fault = (name: string, run: () => unknown) => trial.fault(`${ofRedis}${name}`, run);
    await fault('flushed', () => redis.flush());
    await fault('cut off from one node', () => toRedis.cut());
    toRedis.heal();
    await fault('held towards one node', () => toRedis.hold());
    toRedis.heal();
    await fault('paused', () => redis.pause());
    await fault('goes on', () => redis.resume());
    await fault('killed', () => redis.kill());
    // Its port refuses: that shows without Redis, too.
    await fault('a node is killed without it', () => stage.node(2).kill());
    await fault('that node comes back without it', () => stage.node(2).start());
    await stage.spread();
    await fault('comes back', () => redis.restart());
  });
}
