// One random run of several generations that fight for one log, and what must hold of it. P1 what was acked is in the log · P2 no seq acked twice, no
// hole · P3 a message first sent after an ack lies behind it · P4 a message lies in the log once. Checked as it goes, and again by a fresh owner after
// everyone else has stopped, whatever they left under way.
import { handOver, type OwnershipReply, type OwnershipSteps, takeShard } from '../ownership.ts';
import type { Rule } from '../rules.ts';
import { sameGeneration } from '../segments.ts';
import { Node } from './node.ts';
import { Random } from './random.ts';
import { Reader } from './reader.ts';
import { lifeMs, Replicas } from './replicas.ts';
import { logName } from './requests.ts';

export interface ScheduleOptions {
  readonly seed: number;
  readonly omit?: Rule | undefined;
}

/** What came of a run. `violation` null = everything held. */
export interface Outcome {
  readonly violation: string | null;
  readonly acks: number;
  readonly takeovers: number;
}

const generationsMax = 3;
const messagesMax = 5;
const stepsMax = 600;
/** Actions of its own that a bounce waits for. */
const bounceStepsMax = 40;
/** How often time passes, in those schedules in which it does. */
const passesMax = 16;

export function runSchedule({ seed, omit }: ScheduleOptions): Outcome {
  return new Schedule(new Random(seed), { omit, marks: seed % 2 === 0 }).run();
}

class Schedule {
  readonly #random: Random;
  readonly #omit: Rule | undefined;
  readonly #marks: boolean;
  readonly #replicas: Replicas;
  readonly #nodes: Node[] = [];
  readonly #rowsMax: number;
  /** Seq to message and back, of everything acked. */
  readonly #bySeq = new Map<number, number>();
  readonly #byMessage = new Map<number, number>();
  /** The greatest acked seq when a message was first sent. */
  readonly #sentAfter = new Map<number, number>();
  readonly #sentMs = new Map<number, number>();
  #violation: string | null = null;
  #takeovers = 0;
  #crashes: number;
  #handOvers: number;
  #passes: number;

  constructor(random: Random, { omit, marks }: { readonly omit: Rule | undefined; readonly marks: boolean }) {
    this.#random = random;
    this.#marks = marks;
    this.#omit = omit;
    this.#replicas = new Replicas(random);
    this.#rowsMax = random.chance(0.5) ? 2 : 100;
    this.#crashes = random.below(3);
    this.#handOvers = random.below(4);
    this.#passes = random.chance(0.3) ? passesMax : 0;
  }

