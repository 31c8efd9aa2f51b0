// What goes to the server in several requests, since a frame holds only so much. Guarantees: the order stays, each request has one item at least.

/** How much goes into one request. */
export interface PackSize<Item> {
  readonly itemsMax: number;
  readonly bytesMax: number;
  /** Bytes that an item takes. One that takes more than `bytesMax` goes alone. */
  readonly bytesOf: (item: Item) => number;
}

/** The items of each request, in order. */
export function* packed<Item>(items: readonly Item[], { itemsMax, bytesMax, bytesOf }: PackSize<Item>) {
  let some: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (some.length > 0 && (bytes + size > bytesMax || some.length === itemsMax)) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(item);
    bytes += size;
  }
  if (some.length > 0) yield some;
}
