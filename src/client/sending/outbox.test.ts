import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Accepted } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { LocalSend } from '#proto/gen/local.ts';
import { type Event, EventKind } from '#proto/gen/record.ts';
import { ClientError } from '../errors.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { orderedNumber } from '../store/store.ts';
import { Outbox, type SendingRoom } from './outbox.ts';
import { textContent } from './text-content.ts';
import type { SendChange } from './waiting.ts';

const room = '!g:localhost';
const { EVENT_KIND_CONTENT: kind } = EventKind;

/** A room and a hub that do what the test says. */
class World {
  readonly store = new MemoryStore();
  readonly submitted: string[] = [];
  readonly changes: string[] = [];
  readonly background: Promise<void>[] = [];
  live = true;
  maySend = true;
  deserted = false;
  unheard = false;
  sealed = 0;
  caughtUp = 0;
  skipped = 0;
  staleManifests = 0;
  /** Answers in turn; afterwards everything is accepted. */
  answers: (Rejection | 'lost')[] = [];
  /** Send ids that the log shows. */
  log = new Set<number>();
  hold: Promise<void> | undefined;
  sealing: Promise<void> | undefined;
  outbox = this.open();

  open(): Outbox {
    this.outbox = new Outbox({
      store: this.store,
      live: () => this.live,
      submit: (_, event) => this.submit(event),
      room: () => this.#room(),
      staleManifest: async () => {
        this.staleManifests++;
      },
      changed: (send, change) => this.changes.push(this.#told(send, change)),
      background: (work) => this.background.push(work()),
      now: () => 1_000,
      random: () => 0,
      count: () => {},
    });
    return this.outbox;
  }

  add(text: string): Promise<LocalSend> {
    return this.outbox.add({ room, kind, content: textContent(text), counts: true });
  }

  /** The log takes this message in. */
  async logShows(header: string): Promise<void> {
    const leaving = this.outbox.arriving(room, new TextEncoder().encode(header));
    await this.store.write(leaving?.rows ?? []);
    leaving?.settle();
  }

  async rows(): Promise<number> {
    return (await this.store.list('outbox', { from: '', to: '~' })).length;
  }

  async submit(event: Event): Promise<Accepted> {
    const text = new TextDecoder().decode(event.body);
    this.submitted.push(text);
    await this.hold;
    const answer = this.answers.shift();
    if (answer === 'lost') throw new ClientError('DISCONNECTED', 'lost');
    if (answer !== undefined) throw new ClientError('REJECTED', 'no', { rejection: answer });
    return { seq: this.submitted.length, acceptedMs: 5, hash: new Uint8Array(32), control: undefined };
  }

  #room(): SendingRoom {
    return {
      room,
      maySend: () => this.maySend,
      deserted: async () => this.deserted,
      unheard: this.unheard,
      seal: async (send, row) => {
        await this.sealing;
        if (this.unheard) throw new ClientError('UNTRUSTED', 'nobody');
        const sendId = ++this.sealed;
        const body = send.content?.body;
        const text = body?.$case === 'text' ? body.value.text : '';
        const bytes = new TextEncoder().encode(`${text}#${sendId}`);
        const done = { ...send, sendId, event: { header: bytes, body: bytes } };
        await this.store.write([{ table: 'outbox', ...row(done) }]);
        return done;
      },
      catchUp: async () => {
        this.caughtUp++;
      },
      outdated: () => false,
      holds: async (send) => this.log.has(send.sendId),
      skipSendIds: async () => {
        this.skipped++;
        this.sealed += 129;
      },
    };
  }

