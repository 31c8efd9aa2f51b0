// Which of the nodes that are there should have a shard: the one with the highest score for it. When a node comes or goes, only its own shards move.
// Highest random weight: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996.

/** Null where there are no nodes. All nodes that see the same list decide the same. */
export function chosenFor(shard: number, nodes: Iterable<string>): string | null {
  let [chosen, best]: [string | null, number] = [null, -1];
  for (const node of nodes) {
    const score = scoreOf(shard, node);
    if (score > best || (score === best && chosen !== null && node > chosen)) [chosen, best] = [node, score];
  }
  return chosen;
}

/** FNV-1a over name and shard, then the mixing of MurmurHash3's end: neighbouring shards must not follow each other to the same node. */
function scoreOf(shard: number, node: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < node.length; i++) hash = Math.imul(hash ^ node.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ shard, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
