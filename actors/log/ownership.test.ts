import { describe, expect, it } from 'vitest';
import type { ShardOwner } from '../ports/log-store.ts';
import {
  handOver,
  keepShard,
  type OwnershipReply,
  type OwnershipRequest,
  type OwnershipSteps,
  takeShard,
} from './ownership.ts';

const a = { node: 'a', gen: 1, version: 4 };
const b = { node: 'b', gen: 1 };
const c = { node: 'c', gen: 1, version: 5 };
/** What b has become. */
const taken = { ...b, version: 5 };

/** Walks through the steps with these replies; says what was asked and what came of it. */
function walk<T>(
  steps: OwnershipSteps<T>,
  ...replies: OwnershipReply[]
): { asked: OwnershipRequest['op'][]; result: T | undefined } {
  const asked: OwnershipRequest['op'][] = [];
  let step = steps.next({ op: 'fence' });
  for (const reply of replies) {
    if (step.done) throw new Error('too many replies');
    asked.push(step.value.op);
    step = steps.next(reply);
  }
  if (!step.done) asked.push(step.value.op);
  return { asked, result: step.done ? step.value : undefined };
}

const fenced = { op: 'fence' } as const;
const applied = (outcome: boolean | null) => ({ op: 'casShard', applied: outcome }) as const;
const owned = (owner: ShardOwner | null) => ({ op: 'readShard', owner }) as const;

describe('taking a shard', () => {
  it('fences the old owner first and waits for the answer', () => {
    expect(walk(takeShard({ shard: 0, from: a, to: b }))).toEqual({ asked: ['fence'], result: undefined });
    expect(walk(takeShard({ shard: 0, from: a, to: b }), fenced, applied(true))).toEqual({
      asked: ['fence', 'casShard'],
      result: taken,
    });
  });

  it('fences nobody where nobody owned it', () => {
    expect(walk(takeShard({ shard: 0, from: null, to: b }), applied(true))).toEqual({
      asked: ['casShard'],
      result: { ...b, version: 1 },
    });
  });

  it('leaves it to whoever was faster', () => {
    expect(walk(takeShard({ shard: 0, from: a, to: b }), fenced, applied(false), owned(c)).result).toEqual(c);
  });

  it('reads after an unknown outcome: it may have been applied, or not, or someone else was faster', () => {
    const taking = () => takeShard({ shard: 0, from: a, to: b });
    expect(walk(taking(), fenced, applied(null), owned(taken)).result).toEqual(taken);
    expect(walk(taking(), fenced, applied(null), owned(c)).result).toEqual(c);
    const again = walk(taking(), fenced, applied(null), owned(a), applied(true));
    expect(again).toEqual({ asked: ['fence', 'casShard', 'readShard', 'casShard'], result: taken });
  });
});

describe('handing a shard over', () => {
  it('fences nobody, since the giver has stopped', () => {
    expect(walk(handOver({ shard: 0, from: a, to: b }), applied(true))).toEqual({ asked: ['casShard'], result: taken });
    expect(walk(handOver({ shard: 0, from: a, to: b }), applied(null), owned(a), applied(true)).result).toEqual(taken);
  });

  it('did not happen, and never will, where the giver could make sure that the shard is still its own', () => {
    expect(walk(keepShard(0, a), applied(true)).result).toEqual({ ...a, version: 5 });
    expect(walk(keepShard(0, a), applied(false), owned(taken)).result).toEqual(taken);
    expect(walk(keepShard(0, a), applied(null), owned({ ...a, version: 5 })).result).toEqual({ ...a, version: 5 });
  });
});
