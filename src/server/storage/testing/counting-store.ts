// For tests: a store in memory that tells what it was asked, and that fails, waits or falls silent as it is told to.
import type { RowWrite } from '#actors/ports/log-store.ts';
import { InMemoryStore } from '../memory/store.ts';

/** A memory store that counts its calls and fails when told to. */
export class CountingStore extends InMemoryStore {
  calls: string[] = [];
  failures = 0;
  fenceFails = false;
  override writeCallsMax = 2;
  /** While there is one, rows wait for it. */
  held: Promise<void> | null = null;
  /** Rows of these logs are neither written nor refused, and those of all others told as soon as they are written. */
  readonly hanging = new Set<string>();

  override async writeRows(writes: readonly RowWrite[], done: (at: number) => void = () => {}): Promise<void> {
    this.calls.push(`writeRows ${writes.length}`);
    await this.held;
    this.#maybeFail();
    await super.writeRows(writes.filter(({ log }) => !this.hanging.has(log)));
    if (this.hanging.size === 0) return;
    for (const [at, { log }] of writes.entries()) if (!this.hanging.has(log)) done(at);
    if (writes.some(({ log }) => this.hanging.has(log))) await new Promise(() => {});
  }

  /** While there is a list, changes of metas are not answered, and wait in it. */
  lateMetas: (() => Promise<boolean>)[] | null = null;

  override async casMeta(...args: Parameters<InMemoryStore['casMeta']>): Promise<boolean> {
    if (this.lateMetas === null) return await super.casMeta(...args);
    this.lateMetas.push(() => super.casMeta(...args));
    throw new Error('nothing heard');
  }

  override async readMeta(...args: Parameters<InMemoryStore['readMeta']>): ReturnType<InMemoryStore['readMeta']> {
    this.calls.push('readMeta');
    return await super.readMeta(...args);
  }

  override async readFence(...args: Parameters<InMemoryStore['readFence']>): ReturnType<InMemoryStore['readFence']> {
    this.calls.push('readFence');
    if (this.fenceFails) throw new Error('nothing heard');
    return await super.readFence(...args);
  }

  #maybeFail(): void {
    if (this.failures > 0) {
      this.failures--;
      throw new Error('nothing heard');
    }
  }
}
