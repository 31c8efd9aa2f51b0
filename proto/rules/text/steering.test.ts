// Every letter that a terminal obeys, in both ways of printing.
import { expect, it } from 'vitest';
import { steadyJson, steadyText } from './steering.ts';

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => String.fromCodePoint(first + n));
const controls = [...range(0, 0x1f), ...range(0x7f, 0x9f)];
const directions = ['\u061c', '\u200e', '\u200f', ...range(0x202a, 0x202e), ...range(0x2066, 0x2069)];

it('text shows each as a mark, but for tabs and line breaks, which can begin nobody else’s line', () => {
  for (const letter of [...controls, ...directions]) {
    const shown = letter === '\n' ? '\n  ' : letter === '\t' ? ' ' : '\ufffd';
    expect(steadyText(`a${letter}b`, '  ')).toBe(`a${shown}b`);
  }
  expect(steadyText('Zoé schreift 👋 \u05e9\u05dc\u05d5\u05dd', '  ')).toBe('Zoé schreift 👋 \u05e9\u05dc\u05d5\u05dd');
});

it('JSON escapes each, and is the same value on one line', () => {
  const value = { [`key${directions.join('')}`]: [...controls, ...directions, 'Zoé 👋'] };
  const line = steadyJson(value);
  for (const letter of [...controls, ...directions]) expect(line).not.toContain(letter);
  expect(JSON.parse(line)).toEqual(value);
});
