// Which shard a log belongs to: fixed for ever, since ownership and due segments are kept by shard.

/** How many shards there are. Never changes. */
export const shardCount = 64;

/** FNV-1a over the UTF-16 units of the log's name. */
export function shardOf(log: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < log.length; i++) hash = Math.imul(hash ^ log.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shardCount;
}
