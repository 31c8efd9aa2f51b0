// For tests: a log runner over a counting store, at a time that the test sets, with the answers that its actors got.
import type { LogAnswer } from '#actors/log/messages.ts';
import { bytes, text, yearMs } from '../contract-owner.ts';
import { LogRunner, type LogRunnerOptions } from '../log-runner.ts';
import { CountingStore } from './counting-store.ts';

export class RunnerStage {
  now = Date.UTC(2027, 0, 13);
  readonly store = new CountingStore(() => this.now);
  /** What it told: to which actor, in which incarnation. */
  readonly answers: [string, number, LogAnswer][] = [];
  /** How long it waited before each repetition. */
  readonly delays: number[] = [];
  /** What it wants done at the end of the turn. */
  flush: (() => void) | null = null;
  /** To which it speaks. */
  runner!: LogRunner;

  /** One with its first runner. */
  static async start(): Promise<RunnerStage> {
    const stage = new RunnerStage();
    stage.runner = await stage.begin();
    return stage;
  }

  /** Begins a runner over the same store; nobody speaks to it yet. */
  async begin(more: Partial<Omit<LogRunnerOptions, 'store'>> = {}): Promise<LogRunner> {
    const later = (run: () => void, delayMs: number) => {
      this.delays.push(delayMs);
      queueMicrotask(run);
    };
    const schedule = (run: () => void) => {
      this.flush = run;
    };
    const { generation, ...options } = { store: this.store, now: () => this.now, schedule, later, ...more };
    const made =
      generation === undefined
        ? await LogRunner.start({ ...options, node: 'n' })
        : new LogRunner({ ...options, generation });
    return made.serve((actor, incarnation, answer) => void this.answers.push([actor, incarnation, answer]));
  }

  /** Lets everything happen that can. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      const run = this.flush;
      this.flush = null;
      run?.();
    }
  }

  append(log: string, incarnation: number, fromSeq: number, ...texts: string[]): void {
    const rows = texts.map((each) => ({ bytes: bytes(each), acceptedMs: this.now, expiresMs: this.now + yearMs }));
    this.runner.command(log, incarnation, { kind: 'append', fromSeq, rows });
  }

  async open(log: string, incarnation = 1): Promise<void> {
    this.runner.command(log, incarnation, { kind: 'open', create: true });
    await this.settle();
  }

  /** Closes it with one row of state, `summary`, as of this seq. */
  async close(log: string, incarnation: number, seq: number): Promise<void> {
    const changes = [{ key: 'summary', value: bytes(`head ${seq}`), seq, sub: 0 }];
    this.runner.command(log, incarnation, { kind: 'close', changes });
    await this.settle();
  }

  /** Texts of all rows of a log, as its actor reads them. */
  async read(log: string, incarnation: number): Promise<string[]> {
    const range = { fromSeq: 1, throughSeq: 99, limit: 99, bytesMax: 999, backwards: false };
    this.runner.command(log, incarnation, { kind: 'read', token: 1, ...range });
    await this.settle();
    const last = this.answers.at(-1)?.[2];
    return last?.kind === 'rows' ? last.rows.map((row) => text(row.bytes)) : [];
  }

  /** Kinds of the answers that this log's actor got. */
  kinds(log: string): string[] {
    return this.answers.filter(([actor]) => actor === log).map(([, , { kind }]) => kind);
  }
}
