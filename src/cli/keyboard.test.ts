// Questions at the terminal, answered by a script that sends everything ahead, and by a person whose password nobody else is to read.
import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Keyboard, typedLine } from './keyboard.ts';

let terminal: ChildProcess | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  terminal?.kill();
});

it('loses nothing that was typed ahead, and says when the input ended before the answer', async () => {
  const input = new PassThrough();
  const asked: string[] = [];
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as never);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => asked.push(String(text)) > 0);
  input.end(' one \ntwo');
  const keyboard = new Keyboard();
  expect(keyboard.interactive).toBe(false);
  expect([await keyboard.ask('First? '), await keyboard.ask('Second? ')]).toEqual(['one', 'two']);
  await expect(keyboard.ask('Third? ')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  expect(asked).toEqual(['First? ', 'Second? ', 'Third? ']);
});

it('hides nothing from a script, and loses none of its lines', async () => {
  const input = new PassThrough();
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as never);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  input.end('a password\nan answer\n');
  const keyboard = new Keyboard();
  expect([await keyboard.askHidden('One? '), await keyboard.ask('Two? ')]).toEqual(['a password', 'an answer']);
});

describe('at a terminal', () => {
  const program = `
    import { Keyboard } from '${new URL('keyboard.ts', import.meta.url)}';
    const keyboard = new Keyboard();
    const hidden = await keyboard.askHidden('Password: ');
    const shown = await keyboard.ask('Name: ');
    console.log('got ' + hidden.length + ' and ' + shown);
    keyboard.close();
  `;

  /** Runs the program at a terminal of its own (`script`, which every Linux and macOS has), and types where it asks. What stands on the screen in the end. */
  function atTerminal(answers: readonly (readonly [to: string, keys: string])[]): Promise<string> {
    const line = `'${process.execPath}' --input-type=module -e "$PROGRAM"; echo "ended $?"; stty -a`;
    const linux = process.platform === 'linux';
    const args = linux ? ['-qec', line, '/dev/null'] : ['-q', '/dev/null', 'sh', '-c', line];
    const opened = spawn('script', args, { env: { ...process.env, PROGRAM: program } });
    terminal = opened;
    const left = [...answers];
    let screen = '';
    opened.stdout.on('data', (data: Buffer) => {
      screen += data.toString();
      const [next] = left;
      if (!next || !screen.includes(next[0])) return;
      left.shift();
      opened.stdin.write(next[1]);
    });
    return new Promise((resolve) => opened.once('close', () => resolve(screen)));
  }

  it('a password does not appear, what was taken back is not in it, and other answers appear again', async () => {
    const screen = await atTerminal([
      ['Password: ', 'wrong\u0015secrex\u007ft\u001b[D\r'],
      ['Name: ', 'Bob\r'],
    ]);
    expect(screen).toContain('got 6 and Bob');
    expect(screen).not.toMatch(/secre|wrong/);
    expect(screen.match(/Bob/g)).toHaveLength(2);
    expect(screen).toMatch(/ended 0[\s\S]* echo /);
  });

  it.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 1],
  ])('%s ends it, and the terminal shows again what is typed', async (_, key, status) => {
    const screen = await atTerminal([['Password: ', `secret${key}`]]);
    expect(screen).toMatch(new RegExp(`ended ${status}[\\s\\S]* echo `));
    expect(screen).not.toContain('secret');
  });

  it('keys make the line that a terminal would make of them', () => {
    expect(typedLine('a\u001b[3~b\u001bOHé😀\u007f\u007f\bc\t')).toBe('ac');
  });
});
