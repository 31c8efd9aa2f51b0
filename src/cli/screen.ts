// The keyboard and the lines above it, while somebody talks.
import { createInterface } from 'node:readline';
import type { Output } from './output.ts';

/** Where a conversation is shown, and typed. */
export interface Screen {
  readonly lines: AsyncIterable<string>;
  say: Output['say'];
  fail: Output['fail'];
  prompt(): void;
  close(): void;
}

/** The keyboard, and what stands above the line that is being typed. */
export function openScreen(out: Output): Screen {
  const terminal = !out.json && process.stdin.isTTY === true && process.stdout.isTTY === true;
  const screen = terminal ? { output: process.stdout, prompt: '> ' } : {};
  const input = createInterface({ input: process.stdin, ...screen });
  const prompt = () => {
    if (terminal) input.prompt(true);
  };
  const above = (print: () => void) => {
    if (terminal) process.stdout.write('\r\u001b[K');
    print();
    prompt();
  };
  const close = () => input.close();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, close);
  // Asked for now and not when the first is read: readline keeps no lines that nobody waits for.
  const lines = input[Symbol.asyncIterator]();
  return {
    lines: { [Symbol.asyncIterator]: () => lines },
    say: (object, ...lines) => above(() => out.say(object, ...lines)),
    fail: (error) => above(() => out.fail(error)),
    prompt,
    close,
  };
}
