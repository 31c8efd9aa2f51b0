// The process that the kill test kills: appends to many logs as fast as it can and says on its output what was acked. Arguments: folder, round.
// It holds what it recovers against what the logs promise, and says so where they broke it.
import { writeSync } from 'node:fs';
import type { LogAnswer } from '#actors/log/messages.ts';
import { LogRunner } from '../log-runner.ts';
import { EmbeddedStore } from './store.ts';

const [folder = '', round = ''] = process.argv.slice(2);
const logs = 50;
const inFlight = 4;
const lifeMs = 700 * 24 * 3_600_000;
const filling = '.'.repeat(250);

const started = performance.now();
const store = await EmbeddedStore.open({ folder, now: Date.now });
const runner = await LogRunner.start({ store, node: 'n', now: Date.now, limits: { segmentRowsMax: 150 } });
const startMs = performance.now() - started;

/** Rows of one log: sent, and acked. */
class Writer {
  nextSeq = 0;
  acked = 0;
  sent = 0;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  answered(answer: LogAnswer): void {
    if (answer.kind === 'opened') this.#opened(answer);
    else if (answer.kind === 'sealing') this.#command({ kind: 'sealed', changes: [this.#count()] });
    else if (answer.kind === 'failed') say(`broken ${this.#name} failed ${answer.code}`);
    else if (answer.kind === 'appended') {
      for (; this.acked < answer.throughSeq; this.acked++)
        say(`ack ${this.#name} ${this.acked + 1} ${round}.${this.acked + 1}`);
      this.#fill();
    }
  }

  #opened({ rows, state, nextSeq }: Extract<LogAnswer, { kind: 'opened' }>): void {
    const counted = Number(Buffer.from(state[0]?.value ?? []).toString() || '0');
    const last = rows.at(-1)?.seq ?? counted;
    const first = rows[0]?.seq ?? counted + 1;
    if (first > counted + 1 || last !== nextSeq - 1) say(`broken ${this.#name} ${counted} ${first} ${last} ${nextSeq}`);
    this.nextSeq = nextSeq;
    this.acked = nextSeq - 1;
    this.#fill();
  }

  #fill(): void {
    while (this.nextSeq - 1 - this.acked < inFlight) {
      const fromSeq = this.nextSeq++;
      const bytes = Buffer.from(`${round}.${fromSeq} ${filling}`);
      const now = Date.now();
      this.#command({ kind: 'append', fromSeq, rows: [{ bytes, acceptedMs: now, expiresMs: now + lifeMs }] });
    }
  }

  #count() {
    return { key: 'count', value: Buffer.from(`${this.acked}`), seq: this.acked, sub: 0 };
  }

  #command(command: Parameters<LogRunner['command']>[2]): void {
    runner.command(this.#name, 1, command);
  }
}

/** Synchronously, so that a line that was said was acked; the pipe may be full for a while. */
function say(line: string): void {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error;
    }
  }
}

const writers = new Map(Array.from({ length: logs }, (_, i) => [`room/!${i}:lux`, new Writer(`room/!${i}:lux`)]));
runner.serve((actor, _incarnation, answer) => writers.get(actor)?.answered(answer));
say(`ready ${startMs.toFixed(0)}`);
for (const name of writers.keys()) runner.command(name, 1, { kind: 'open', create: true });
