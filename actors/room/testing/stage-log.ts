// The log of a room under test, in memory: keeps the words of messages.ts to the letter, without segments or fences. Rows become durable when they
// are appended and are covered when the test says so; a crash may keep or lose the uncovered ones.
import { wrongWith } from '../../log/covered.ts';
import type { LogAnswer, LogCommand, LogRow, StateChange } from '../../log/messages.ts';

interface KeptState extends StateChange {
  readonly segment: number;
}

/** One log. */
export class StageLog {
  /** Waiting to be told to the actor. */
  readonly answers: LogAnswer[] = [];
  readonly rows: Uint8Array[] = [];
  readonly state = new Map<string, KeptState>();
  readonly commands: LogCommand[] = [];
  /** Seqs below have expired. */
  floor = 1;
  covered = 0;
  /** Saves go out and are not answered, until `release`. */
  holds = false;
  readonly #unanswered: (LogCommand & { kind: 'save' })[] = [];
  #told = 0;
  #coveredByState = 0;
  #segment = 1;
  #isOpen = false;

  command(command: LogCommand): void {
    this.commands.push(command);
    switch (command.kind) {
      case 'open':
        this.#isOpen = true;
        this.#told = this.covered = this.rows.length;
        this.answers.push(this.#opened());
        return;
      case 'append':
        if (command.fromSeq !== this.rows.length + 1) throw new Error('append out of order');
        this.rows.push(...command.rows.map(({ bytes }) => bytes));
        return;
      case 'save':
        if (this.holds) this.#unanswered.push(command);
        else this.#save(command);
        return;
      case 'read':
        this.answers.push(this.#read(command));
        return;
      case 'rewrite':
        for (const { seq, bytes } of command.rows) if (seq >= this.floor) this.rows[seq - 1] = bytes;
        this.answers.push({ kind: 'rewritten', token: command.token });
        return;
      case 'confirm':
        this.answers.push({ kind: 'confirmed', token: command.token });
        return;
      case 'sealed':
      case 'close':
        this.#change(command.changes);
        this.#coveredByState = this.covered;
        if (command.kind === 'sealed') this.#segment++;
        else this.answers.push({ kind: 'closed' });
    }
  }

  /** Covers rows through this seq (default: all) and tells. */
  cover(throughSeq = this.rows.length): void {
    this.covered = Math.max(this.covered, Math.min(throughSeq, this.rows.length));
    if (!this.#isOpen || this.covered === this.#told) return;
    this.#told = this.covered;
    this.answers.push({ kind: 'appended', throughSeq: this.covered });
  }

  /** Carries out and answers the saves that were held. */
  release(): void {
    this.holds = false;
    for (const save of this.#unanswered.splice(0)) this.#save(save);
  }

  seal(): void {
    this.answers.push({ kind: 'sealing' });
  }

  fail(): void {
    this.answers.push({ kind: 'failed', code: 'FENCED' });
  }

  crash(keepUncovered: boolean): void {
    if (!keepUncovered) this.rows.length = this.covered;
    this.reopen();
    this.#segment++;
  }

  reopen(): void {
    this.#isOpen = false;
    this.answers.length = 0;
    this.#unanswered.length = 0;
    this.holds = false;
  }

  #save({ changes, token }: LogCommand & { kind: 'save' }): void {
    this.#change(changes);
    this.answers.push({ kind: 'saved', token });
  }

  #opened(): LogAnswer {
    const state = [...this.state.values()].flatMap(({ key, value }) => (value === null ? [] : [{ key, value }]));
    const from = Math.max(this.#coveredByState + 1, this.floor);
    const rows: LogRow[] = this.rows
      .map((bytes, index) => ({ seq: index + 1, bytes }))
      .filter((row) => row.seq >= from);
    return {
      kind: 'opened',
      exists: this.rows.length > 0,
      state,
      rows,
      nextSeq: this.rows.length + 1,
      floor: this.floor,
    };
  }

  #read(command: LogCommand & { kind: 'read' }): LogAnswer {
    const { fromSeq, throughSeq, limit, bytesMax, backwards, token } = command;
    const from = Math.max(fromSeq, this.floor);
    const through = Math.min(throughSeq, this.covered);
    const rows: LogRow[] = [];
    let bytes = 0;
    let seq = backwards ? through : from;
    for (; seq >= from && seq <= through && rows.length < limit; seq += backwards ? -1 : 1) {
      const row = this.rows[seq - 1] as Uint8Array;
      bytes += row.length;
      if (bytes > bytesMax && rows.length > 0) break;
      rows.push({ seq, bytes: row });
    }
    const isDone = seq < from || seq > through;
    return { kind: 'rows', token, rows: backwards ? rows.reverse() : rows, floor: this.floor, next: isDone ? 0 : seq };
  }

  #change(changes: readonly StateChange[]): void {
    const wrong = wrongWith(changes, this.covered);
    if (wrong !== null) throw new Error(wrong);
    for (const change of changes) {
      const before = this.state.get(change.key);
      const after = { ...change, segment: this.#segment };
      if (before === undefined || stamp(before) < stamp(after)) this.state.set(change.key, after);
      else throw new Error('a state row was written with an old stamp');
    }
  }
}

function stamp({ segment, seq, sub }: KeptState): number {
  return (segment * 1e5 + seq) * 1e5 + sub;
}
