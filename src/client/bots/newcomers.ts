// Newcomers as the provider names them to its Info bot: each is a row here before the inbox moves on, and until the bot says that they are invited. So a
// crash repeats a name and never loses one, and inviting a thousand people holds up nothing else that the inbox brings.
import type { Parts } from '../parts.ts';
import { prefixRange } from '../store/store.ts';

const prefix = 'newcomer ';
/** Names at a time. Those behind are named by the next call, once these were greeted: counted as `newcomers.later`. */
const listMax = 100_000;

/** Who waits for an invitation. */
export class Newcomers {
  #parts: () => Parts;

  constructor(parts: () => Parts) {
    this.#parts = parts;
  }

  /** Notes one and tells the bot. Durable when it resolves; again = no change. */
  async note(user: string): Promise<void> {
    const { store, emit } = this.#parts();
    await store.write([{ table: 'account', key: `${prefix}${user}`, value: Uint8Array.of(1) }]);
    emit('newcomer', { user });
  }

  /** Those that wait, by id: the first 100,000. */
  async waiting(): Promise<string[]> {
    const { store, count } = this.#parts();
    const rows = await store.list('account', { ...prefixRange(prefix), limit: listMax + 1 });
    if (rows.length > listMax) count('newcomers.later');
    return rows.slice(0, listMax).map(({ key }) => key.slice(prefix.length));
  }

  /** This one waits no more. Durable when it resolves. */
  async done(user: string): Promise<void> {
    await this.#parts().store.write([{ table: 'account', key: `${prefix}${user}`, value: undefined }]);
  }
}
