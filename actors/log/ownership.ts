// Who owns which logs: a process runs under a generation and takes shards from generations that it declares dead. As steps without I/O, like the
// log itself. Guarantees: whoever lost a shard by `takeShard` can't ack any more when it returns; whoever gives one away by `handOver` has
// stopped. Does not decide who is dead, or who should own what.
import type { Generation, ShardOwner } from '../ports/log-store.ts';
import type { Rule } from './rules.ts';
import { sameGeneration } from './segments.ts';

/** What the steps ask for. Failures are repeated by the driver until there is an answer, except `casShard`. */
export type OwnershipRequest =
  | { readonly op: 'fence'; readonly generation: Generation }
  | { readonly op: 'readShard'; readonly shard: number }
  | {
      readonly op: 'casShard';
      readonly shard: number;
      readonly expected: ShardOwner | null;
      readonly owner: Generation;
    };

/** null = unknown, only for `casShard`. */
export type OwnershipReply =
  | { readonly op: 'fence' }
  | { readonly op: 'readShard'; readonly owner: ShardOwner | null }
  | { readonly op: 'casShard'; readonly applied: boolean | null };

export type OwnershipSteps<T> = Generator<OwnershipRequest, T, OwnershipReply>;

/** A change of a shard's owner. `from`: as it was read; null = nobody owned it. */
export interface ShardChange {
  readonly shard: number;
  readonly from: ShardOwner | null;
  readonly to: Generation;
}

/**
 * Takes a shard from a generation that is held for dead, or from nobody. Returns the owner afterwards: `to`, or whoever was faster. The new
 * owner may open logs at once.
 */
export function* takeShard({ shard, from, to }: ShardChange, omit?: Rule): OwnershipSteps<ShardOwner | null> {
  // Rule 2: the fence is answered, not just asked for, before the shard is taken and with it any row is read.
  if (from !== null && omit !== 2) yield { op: 'fence', generation: { node: from.node, gen: from.gen } };
  // Rule 3: from exactly the one that was fenced. Another owner is alive for all we know.
  const owner = yield* change({ shard, from, to });
  if (omit !== 3 || sameGeneration(owner, to)) return owner;
  return yield* change({ shard, from: owner, to });
}

/**
 * Gives a shard to another generation. Rule 9: every log of the shard has been stopped, those still opening too, and none is opened again
 * before the shard comes back; the caller sees to that before it takes the first step. Returns the owner afterwards.
 */
export function* handOver(given: ShardChange & { readonly from: ShardOwner }): OwnershipSteps<ShardOwner | null> {
  return yield* change(given);
}

/**
 * Makes sure that a shard is still one's own after a hand-over whose end was not heard: once this says so, that hand-over can't come about any more.
 * Returns the owner afterwards.
 */
export function* keepShard(shard: number, own: ShardOwner): OwnershipSteps<ShardOwner | null> {
  return yield* change({ shard, from: own, to: { node: own.node, gen: own.gen } });
}

/** The conditional change; an unknown outcome is read again, and tried again if nothing changed. */
function* change({ shard, from, to }: ShardChange): OwnershipSteps<ShardOwner | null> {
  const version = from?.version ?? 0;
  for (;;) {
    const changed = yield { op: 'casShard', shard, expected: from, owner: to };
    if (changed.op === 'casShard' && changed.applied === true) return { ...to, version: version + 1 };
    const read = yield { op: 'readShard', shard };
    const owner = read.op === 'readShard' ? read.owner : null;
    // Refused, or it came late: whoever is there now owns it. Unknown and unchanged: once more.
    if (changed.op !== 'casShard' || changed.applied !== null || (owner?.version ?? 0) !== version) return owner;
  }
}
