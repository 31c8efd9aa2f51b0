// What the person at the terminal types, line by line. One reader for the whole run: what a script sends ahead of a question is not lost between two of them.
// A password does not appear on the screen: while one is asked for, the terminal passes keys on as they are pressed and shows none of them.
import { createInterface, type Interface } from 'node:readline';
import { ClientError } from '#client/errors.ts';

const [interrupt, endOfInput, eraseLine, escaped] = ['\u0003', '\u0004', '\u0015', '\u001b'];
/** What keys such as the arrows send. */
const escapes = new RegExp(`${escaped}(?:\\[[\\d;]*[ -/]*[@-~]|O.|.)?`, 'g');

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
    return (await this.#line()).trim();
  }

  /** The same for what nobody else is to read: at a terminal the answer is not shown. */
  async askHidden(question: string): Promise<string> {
    if (!this.interactive) return this.ask(question);
    const { stdin, stderr } = process;
    stdin.setRawMode(true);
    const listen = (data: string | Buffer) => this.#control(String(data));
    stdin.on('data', listen);
    try {
      return typedLine(await this.ask(question)).trim();
    } finally {
      stdin.off('data', listen);
      stdin.setRawMode(false);
      // The key that ended the line did not move the cursor.
      stderr.write('\n');
    }
  }

  /** Ends reading. */
  close(): void {
    this.#input?.close();
  }

  async #line(): Promise<string> {
    this.#input ??= createInterface({ input: process.stdin });
    this.#lines ??= this.#input[Symbol.asyncIterator]();
    const { value, done } = await this.#lines.next();
    if (done) throw new ClientError('BAD_ARGUMENT', 'The input ended before the question was answered.');
    return value;
  }

  /** Keys that the terminal would have acted on by itself. */
  #control(keys: string): void {
    if (keys.includes(interrupt)) {
      process.stdin.setRawMode(false);
      process.kill(process.pid, 'SIGINT');
    }
    if (keys.includes(endOfInput)) this.close();
  }
}

/** The line that these keys make, with what was taken back. */
export function typedLine(keys: string): string {
  const line: string[] = [];
  for (const key of keys.replace(escapes, '')) {
    if (key === '\u007f' || key === '\b') line.pop();
    else if (key === eraseLine) line.length = 0;
    else if (key >= ' ') line.push(key);
  }
  return line.join('');
}
