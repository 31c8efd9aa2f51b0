// The directory in memory: for tests, and for what its contract means at its simplest.
import {
  type DirectoryStore,
  type FoundPlace,
  type KeptListing,
  keptPlaces,
  type Listed,
  ranked,
} from '../directory.ts';

export class MemoryDirectory implements DirectoryStore {
  readonly #listings = new Map<string, KeptListing>();

  async readListing(user: string): Promise<KeptListing | null> {
    return structuredClone(this.#listings.get(user) ?? null);
  }

  async changeListing(user: string, listing: KeptListing, before: number): Promise<boolean> {
    if ((this.#listings.get(user)?.version ?? 0) !== before) return false;
    this.#listings.set(user, structuredClone(listing));
    return true;
  }

  async removeListing(user: string, before: number): Promise<boolean> {
    if ((this.#listings.get(user)?.version ?? 0) !== before) return false;
    this.#listings.delete(user);
    return true;
  }

  async find(folded: string): Promise<readonly Listed[]> {
    const found: FoundPlace[] = [];
    for (const [user, { name }] of this.#listings)
      for (const { later, text } of keptPlaces(name))
        if (text.startsWith(folded)) found.push({ user, name, later, text });
    return ranked(found.sort(byPlace));
  }
}

function byPlace(one: FoundPlace, other: FoundPlace): number {
  return (
    Number(one.later) - Number(other.later) ||
    Buffer.compare(Buffer.from(one.text), Buffer.from(other.text)) ||
    Buffer.compare(Buffer.from(one.user), Buffer.from(other.user))
  );
}
