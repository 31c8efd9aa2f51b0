// Questions at the terminal, answered by a script that sends everything ahead.
import { PassThrough } from 'node:stream';
import { afterEach, expect, it, vi } from 'vitest';
import { Keyboard } from './keyboard.ts';

afterEach(() => vi.restoreAllMocks());

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
