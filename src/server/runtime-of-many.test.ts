// What a runtime does as one of several nodes.
import { describe, expect, it } from 'vitest';
import type { Packet } from '#actors/cluster/packets.ts';
import { firstSession } from '#actors/cluster/seats.ts';
import { roomAddress } from '#actors/kernel/address.ts';
import type { RoomSummary } from '#actors/kernel/messages.ts';
import { shardOf } from '#actors/log/shards.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { Runtime } from './runtime.ts';
import type { Socket } from './sockets.ts';
import { silentLog } from './telemetry/log.ts';

const room = '!r:lux';
const shard = shardOf(roomAddress(room));

/** A node of seat 1 with a link to seat 2; `found` answers for a sleeping room. */
function stage() {
  const sent: Packet[] = [];
  const started: string[] = [];
  const peeks: ((summary: RoomSummary | null) => void)[] = [];
  const actor = (id: string) => {
    started.push(id);
    return { receive: () => [], idle: () => true };
  };
  const runtime = new Runtime({
    create: { session: () => actor('session'), user: actor, room: actor },
    publish: () => {},
    checkToken: async () => null,
    revokeDevice: async () => {},
    logs: () => ({
      command: () => {},
      forget: () => {},
      peek: () => new Promise((resolve) => void peeks.push(resolve)),
    }),
    log: silentLog,
    cluster: { seat: 1, send: (_, packet) => void sent.push(packet) },
  });
  runtime.board?.up(2);
  runtime.board?.place([shard], 'here');
  return { runtime, sent, started, peeks };
}

describe('a summary that another node asks for', () => {
  const token = firstSession(2);
  const asked = {
    kind: 'tell',
    to: roomAddress(room),
    message: { kind: 'summarise', user: '@ann:lux', token },
    bytes: 1,
  } as const;

  it('wakes a room whose head can not be read', async () => {
    const { runtime, started, peeks } = stage();
    runtime.board?.received(2, asked);
    peeks[0]?.(null);
    await new Promise((resolve) => setImmediate(resolve));
    runtime.system.run();
    expect(started).toEqual([room]);
  });

  // The room was started where it was read, though its shard was given away meanwhile: rule 9 of the fence.
  it('wakes no room that has moved while its head was read, and goes back to who asked', async () => {
    const { runtime, sent, started, peeks } = stage();
    runtime.board?.received(2, asked);
    runtime.board?.place([shard], 'giving');
    peeks[0]?.(null);
    await new Promise((resolve) => setImmediate(resolve));
    runtime.system.run();
    expect([started, runtime.system.size]).toEqual([[], 0]);
    runtime.board?.place([shard], 'nobody');
    expect(sent.slice(-2)).toMatchObject([{ kind: 'returned', message: asked.message }, { kind: 'owns' }]);
  });
});

describe('a node that shows nothing any more', () => {
  it('sends every session away, to come back within the time that was given', () => {
    const { runtime } = stage();
    const closed: [number, string][] = [];
    const waits: number[] = [];
    for (let n = 0; n < 200; n++) {
      const socket: Socket = {
        id: firstSession(1) + n,
        send: (frame) => {
          const { body } = ServerFrame.decode(frame);
          if (body?.$case === 'closing') waits.push(body.value.retryAfterMs);
        },
        subscribe: () => {},
        unsubscribe: () => {},
        close: (code, reason) => {
          closed.push([code, reason]);
          runtime.sockets.closed(socket);
        },
      };
      runtime.sockets.opened(socket);
    }
    runtime.sockets.disconnectAll(3_000);
    expect(closed).toHaveLength(200);
    expect(closed.every(([code], n) => code === Disconnect.DISCONNECT_GOING_AWAY && waits[n] !== undefined)).toBe(true);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3_000);
    // Not all at once.
    expect(new Set(waits).size).toBeGreaterThan(50);
    runtime.sockets.disconnectAll(3_000);
    expect(closed).toHaveLength(200);
  });
});
