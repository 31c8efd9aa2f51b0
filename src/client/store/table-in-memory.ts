// One table of a store kept in memory besides, for one that is read whole again and again: what lies on the disk is sealed, and to open the rows of ten
// thousand messages that can't be read took a second at each key that came. Guarantees: what the port says of a store, for this table as well.
import { MemoryStore } from './memory-store.ts';
import { everyPage, type LocalStore, type LocalTable, prefixRange } from './store.ts';

/** The store, whose `table` is read from the disk once, when it is asked for first, and again after a failure. All its rows must fit into memory. */
export function tableInMemory(store: LocalStore, table: LocalTable): LocalStore {
  /** What was read and written since. */
  let held: Promise<MemoryStore> | undefined;

  const load = async () => {
    const memory = new MemoryStore();
    for await (const rows of everyPage(store, table, prefixRange('')))
      await memory.write(rows.map((row) => ({ ...row, table })));
    return memory;
  };
  const hold = (next: Promise<MemoryStore>) => {
    held = next;
    // Whoever reads now hears of it; whoever reads later has the disk asked again.
    next.catch(() => {
      if (held === next) held = undefined;
    });
    return next;
  };
  const whole = () => held ?? hold(load());

  return {
    get: (name, key) => (name === table ? whole().then((memory) => memory.get(name, key)) : store.get(name, key)),
    list: (name, range) =>
      name === table ? whole().then((memory) => memory.list(name, range)) : store.list(name, range),
    write: (changes) => {
      const written = store.write(changes);
      const kept = changes.filter((change) => change.table === table);
      if (held && kept.length > 0) {
        const before = held;
        const apply = async () => {
          const memory = await before;
          await memory.write(kept);
          return memory;
        };
        // Not before it is on the disk: what was not written must not be read. After a failure only the disk knows what is there.
        void hold(written.then(apply, load));
      }
      return written;
    },
    close: async () => {
      held = undefined;
      await store.close();
    },
  };
}
