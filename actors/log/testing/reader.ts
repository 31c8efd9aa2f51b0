// The last owner of a schedule: alone, with a store that answers, it takes the shard over, opens the log and reads all of it.
import type { Generation } from '../../ports/log-store.ts';
import { Log } from '../log.ts';
import type { LogAnswer } from '../messages.ts';
import type { StoreReply, StoreRequest } from '../requests.ts';
import type { Replicas } from './replicas.ts';
import { carryOut, logName } from './requests.ts';

export class Reader {
  readonly #replicas: Replicas;

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
  }

  /** Message by seq; null = the log could not be opened. */
  readAll(owner: Generation | null): Map<number, number> | null {
    const generation = this.#replicas.createGeneration('reader');
    if (owner !== null)
      this.#complete((answer) =>
        this.#replicas.write(
          () => true,
          (store) => store.fence(owner),
          answer,
        ),
      );
    const answers: LogAnswer[] = [];
    const host = {
      request: (id: number, request: StoreRequest) =>
        this.#carryOut(generation, request, (reply) => log.reply(id, reply, this.#replicas.now)),
      answer: (answer: LogAnswer) => void answers.push(answer),
      broken: (reason: string) => {
        throw new Error(reason);
      },
    };
    const log = new Log(logName, host, { generation, readsAreDurable: false });
    log.command({ kind: 'open', create: true }, this.#replicas.now);
    while (this.#replicas.step());
    if (answers[0]?.kind !== 'opened') return null;
    const range = { fromSeq: 1, throughSeq: 999, limit: 999, bytesMax: 9999, backwards: false };
    log.command({ kind: 'read', token: 1, ...range }, this.#replicas.now);
    while (this.#replicas.step());
    const rows = answers.find((answer) => answer.kind === 'rows')?.rows ?? [];
    return new Map(rows.map(({ seq, bytes }) => [seq, bytes[0]!]));
  }

  #complete(start: (answer: () => void) => void): void {
    let done = false;
    start(() => {
      done = true;
    });
    while (!done && this.#replicas.step());
  }

  #carryOut(generation: Generation, request: StoreRequest, reply: (reply: StoreReply) => void): void {
    const always = () => true;
    if (request.op !== 'cover') return carryOut({ replicas: this.#replicas, alive: always }, request, reply);
    this.#replicas.read(
      always,
      (store) => store.readFence(generation),
      (both) => reply({ op: 'cover', fence: both?.includes('fenced') ? 'fenced' : 'alive' }),
    );
  }
}
