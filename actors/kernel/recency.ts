// Actors in the order in which they last had work, so that those to passivate are found without looking at the others.

/** What can be in such a list, in one list at a time. */
export interface Recent {
  lastWorkMs: number;
  older: this | null;
  newer: this | null;
}

/** A doubly linked list through its items: every operation is O(1) and allocates nothing. */
export class Recency<Item extends Recent> {
  #oldest: Item | null = null;
  #newest: Item | null = null;

  /** The one without work for the longest time. */
  get oldest(): Item | null {
    return this.#oldest;
  }

  /** Moves an item to the new end, adding it if it is not in the list. */
  touch(item: Item, now: number): void {
    item.lastWorkMs = now;
    if (this.#newest === item) return;
    this.remove(item);
    item.older = this.#newest;
    if (this.#newest === null) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
  }

  /** Takes an item out; nothing happens if it is not in the list. */
  remove(item: Item): void {
    if (item.older === null && item.newer === null && this.#oldest !== item) return;
    if (item.older === null) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === null) this.#newest = item.older;
    else item.newer.older = item.older;
    item.older = null;
    item.newer = null;
  }
}
