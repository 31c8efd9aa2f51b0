// Which command somebody meant who slipped.
import { expect, it } from 'vitest';
import { nearest } from './suggestion.ts';

const words = ['send', 'rooms', 'devices', 'log-out', 'status'];

it('finds what a slip or two made of it, two letters that changed places being one', () => {
  expect(['sned', 'rom', 'rooms', 'logout', 'statsu'].map((typed) => nearest(typed, words))).toEqual([
    'send',
    undefined,
    'rooms',
    'log-out',
    'status',
  ]);
  expect(nearest('devices-remove', words)).toBe('devices');
  expect(nearest('xyz', words)).toBeUndefined();
});
