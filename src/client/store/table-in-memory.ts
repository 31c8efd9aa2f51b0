// One table of a store kept in memory besides, for one that is read whole again and again: what lies on the disk is sealed, and to open the rows of ten
// thousand messages that can't be read took a second at each key that came. Guarantees: what the port says of a store, for this table as well.
import { MemoryStore } from './memory-store.ts';
import type { LocalStore, LocalTable } from './store.ts';

const rowsAtOnce = 10_000;

/** The store, whose `table` is read from the disk once, when it is asked for first. All its rows must fit into memory. */
export function tableInMemory(store: LocalStore, table: LocalTable): LocalStore {
  const memory = new MemoryStore();
  /** What was read and written since; a failure stays. */
  let held: Promise<void> | undefined;

  const load = async () => {
    for (let from = ''; ; ) {
      const rows = await store.list(table, { from, to: '\u007f', limit: rowsAtOnce });
      await memory.write(rows.map((row) => ({ ...row, table })));
      const last = rows.at(-1);
      if (last === undefined || rows.length < rowsAtOnce) return;
      from = `${last.key} `;
    }
  };
  const whole = () => {
    held ??= load();
    return held;
  };

  return {
    get: (name, key) => (name === table ? whole().then(() => memory.get(name, key)) : store.get(name, key)),
    list: (name, range) => (name === table ? whole().then(() => memory.list(name, range)) : store.list(name, range)),
    write: (changes) => {
      const kept = changes.filter((change) => change.table === table);
      const written = store.write(changes);
      // Behind the loading, which may have read what was before. Not before it is on the disk: what was not written must not be read.
      if (held && kept.length > 0) {
        held = Promise.all([held, written]).then(() => memory.write(kept));
        held.catch(() => {}); // Whoever wrote hears of it, and whoever reads from now on.
      }
      return written;
    },
    close: async () => {
      await store.close();
      await memory.close();
    },
  };
}
