// What the person at the terminal types, line by line. One reader for the whole run: what a script sends ahead of a question is not lost between two of them.
import { createInterface, type Interface } from 'node:readline';
import { ClientError } from '#client/errors.ts';

/** The keyboard. */
export class Keyboard {
  #input: Interface | undefined;
  #lines: AsyncIterator<string> | undefined;

  /** Is there a person, and not a script? */
  get interactive(): boolean {
    return process.stdin.isTTY === true;
  }

  /** Asks on stderr. Throws BAD_ARGUMENT where the input ends first. */
  async ask(question: string): Promise<string> {
    process.stderr.write(question);
    this.#input ??= createInterface({ input: process.stdin });
    this.#lines ??= this.#input[Symbol.asyncIterator]();
    const { value, done } = await this.#lines.next();
    if (done) throw new ClientError('BAD_ARGUMENT', 'The input ended before the question was answered.');
    return value.trim();
  }

  /** Ends reading. */
  close(): void {
    this.#input?.close();
  }
}
