import { describe, expect, it } from 'vitest';
import type { Actor } from '#actors/kernel/actor.ts';
import { roomAddress } from '#actors/kernel/address.ts';
import { Audiences } from '#actors/kernel/audience.ts';
import { System } from '#actors/kernel/system.ts';
import type { World } from '#actors/kernel/world.ts';
import { type InMemory, leftOver, overfull } from './memory.ts';

const room = roomAddress('!a:lux');
const world: World = { perform: () => {}, ended: () => {}, sessionsOf: () => [] };

/** A process whose rooms keep so many things, of three that they may. */
function processOf(count: number, more: Partial<InMemory> = {}): InMemory {
  const actor: Actor<unknown> = {
    receive: () => [],
    idle: () => true,
    kept: () => [{ what: 'things', count, max: 3 }],
  };
  const create = { session: () => actor, user: () => actor, room: () => actor };
  const system = new System({ create, world, clock: () => 0 });
  system.tell(room, { kind: 'summarise', user: '@a:lux', token: 1 });
  system.run();
  return { system, activeHardMax: 1, audiences: new Audiences(), logs: 0, gatherings: 0, board: {}, ...more };
}

describe('the memory of a process', () => {
  it('may be full to the bound and not beyond', () => {
    expect(overfull(processOf(3))).toBeNull();
    expect(overfull(processOf(4))).toBe('room/!a:lux keeps 4 things, of 3');
    expect(overfull(processOf(0, { activeHardMax: 0 }))).toBe('1 actors are in memory, of 0');
  });

  it('is empty when nothing is to be done', () => {
    const create = { session: () => fail(), user: () => fail(), room: () => fail() };
    const empty = { system: new System({ create, world, clock: () => 0 }) };
    expect(leftOver(processOf(1, empty))).toBeNull();
    expect(leftOver(processOf(1, { ...empty, logs: 2 }))).toContain('2 logs');
    // What was asked is not answered, so the actor stays.
    expect(leftOver(processOf(1))).toBe('1 addresses: room/!a:lux 1 asks, room/!a:lux 1 things');
  });
});

function fail(): never {
  throw new Error('nobody was told anything');
}
