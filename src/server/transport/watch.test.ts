import { describe, expect, it } from 'vitest';
import { completeLimits, type TransportLimits } from './limits.ts';
import { Watch } from './watch.ts';

function watched(limits: Partial<TransportLimits> = {}) {
  const log: string[] = [];
  type C = { id: number; pingsUnanswered: number };
  const watch: Watch<C, string> = new Watch<C, string>(
    {
      helloMissed: (c) => {
        log.push(`hello ${c.id}`);
        watch.closed(c);
      },
      ping: (c) => log.push(`ping ${c.id}`),
      heartbeatMissed: (c) => {
        log.push(`missed ${c.id}`);
        watch.closed(c);
      },
      lingeredOut: (socket) => log.push(`cut ${socket}`),
    },
    completeLimits(limits),
    0,
  );
  const open = (id: number, nowMs: number) => {
    const connection = { id, pingsUnanswered: 0 };
    watch.opened(connection, nowMs);
    return connection;
  };
  const take = () => log.splice(0);
  return { watch, open, take };
}

describe('watch', () => {
  it('ends a connection without a first frame at its deadline and not a millisecond before', () => {
    const { watch, open, take } = watched({ heartbeatMs: 240_000 });
    open(1, 0);
    watch.helloCame(open(2, 0));
    open(3, 5);
    watch.sweep(9_999);
    expect(take()).toEqual([]);
    watch.sweep(10_000);
    expect(take()).toEqual(['hello 1']);
    watch.sweep(10_005);
    expect(take()).toEqual(['hello 3']);
  });

  it('pings each connection once a heartbeat, spread over it, and ends it after two unanswered pings', () => {
    const { watch, open, take } = watched();
    const [one, two] = [open(1, 0), open(2, 0)];
    watch.helloCame(one);
    watch.helloCame(two);
    const log: string[] = [];
    for (let ms = 1000; ms <= 91_000; ms += 1000) {
      watch.sweep(ms);
      two.pingsUnanswered = 0;
      log.push(...take().map((what) => `${ms / 1000} ${what}`));
    }
    expect(log).toEqual(['15 ping 1', '30 ping 2', '45 ping 1', '60 ping 2', '75 missed 1']);
  });

  it('cuts a lingering socket at its deadline unless it was released', () => {
    const { watch, take } = watched();
    watch.linger('a', 0);
    watch.linger('b', 0);
    watch.released('b');
    watch.sweep(4_999);
    expect(take()).toEqual([]);
    watch.sweep(5_000);
    expect(take()).toEqual(['cut a']);
    expect([...watch.lingering]).toEqual([]);
  });
});
