// How a node is, as its operator's port says: is it ready, and a few of its numbers. A node that is paused answers nothing, so each question has a deadline.

/** Milliseconds until a node that does not answer counts as not ready: on loopback it answers in a few. */
const answerMs = 1_000;

/** What a node says of itself; null = it did not answer. */
export interface NodeNumbers {
  readonly ready: boolean;
  /** Of 64 in all. */
  readonly shards: number;
  /** To other nodes. */
  readonly links: number;
  readonly connections: number;
}

/** Does it take connections? Never rejects. */
export async function isReady(opsUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${opsUrl}/ready`, { signal: AbortSignal.timeout(answerMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Nobody listens, or nobody answers: not ready.
    return false;
  }
}

/** Its numbers. Never rejects. */
export async function numbersOf(opsUrl: string): Promise<NodeNumbers | null> {
  try {
    const response = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(answerMs) });
    const text = await response.text();
    const value = (name: string) => Number(new RegExp(`^luxchat_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
    return {
      ready: await isReady(opsUrl),
      shards: value('shards'),
      links: value('node_links'),
      connections: value('connections'),
    };
  } catch {
    // As above: a node that was killed.
    return null;
  }
}
