// Whom this user blocks, as the own provider keeps it, and what is therefore not shown: in groups all that they say, while they are blocked; and what they
// said in such a time for ever, here and in the 1:1 room. Kept on this device, so that nothing of it is shown without a connection either.
import { type Block, BlockList } from '#proto/gen/client.ts';
import { directRoomId, isUserId } from '#proto/rules/ids.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { Rooms } from '../room/rooms.ts';

const rowKey = 'blocks';

export interface BlocksPorts {
  readonly parts: () => Parts;
  readonly rooms: Pick<Rooms, 'meets'>;
  /** Someone is blocked, or is no more. `back`: the 1:1 rooms that are shown again. Rejects as requests do. */
  readonly changed: (back: readonly string[]) => Promise<void>;
}

/** The blocks of this user. */
export class Blocks {
  readonly #ports: BlocksPorts;
  #blocks = new Map<string, Block>();
  #hidden = new Set<string>();
  #known = false;

  constructor(ports: BlocksPorts) {
    this.#ports = ports;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    const row = await this.#ports.parts().store.get('account', rowKey);
    this.#known = row !== undefined;
    if (row) this.#take(BlockList.decode(row).blocks);
  }

  /** Users who are blocked now, by id. */
  list(): string[] {
    return [...this.#blocks.keys()].filter((user) => this.isBlocked(user)).sort();
  }

  isBlocked(user: string): boolean {
    return this.#blocks.get(user)?.spans.at(-1)?.untilMs === 0;
  }

  /** Is this not shown: what this user said then? */
  hides(user: string, atMs: number): boolean {
    const spans = this.#blocks.get(user)?.spans ?? [];
    return this.isBlocked(user) || spans.some(({ sinceMs, untilMs }) => sinceMs <= atMs && atMs < untilMs);
  }

  /** Is it the 1:1 room with someone who is blocked? */
  hidesRoom(room: string): boolean {
    return this.#hidden.has(room);
  }

  /** Durable at the provider when it resolves, and kept here. Rejects with BAD_ARGUMENT, with UNKNOWN where nobody has the id that is to be blocked, and as
   * requests do. */
  async set(user: string, blocked: boolean): Promise<void> {
    const { user: self, people, request } = this.#ports.parts();
    if (!isUserId(user) || user === self)
      throw new ClientError('BAD_ARGUMENT', 'Only another person can be blocked, by Luxchat-ID.');
    // A mistyped id would else pass for a person who is kept away. Of whom one has met nobody is asked: they may be erased by now.
    if (blocked && !this.isBlocked(user) && !this.#ports.rooms.meets(user)) await people.person(user);
    await request({ $case: 'setBlock', value: { user, blocked } }, 'done');
    await this.refresh();
  }

  /** A device that never asked does so, before it shows anything. */
  async first(): Promise<void> {
    if (!this.#known) await this.refresh();
  }

  /** Asks the provider. Rejects as requests do. */
  async refresh(): Promise<void> {
    const { request, store } = this.#ports.parts();
    const blocks: Block[] = [];
    for (let after = ''; ; ) {
      const page = await request({ $case: 'listBlocks', value: { after } }, 'blockList');
      blocks.push(...page.blocks);
      if (page.next === '' || page.next <= after) break;
      after = page.next;
    }
    await store.write([{ table: 'account', key: rowKey, value: rowOf(blocks) }]);
    this.#known = true;
    const before = [this.list().join(' '), this.#hidden] as const;
    this.#take(blocks);
    const back = [...before[1]].filter((room) => !this.#hidden.has(room));
    if (this.list().join(' ') !== before[0]) await this.#ports.changed(back);
  }

  #take(blocks: readonly Block[]): void {
    const { user, primitives } = this.#ports.parts();
    this.#blocks = new Map(blocks.map((block) => [block.user, block]));
    this.#hidden = new Set(this.list().map((other) => directRoomId(user, other, primitives)));
  }
}

// A row of no bytes is none: that nobody was ever blocked is known, too.
function rowOf(blocks: readonly Block[]): Uint8Array {
  return BlockList.encode({ blocks: [...blocks], next: '.' }).finish();
}
