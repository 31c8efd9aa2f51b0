// What is printed is read by another program than the one that made it.
import jsqr from 'jsqr';
import { expect, it } from 'vitest';
import { qrLines } from './qr-code.ts';

const link = 'https://chat.example.lu/c/#k3m9x7qp2t7/AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK-2vcTL0tnNtqU6';
/** Pixels a module. */
const scale = 4;

/** Upper and lower half of each character: is it drawn? */
const halves: Readonly<Record<string, readonly [boolean, boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
};

/** As a dark terminal shows it. */
function scan(lines: readonly string[]) {
  const rows = lines.flatMap((line) => [0, 1].map((half) => [...line].map((letter) => halves[letter]![half]!)));
  const [width, height] = [rows[0]!.length * scale, rows.length * scale];
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at++) {
    const isLight = rows[Math.floor(at / width / scale)]![Math.floor((at % width) / scale)];
    pixels.fill(isLight ? 255 : 0, at * 4, at * 4 + 3);
  }
  return jsqr.default(pixels, width, height);
}

const read = (lines: readonly string[]) => scan(lines)?.data;

it('is read as what was put in', () => {
  expect(read(qrLines(link))).toBe(link);
});

it('holds bytes that are no text, such as those of a verification', () => {
  const bytes = Uint8Array.from({ length: 140 }, (_, at) => (at * 89 + 200) & 0xff);
  const lines = qrLines(bytes);
  expect(Uint8Array.from(scan(lines)?.binaryData ?? [])).toEqual(bytes);
  expect(lines.length).toBeLessThanOrEqual(28);
});

it('of the longest contact link is read and fits a terminal', () => {
  const longest = link.padEnd(189, 'a');
  const lines = qrLines(longest);
  expect(read(lines)).toBe(longest);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
  expect(qrLines(link).length).toBeLessThanOrEqual(24);
});
