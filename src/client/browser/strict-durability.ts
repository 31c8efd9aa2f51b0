// The crypto library leaves it to the browser when a transaction is on the disk, and browsers take their time: after a power cut a step of a ratchet
// that was used already would be used again. Here its transactions are told to wait for the disk. There is no other way in: it opens its databases
// by itself.

const prefixes = new Set<string>();

/** From now on a write to a database whose name begins with `prefix` is complete only when it is on the disk. */
export function makeDurable(prefix: string): void {
  if (prefixes.size === 0) watchTransactions();
  prefixes.add(prefix);
}

function watchTransactions(): void {
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    const ours = mode === 'readwrite' && [...prefixes].some((prefix) => this.name.startsWith(prefix));
    return transaction.call(this, stores, mode, ours ? { ...options, durability: 'strict' } : options);
  };
}
