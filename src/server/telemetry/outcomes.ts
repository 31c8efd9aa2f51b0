// What came of requests that no actor answers, for the metrics: who asks for whom is in none of it.
import type { AnswerBody, ServedRequest } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';

const names = new Map<number, string>(
  Object.entries(Rejection).map(([name, code]) => [code, name.replace('REJECTION_', '')]),
);

export class Outcomes {
  readonly #counts = new Map<string, number>();

  /** By request and what came of it: `createBackup.done`, `createBackup.FORBIDDEN`, `createBackup.failed`. */
  all(): Iterable<readonly [string, number]> {
    return this.#counts;
  }

  async counted({ $case }: ServedRequest, serve: () => Promise<AnswerBody>): Promise<AnswerBody> {
    let outcome = 'failed';
    try {
      const answer = await serve();
      outcome = answer.$case === 'rejected' ? (names.get(answer.value.code) ?? 'UNSPECIFIED') : 'done';
      return answer;
    } finally {
      const kind = `${$case}.${outcome}`;
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    }
  }
}
