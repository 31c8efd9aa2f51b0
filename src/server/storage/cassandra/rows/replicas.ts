// Which servers hold a partition, as one name for each set of them. Guarantees: partitions of one name have the same replicas, as far as the driver knows
// now. Where every server holds everything it is one name, and costs nothing.

/** What is needed of the driver. */
export interface Ring {
  readonly keyspace: string;
  readonly hosts: { readonly length: number };
  getReplicas(keyspace: string, routingKey: Buffer): readonly { readonly address: string }[] | null;
}

export class Replicas {
  readonly #ring: Ring;
  /** The driver gives the same list for all partitions of a range, until servers come or go. */
  readonly #names = new WeakMap<object, string>();
  /** So many servers, each of which holds everything: no need to look. 0 = not so. */
  #servers = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Of the partition with these rows of a log. */
  of(log: string, segment: number): string {
    const { keyspace, hosts } = this.#ring;
    if (this.#servers === hosts.length) return '';
    const found = this.#ring.getReplicas(keyspace, routingKey(log, segment));
    if (found === null) return '';
    this.#servers = found.length === hosts.length ? hosts.length : 0;
    if (this.#servers > 0) return '';
    const known = this.#names.get(found);
    if (known !== undefined) return known;
    const name = found
      .map(({ address }) => address)
      .sort()
      .join(' ');
    this.#names.set(found, name);
    return name;
  }
}

/** As Cassandra makes a token of: of each column its length in two bytes, itself, a zero. */
function routingKey(log: string, segment: number): Buffer {
  const length = Buffer.byteLength(log);
  const key = Buffer.alloc(2 + length + 1 + 2 + 4 + 1);
  key.writeUInt16BE(length);
  key.write(log, 2);
  key.writeUInt16BE(4, 2 + length + 1);
  key.writeInt32BE(segment, 2 + length + 3);
  return key;
}
