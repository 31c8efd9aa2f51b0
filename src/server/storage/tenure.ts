// Begins and ends a process's ownership of logs: a generation of its own, earlier generations of this node fenced, shards taken. Carries out the
// steps of actors/log/ownership.ts on a store. For a node that is alone; who owns what among several nodes is decided elsewhere.
import { type OwnershipReply, type OwnershipRequest, type OwnershipSteps, takeShard } from '#actors/log/ownership.ts';
import { shardCount } from '#actors/log/shards.ts';
import type { Generation, OwnershipStore } from '#actors/ports/log-store.ts';
import { StorageError } from './store.ts';

/** Starts a process of this node: a generation of its own; earlier ones of the node can ack nothing any more. */
export async function beginGeneration(store: OwnershipStore, node: string): Promise<Generation> {
  const own = await store.createGeneration(node);
  for (const earlier of await store.readAlive(node, own)) await store.fence(earlier);
  return own;
}

/** Starts a process of a node that is alone: its generation, owning all shards that nobody or an earlier process of the node owned. Rejects where others own some. */
export async function beginTenure(store: OwnershipStore, node: string): Promise<Generation> {
  const own = await beginGeneration(store, node);
  const shards = Array.from({ length: shardCount }, (_, shard) => shard);
  await Promise.all(shards.map((shard) => takeOwn(store, shard, own)));
  return own;
}

async function takeOwn(store: OwnershipStore, shard: number, own: Generation): Promise<void> {
  const from = await store.readShard(shard);
  if (from !== null && from.node !== own.node) throw new StorageError('UNUSABLE', `Node ${from.node} owns these logs`);
  const owner = await walk(store, takeShard({ shard, from, to: own }));
  if (owner?.gen !== own.gen) throw new StorageError('LOCKED', 'Another process of this node was started');
}

/** Walks through steps of ownership. Rejects when the store does; what was asked may have happened then. */
export async function walk<T>(store: OwnershipStore, steps: OwnershipSteps<T>): Promise<T> {
  let step = steps.next({ op: 'fence' });
  while (!step.done) step = steps.next(await carryOut(store, step.value));
  return step.value;
}

async function carryOut(store: OwnershipStore, request: OwnershipRequest): Promise<OwnershipReply> {
  switch (request.op) {
    case 'fence':
      await store.fence(request.generation);
      return { op: 'fence' };
    case 'readShard':
      return { op: 'readShard', owner: await store.readShard(request.shard) };
    case 'casShard': {
      const { shard, expected, owner } = request;
      const applied = await store.casShard(shard, expected, owner).catch(unknownWhether);
      return { op: 'casShard', applied };
    }
  }
}

/** A failure of the store proves nothing: the steps read again. */
function unknownWhether(cause: unknown): null {
  if (cause instanceof StorageError) return null;
  throw cause;
}
