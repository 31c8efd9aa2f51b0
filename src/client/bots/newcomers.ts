// Newcomers as the provider names them to its Info bot: each is a row here before the inbox moves on, and until the bot says that they are invited. So a
// crash repeats a name and never loses one, and inviting a thousand people holds up nothing else that the inbox brings.
import type { Parts } from '../parts.ts';
import { prefixRange } from '../store/store.ts';

const prefix = 'newcomer ';
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

  /** All that wait, by id. */
  async waiting(): Promise<string[]> {
    const rows = await this.#parts().store.list('account', { ...prefixRange(prefix), limit: listMax });
    return rows.map(({ key }) => key.slice(prefix.length));
  }

  /** This one waits no more. Durable when it resolves. */
  async done(user: string): Promise<void> {
    await this.#parts().store.write([{ table: 'account', key: `${prefix}${user}`, value: undefined }]);
  }
}
