// One owner of one log over a real store, driven by hand: every request waits until the test carries it out, keeps it back, or loses its answer.
// So a test can stand still between any two steps of the protocol, as a paused process does.
import { expect } from 'vitest';
import type { LogLimits } from '#actors/log/limits.ts';
import { Log } from '#actors/log/log.ts';
import type { LogAnswer, LogCommand, NewRow } from '#actors/log/messages.ts';
import type { Stub } from '#actors/log/opening.ts';
import { takeShard } from '#actors/log/ownership.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten, unknownReply } from '#actors/log/requests.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { Generation, ShardOwner } from '#actors/ports/log-store.ts';
import type { Store } from './store.ts';
import { walk } from './tenure.ts';

export interface Asked {
  readonly id: number;
  readonly request: StoreRequest;
}

export interface OwnerOptions {
  readonly store: Store;
  readonly generation: Generation;
  readonly log: string;
  readonly now: () => number;
  readonly stub?: Stub | null;
  readonly limits?: Partial<LogLimits>;
}

export const yearMs = 365 * 24 * 3_600_000;

export class Owner {
  readonly log: Log;
  readonly answers: LogAnswer[] = [];
  readonly asked: Asked[] = [];
  readonly broken: string[] = [];
  readonly #options: OwnerOptions;
  #nextSeq = 1;

  constructor(options: OwnerOptions) {
    const { store, generation, log, stub, limits } = options;
    this.#options = options;
    const host = {
      request: (id: number, request: StoreRequest) => void this.asked.push({ id, request }),
      answer: (answer: LogAnswer) => {
        this.answers.push(answer);
        if (answer.kind === 'opened') this.#nextSeq = answer.nextSeq;
      },
      broken: (reason: string) => void this.broken.push(reason),
    };
    const { readsAreDurable } = store;
    this.log = new Log(log, host, { generation, readsAreDurable, stub: stub ?? null, limits: limits ?? {} });
  }

  command(command: LogCommand): void {
    this.log.command(command, this.#options.now());
  }

  /** Opens and runs until the log has answered. */
  async open(create = true): Promise<Extract<LogAnswer, { kind: 'opened' }>> {
    this.command({ kind: 'open', create });
    await this.run();
    const opened = this.answers.find((answer) => answer.kind === 'opened');
    if (opened === undefined) throw new Error(`not opened: ${JSON.stringify(this.answers)}`);
    return opened;
  }

  /** Appends one row for each text. */
  append(...texts: string[]): void {
    const now = this.#options.now();
    const rows: NewRow[] = texts.map((text) => ({ bytes: bytes(text), acceptedMs: now, expiresMs: now + 2 * yearMs }));
    this.appendRows(rows);
  }

  appendRows(rows: readonly NewRow[]): void {
    this.command({ kind: 'append', fromSeq: this.#nextSeq, rows });
    this.#nextSeq += rows.length;
  }

  /** The greatest seq that was acked. */
  get acked(): number {
    return Math.max(0, ...this.answers.map((answer) => (answer.kind === 'appended' ? answer.throughSeq : 0)));
  }

  get failed(): string | undefined {
    return this.answers.find((answer) => answer.kind === 'failed')?.code;
  }

  last<Kind extends LogAnswer['kind']>(kind: Kind): Extract<LogAnswer, { kind: Kind }> {
    const answer = this.answers.findLast((each) => each.kind === kind);
    if (answer === undefined) throw new Error(`no ${kind} in ${JSON.stringify(this.answers)}`);
    return answer as Extract<LogAnswer, { kind: Kind }>;
  }

  /** Takes the next request of this kind out, for later or never. */
  hold(op: StoreRequest['op']): Asked {
    const index = this.asked.findIndex(({ request }) => request.op === op);
    const [asked] = index < 0 ? [] : this.asked.splice(index, 1);
    if (asked === undefined) throw new Error(`no ${op} among ${this.asked.map(({ request }) => request.op)}`);
    return asked;
  }

  /** Carries one request out; the answer is given by `reply`. */
  async carryOut({ request }: Asked): Promise<StoreReply> {
    const { store, log, generation } = this.#options;
    switch (request.op) {
      case 'cover':
        return { op: 'cover', fence: await store.readFence(generation) };
      case 'readMeta':
        return { op: 'readMeta', meta: await store.readMeta(log) };
      case 'casMeta':
        return { op: 'casMeta', applied: await store.casMeta(log, request.meta) };
      case 'readRows':
        return { op: 'readRows', rows: await store.readRows(log, request.segment, request.range) };
      case 'readState':
        return { op: 'readState', rows: await store.readState(log) };
      case 'writeRows':
        await store.writeRows([request.write]);
        return rowsWritten;
      case 'writeState':
        await store.writeState([{ log, rows: request.rows }]);
        return stateWritten;
    }
  }

  reply({ id }: Asked, reply: StoreReply): void {
    this.log.reply(id, reply, this.#options.now());
  }

  /** Carries out the next request of this kind (of any kind) and answers it. */
  async step(op?: StoreRequest['op']): Promise<void> {
    const asked = op === undefined ? this.asked.shift() : this.hold(op);
    if (asked !== undefined) this.reply(asked, await this.carryOut(asked));
  }

  /** A time-out that took effect: the request is carried out, and the owner hears nothing of it. */
  async lose(op: StoreRequest['op']): Promise<void> {
    const asked = this.hold(op);
    await this.carryOut(asked);
    this.reply(asked, unknownReply);
  }

  /** Carries out whatever is asked until the next request is of this kind, or nothing is asked any more. */
  async run(until?: StoreRequest['op']): Promise<void> {
    while (this.asked.length > 0 && this.asked[0]?.request.op !== until) await this.step();
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** A store under test and its clock. */
export interface World {
  store(): Store;
  now(): number;
  pass(ms: number): void;
}

/** The log that owners have, and its shard. */
export const log = 'room/!a:lux';
export const shard = shardOf(log);

/** The shard as its owner knows it; a generation that does not own it any more knows an older state. */
export async function ownedBy(store: Store, shard: number, { node, gen }: Generation): Promise<ShardOwner> {
  const owner = await store.readShard(shard);
  return owner?.node === node && owner.gen === gen ? owner : { node, gen, version: 0 };
}

/** Owners of one log, and how they come and go. */
export function ownersOf(world: World) {
  const owner = (generation: Generation, more: Partial<OwnerOptions> = {}) =>
    new Owner({ store: world.store(), generation, log, now: world.now, ...more });

  /** The next generation, which has taken the shard from `from` and fenced it. */
  const takeOver = async (from: Generation | null): Promise<Generation> => {
    const to = await world.store().createGeneration('n');
    const owned = from && (await ownedBy(world.store(), shard, from));
    expect(await walk(world.store(), takeShard({ shard, from: owned, to }))).toMatchObject(to);
    return to;
  };

  /** Everything in the log, as its newest owner reads it. */
  const contents = async (reader: Owner): Promise<string[]> => {
    const [fromSeq, throughSeq, limit, bytesMax] = [1, Number.MAX_SAFE_INTEGER, 1000, 1_000_000];
    reader.command({ kind: 'read', token: 1, fromSeq, throughSeq, limit, bytesMax, backwards: false });
    await reader.run();
    return reader.last('rows').rows.map((each) => `${each.seq} ${text(each.bytes)}`);
  };

  const fresh = async (...texts: string[]) => {
    const generation = await takeOver(null);
    const first = owner(generation);
    await first.open();
    if (texts.length > 0) first.append(...texts);
    await first.run();
    return { generation, first };
  };

  return { owner, takeOver, contents, fresh };
}
