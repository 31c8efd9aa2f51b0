import { describe, expect, it } from 'vitest';
import { FenceReader } from './fence-reader.ts';

describe('the shared fence reader', () => {
  it('answers those who waited when the read started, with one read for all', () => {
    const reader = new FenceReader<string>();
    expect(reader.due).toBe(false);
    reader.wait('a');
    reader.wait('b');
    expect(reader.due).toBe(true);
    reader.start();
    expect(reader.due).toBe(false);
    expect(reader.finish('alive')).toEqual(['a', 'b']);
  });

  it('lets those who come during a read wait for the next one', () => {
    const reader = new FenceReader<string>();
    reader.wait('a');
    reader.start();
    reader.wait('b');
    expect(reader.due).toBe(false);
    expect(reader.finish('alive')).toEqual(['a']);
    expect(reader.due).toBe(true);
    reader.start();
    expect(reader.finish('fenced')).toEqual(['b']);
  });

  it('answers nobody after a read that failed', () => {
    const reader = new FenceReader<string>();
    reader.wait('a');
    reader.start();
    reader.wait('b');
    expect(reader.finish('unknown')).toEqual([]);
    reader.start();
    expect(reader.finish('alive')).toEqual(['a', 'b']);
  });

  it('counts a read that is under way when rule 4 is left out', () => {
    const reader = new FenceReader<string>(4);
    reader.wait('a');
    reader.start();
    reader.wait('b');
    expect(reader.finish('alive')).toEqual(['a', 'b']);
  });
});