  run(): Outcome {
    this.#join();
    for (let step = 0; step < stepsMax && this.#violation === null; step++) {
      if (this.#random.chance(0.12)) this.#disturb();
      else if (!this.#replicas.step()) this.#rest();
    }
    this.#finish();
    return { violation: this.#violation, acks: this.#bySeq.size, takeovers: this.#takeovers };
  }

  /** Nothing is under way. Time may pass, unless something is due: then whoever owns the log is woken for it. */
  #rest(): void {
    if (this.#passes === 0 || this.#random.chance(0.5)) return this.#disturb();
    this.#passes--;
    if (this.#replicas.pass(logName)) return;
    const owner = this.#nodes.find(({ owns, crashed }) => owns && !crashed);
    if (owner === undefined) this.#disturb();
    else owner.wake();
  }

  /** Something from outside: a message, a takeover, a crash, a hand-over, a passivation. */
  #disturb(): void {
    const node = this.#nodes[this.#random.below(this.#nodes.length)]!;
    const dice = this.#random.next();
    if (dice < 0.55) this.#send(node);
    else if (dice < 0.7) this.#join();
    else if (dice < 0.8 && this.#crashes > 0) {
      this.#crashes--;
      if (this.#random.chance(0.7)) node.crashActor();
      else node.crashed = true;
    } else if (dice < 0.85 && this.#handOvers > 0 && node.owns && !node.crashed) this.#give(node);
    else if (dice < 0.92) node.close();
    else node.save();
  }

  #send(node: Node): void {
    if (!node.owns || node.crashed) return;
    const message = 1 + this.#random.below(Math.min(messagesMax, this.#sentAfter.size + 1));
    if (!this.#sentAfter.has(message)) {
      this.#sentAfter.set(message, Math.max(0, ...this.#bySeq.keys()));
      this.#sentMs.set(message, this.#replicas.now);
    }
    node.arrive(message);
  }

  #acked(seq: number, message: number): void {
    if ((this.#bySeq.get(seq) ?? message) !== message) this.#fail(`P2 seq ${seq} acked for two messages`);
    if ((this.#byMessage.get(message) ?? seq) !== seq) this.#fail(`P4 message ${message} acked at two seqs`);
    if (seq <= (this.#sentAfter.get(message) ?? 0))
      this.#fail(`P3 message ${message} at ${seq}, before an earlier ack`);
    this.#bySeq.set(seq, message);
    this.#byMessage.set(message, seq);
  }

  #fail(violation: string): void {
    this.#violation ??= violation;
  }

  /** A new generation holds the owner for dead, rightly or wrongly. */
  #join(): void {
    if (this.#nodes.length >= generationsMax) return;
    const node = this.#newNode();
    node.takes = true;
    this.#replicas.later(
      () => !node.crashed,
      () => {
        const from = this.#replicas.registers.readShard(0);
        this.#walk(node, takeShard({ shard: 0, from, to: node.generation }, this.#omit), (owner) => {
          node.takes = false;
          if (!sameGeneration(owner, node.generation)) return;
          node.gets();
          this.#takeovers++;
        });
      },
    );
  }

  #newNode(): Node {
    const generation = this.#replicas.createGeneration(`n${this.#nodes.length}`);
    const acked = (seq: number, message: number) => this.#acked(seq, message);
    const rowsMax = this.#rowsMax;
    const marks = this.#marks;
    const node = new Node({ replicas: this.#replicas, generation, rowsMax, omit: this.#omit, marks, acked });
    this.#nodes.push(node);
    return node;
  }

  /** A planned hand-over: to another generation that is there, which may have had the shard before, or to one that is made for it. */
  #give(node: Node): void {
    const others = this.#nodes.filter((other) => other !== node && !other.crashed && !other.takes);
    const isNew = this.#nodes.length < generationsMax && (others.length === 0 || this.#random.chance(0.5));
    const heir = isNew ? this.#newNode() : others[this.#random.below(others.length)];
    if (heir !== undefined) this.#giveTo(node, heir);
  }

  #giveTo(node: Node, heir: Node): void {
    if (this.#handOvers === 0 || !node.owns) return;
    this.#handOvers--;
    node.release(() => {
      const from = this.#replicas.registers.readShard(0);
      if (!sameGeneration(from, node.generation) || from === null) return;
      this.#walk(node, handOver({ shard: 0, from, to: heir.generation }), (owner) => {
        if (!sameGeneration(owner, heir.generation)) return;
        heir.gets();
        if (this.#random.chance(0.5)) this.#bounce(heir, node);
      });
    });
  }

  /** Someone speaks, and while the log is being opened for it, the shard goes back to where it was. */
  #bounce(heir: Node, node: Node): void {
    this.#send(heir);
    const steps = this.#random.below(bounceStepsMax);
    const wait = (left: number) =>
      this.#replicas.later(
        () => !heir.crashed,
        () => (left === 0 ? this.#giveTo(heir, node) : wait(left - 1)),
      );
    wait(steps);
  }

  #walk<T>(node: Node, steps: OwnershipSteps<T>, done: (value: T) => void): void {
    const alive = () => !node.crashed;
    const go = (reply: OwnershipReply) => {
      const step = steps.next(reply);
      if (step.done) return done(step.value);
      const request = step.value;
      const { registers } = this.#replicas;
      if (request.op === 'fence') {
        const fence = () =>
          this.#replicas.write(
            alive,
            (store) => store.fence(request.generation),
            (heard) => (heard ? go({ op: 'fence' }) : fence()),
          );
        fence();
      } else if (request.op === 'readShard') {
        this.#replicas.later(alive, () => go({ op: 'readShard', owner: registers.readShard(0) }));
      } else {
        const { expected, owner } = request;
        this.#replicas.later(alive, () => {
          const applied = registers.casShard(0, expected, owner);
          const heard = this.#random.chance(0.85);
          this.#replicas.later(alive, () => go({ op: 'casShard', applied: heard ? applied : null }));
        });
      }
    };
    go({ op: 'fence' });
  }

  /** Everyone has stopped; a fresh generation takes over alone and reads everything. */
  #finish(): void {
    for (const node of this.#nodes) node.crashed = true;
    this.#replicas.settle(this.#random.chance(0.5));
    const reader = new Reader(this.#replicas);
    const messages = reader.readAll(this.#replicas.registers.readShard(0));
    if (messages === null) return this.#fail('P5 a fresh owner could not open the log');
    for (const [seq, message] of this.#bySeq) {
      const mayBeGone = (this.#sentMs.get(message) ?? 0) + lifeMs <= this.#replicas.now && !messages.has(seq);
      if (messages.get(seq) !== message && !mayBeGone)
        this.#fail(`P1 message ${message} was acked at ${seq} and is not there`);
    }
    const seqs = [...messages.keys()].sort((a, b) => a - b);
    if (seqs.some((seq, index) => seq !== seqs[0]! + index)) this.#fail('P2 the log has a hole');
    if (new Set(messages.values()).size !== messages.size) this.#fail('P4 a message lies in the log twice');
  }
}