  #told(send: LocalSend, change: SendChange): string {
    const body = send.content?.body;
    return `${body?.$case === 'text' ? body.value.text : ''} ${change.to}`;
  }
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('outbox', () => {
  let world: World;
  beforeEach(() => {
    vi.useFakeTimers();
    world = new World();
    return () => vi.useRealTimers();
  });

  it('sends in the order written, one at a time', async () => {
    await Promise.all(['a', 'b', 'c'].map((text) => world.add(text)));
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'b#2', 'c#3']);
    expect(world.changes.filter((change) => change.endsWith('accepted'))).toEqual([
      'a accepted',
      'b accepted',
      'c accepted',
    ]);
  });

  // Only the first 100,000 were read: what stood behind them stayed there, and what was written then went out before it.
  it('reads all that waited, however much that is', async () => {
    world.live = false;
    const first = await world.add('first');
    const rowAt = (position: number) => ({
      ...{ table: 'outbox' as const, key: orderedNumber(position) },
      value: LocalSend.encode({ ...first, position, localId: `local.${position}` }).finish(),
    });
    await world.store.write(Array.from({ length: 100_000 }, (_, n) => rowAt(first.position + 1 + n)));
    world.open();
    await world.outbox.load();
    expect((await world.add('last')).position).toBe(first.position + 100_001);
    expect(world.outbox.waiting(room)).toHaveLength(100_002);
  });

  it('sends the same bytes again after any doubt, also from a new process', async () => {
    world.answers = ['lost'];
    await world.add('a');
    await settled();
    world.outbox.close();
    world.open();
    await world.outbox.load();
    world.outbox.kickAll();
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'a#1']);
    expect(world.sealed).toBe(1);
  });

  it('keeps a message in sight until the log shows it', async () => {
    const send = await world.add('a');
    await world.outbox.drained();
    expect(world.outbox.waiting(room)).toHaveLength(1);
    expect(world.outbox.accepted(send)).toMatchObject({ seq: 1 });
    await world.logShows('a#1');
    expect(world.outbox.waiting(room)).toEqual([]);
    expect(world.outbox.localId(room, 1)).toBe(send.localId);
  });

  it('takes a message out when the log is quicker than the answer', async () => {
    let go = () => {};
    world.hold = new Promise((resolve) => {
      go = resolve;
    });
    await world.add('a');
    await settled();
    await world.logShows('a#1');
    expect(world.outbox.waiting(room)).toEqual([]);
    go();
    await world.outbox.drained();
    expect(world.outbox.waiting(room)).toEqual([]);
  });

  it('takes a message out that was in the log before the program was last started', async () => {
    world.hold = new Promise(() => {});
    await world.add('a');
    await settled();
    world.outbox.close();
    // The record was kept, and then the process was killed.
    world.log.add(1);
    world.hold = undefined;
    world.open();
    await world.outbox.load();
    world.outbox.kickAll();
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'a#1']);
    expect(world.outbox.waiting(room)).toEqual([]);
    expect(await world.rows()).toBe(0);
  });

  it('does not keep a message again that is refused after the log showed it', async () => {
    let go = () => {};
    world.hold = new Promise((resolve) => {
      go = resolve;
    });
    world.answers = [Rejection.REJECTION_FORBIDDEN];
    await world.add('a');
    await settled();
    await world.logShows('a#1');
    go();
    await world.outbox.drained();
    expect(await world.rows()).toBe(0);
  });

  it('takes messages and lets go of waiting ones in one write, or changes nothing', async () => {
    world.live = false;
    const [old, kept] = [await world.add('old'), await world.add('kept')];
    const more = ['a', 'b'].map((text) => ({ room, kind, content: textContent(text), counts: true }));
    const writes: number[] = [];
    const { write } = world.store;
    world.store.write = async () => {
      throw new ClientError('STORE', 'full');
    };
    await expect(world.outbox.addAll(more, [old])).rejects.toMatchObject({ code: 'STORE' });
    expect(world.outbox.waiting(room)).toEqual([old, kept]);
    world.store.write = async (changes) => {
      writes.push(changes.length);
      await write.call(world.store, changes);
    };
    const sends = await world.outbox.addAll(more, [old]);
    expect(writes).toEqual([3]);
    expect(world.outbox.waiting(room)).toEqual([kept, ...sends]);
    expect(world.changes).toContain('old discarded');
    expect(await world.rows()).toBe(3);
  });

  it('does not send what is let go of while it is being sealed', async () => {
    let go = () => {};
    world.sealing = new Promise((resolve) => {
      go = resolve;
    });
    const old = await world.add('old');
    await world.outbox.addAll([{ room, kind, content: textContent('new'), counts: true }], [old]);
    go();
    await world.outbox.drained();
    expect(world.submitted).toEqual(['new#2']);
    await world.logShows('new#2');
    expect(await world.rows()).toBe(0);
  });

  it('gives messages up where the other of a 1:1 room is gone, and keeps what nobody sees', async () => {
    const world = new World();
    world.maySend = false;
    const edit = { room, kind, content: textContent('quiet'), counts: false };
    await world.outbox.addAll([edit]);
    await world.add('one');
    await Promise.all(world.background);
    expect(world.outbox.waiting(room).map(({ failed }) => failed)).toEqual([0, 0]);
    world.deserted = true;
    world.outbox.kick(room);
    await Promise.all(world.background);
    expect(world.outbox.waiting(room).map(({ failed }) => failed)).toEqual([0, Rejection.REJECTION_NOT_MEMBER]);
    // They came back: only a person sends it again.
    [world.deserted, world.maySend] = [false, true];
    world.outbox.kick(room);
    await Promise.all(world.background);
    expect(world.submitted).toEqual(['quiet#1']);
  });

  it('leaves a message alone when the log shows another one under its id', async () => {
    world.answers = ['lost'];
    await world.add('a');
    await settled();
    await world.logShows('other#1');
    expect(world.outbox.waiting(room)).toHaveLength(1);
  });

  it('does not lose a kick that comes while it works', async () => {
    world.maySend = false;
    await world.add('a');
    await settled();
    let go = () => {};
    world.hold = new Promise((resolve) => {
      go = resolve;
    });
    world.maySend = true;
    world.outbox.kick(room);
    await settled();
    world.live = false;
    world.answers = ['lost'];
    go();
    world.live = true;
    world.outbox.kick(room);
    await settled();
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'a#1']);
  });

  it('keeps what the other would not hear: nothing holds an end up, and it goes out once they do', async () => {
    world.unheard = true;
    await world.add('a');
    await settled();
    await world.outbox.drained();
    expect([world.submitted, world.outbox.waiting(room).length, world.changes]).toEqual([[], 1, ['a waiting']]);
    world.unheard = false;
    world.outbox.kick(room);
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1']);
  });

  it('waits and repeats where the server says not now', async () => {
    world.answers = [Rejection.REJECTION_BUSY, Rejection.REJECTION_UNAVAILABLE];
    await world.add('a');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(world.submitted).toEqual(['a#1', 'a#1', 'a#1']);
  });

  it('seals anew behind the newest chain where the hub says stale', async () => {
    world.answers = [Rejection.REJECTION_STALE_STATE];
    await world.add('a');
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'a#2']);
    expect(world.caughtUp).toBe(1);
  });

  it('does not seal anew what is in the log after all', async () => {
    world.answers = [Rejection.REJECTION_TOO_OLD];
    world.log.add(1);
    await world.add('a');
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1']);
    expect(world.outbox.waiting(room)).toEqual([]);
  });

  it('lets nothing out while it is held, once what was under way is answered', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    world.hold = promise;
    await Promise.all(['a', 'b'].map((text) => world.add(text)));
    await settled();
    let held = false;
    const holding = world.outbox.hold().then(() => {
      held = true;
    });
    await settled();
    expect(held).toBe(false);
    resolve();
    await holding;
    expect([world.outbox.acceptedThrough(room), world.outbox.acceptedThrough('!other')]).toEqual([1, 0]);
    await world.add('c');
    world.outbox.kickAll();
    await world.outbox.hold();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.submitted).toEqual(['a#1']);
    world.outbox.release();
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'b#2', 'c#3']);
  });

  it('goes on well above ids that are used up', async () => {
    world.answers = [Rejection.REJECTION_ID_REUSED];
    await world.add('a');
    await world.outbox.drained();
    expect(world.skipped).toBe(1);
    expect(world.submitted).toEqual(['a#1', 'a#131']);
  });

  it('slows down where the hub goes on saying stale', async () => {
    world.answers = Array.from({ length: 50 }, () => Rejection.REJECTION_STALE_STATE);
    await world.add('a');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.submitted.length).toBeLessThan(8);
  });

  it('looks at its own standing where the hub says that it is not listed', async () => {
    world.answers = [Rejection.REJECTION_STALE_MANIFEST];
    await world.add('a');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.staleManifests).toBe(1);
    expect(world.submitted).toEqual(['a#1', 'a#1']);
  });

  it('keeps what was refused for good, marked, and lets the next one pass', async () => {
    world.answers = [Rejection.REJECTION_FORBIDDEN];
    const [first] = await Promise.all([world.add('a'), world.add('b')]);
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'b#2']);
    expect(world.changes).toContain('a failed');
    await world.outbox.retry(room, first.localId);
    await world.outbox.drained();
    expect(world.submitted).toEqual(['a#1', 'b#2', 'a#3']);
    await expect(world.outbox.discard(room, first.localId)).rejects.toMatchObject({ code: 'UNKNOWN' });
  });

  it('takes a refused message out on demand', async () => {
    world.answers = [Rejection.REJECTION_FORBIDDEN];
    const send = await world.add('a');
    await world.outbox.drained();
    await world.outbox.discard(room, send.localId);
    expect(world.outbox.waiting(room)).toEqual([]);
    expect(world.changes).toContain('a discarded');
  });
});
