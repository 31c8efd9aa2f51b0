// Two honest people who talk while others misbehave: a message every few milliseconds, how long each took, and what arrived.
import { setTimeout as pause } from 'node:timers/promises';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { eventually, type ProviderProcess } from './harness.ts';

const everyMs = 40;

/** A talk of two in their 1:1 room, over the SDK. */
export class Chatter {
  readonly sent: string[] = [];
  readonly received: string[] = [];
  readonly #ackMs: number[] = [];
  readonly #one: LuxchatClient;
  readonly #two: LuxchatClient;
  readonly #room: string;
  #talking = true;
  #done: Promise<void> = Promise.resolve();

  private constructor(one: LuxchatClient, two: LuxchatClient, room: string) {
    this.#one = one;
    this.#two = two;
    this.#room = room;
  }

  /** Two people meet and begin to talk. */
  static async begin(provider: ProviderProcess, names: readonly [string, string] = ['hana', 'hugo']): Promise<Chatter> {
    const [one, two] = [await provider.device(names[0]), await provider.device(names[1])];
    const room = await one.startDirect(two.user);
    const invited = () => two.rooms().find((each) => each.room === room)?.status === MemberStatus.MEMBER_STATUS_INVITED;
    await eventually('the other is invited', invited);
    await two.accept(room);
    await eventually('both are in', () => one.members(room).filter(({ status }) => status === 2).length === 2);
    const chatter = new Chatter(one, two, room);
    two.on('item', ({ room: where, kind, own, content }) => {
      if (where !== room || kind !== 'message' || own || content?.body?.$case !== 'text') return;
      chatter.received.push(content.body.value.text);
    });
    chatter.#done = chatter.#talk();
    return chatter;
  }

  /** Waits until the other has heard so many words that were begun after this call. */
  async talksOn(words = 1): Promise<void> {
    // One may be under way already.
    const enough = this.sent.length + 1 + words;
    await eventually('the pair talks on', () => this.received.length >= enough, 20_000, [this.#two]);
  }

  get talking(): boolean {
    return this.#talking;
  }

  /** How many words were accepted. */
  get accepted(): number {
    return this.#ackMs.length;
  }

  /** Stops talking and waits until the other has heard the last word. */
  async heardEverything(): Promise<void> {
    this.#talking = false;
    await this.#done;
    await eventually('all was heard', () => this.received.length >= this.sent.length);
  }

  /** Percentiles of the time from writing to the hub's acceptance. */
  report(): string {
    const sorted = [...this.#ackMs].sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]?.toFixed(1);
    return `${sorted.length} messages, ack p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }

  async end(): Promise<void> {
    this.#talking = false;
    await this.#done.catch(() => {});
    await Promise.all([this.#one.close(), this.#two.close()]);
  }

  async #talk(): Promise<void> {
    while (this.#talking) {
      const text = `word ${this.sent.length}`;
      const began = performance.now();
      await this.#one.send(this.#room, text);
      this.sent.push(text);
      await this.#one.flushed(20_000);
      this.#ackMs.push(performance.now() - began);
      await pause(everyMs);
    }
  }
}
