// Who waits for whom, with requests that end when the test says so.
import { describe, expect, it } from 'vitest';
import { inFlightMax } from './connection.ts';
import { Slots, Turns } from './turns.ts';

/** Requests in the order in which they began, each of which ends when told. */
function requests() {
  const begun: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const ask = (name: string) => () => {
    begun.push(name);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    ends.set(name, { resolve, reject });
    return promise;
  };
  return {
    begun,
    ask,
    end: (name: string) => ends.get(name)!.resolve(),
    fail: (name: string) => ends.get(name)!.reject(new Error(name)),
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('slots', () => {
  it('run 256 at a time, and not one more until one has ended', async () => {
    expect(inFlightMax).toBe(256);
    const slots = new Slots(inFlightMax);
    const { begun, ask, end } = requests();
    for (let n = 0; n <= inFlightMax; n++) void slots.run(ask(`${n}`));
    await settle();
    expect(begun).toHaveLength(inFlightMax);
    end('7');
    await settle();
    expect(begun.slice(inFlightMax)).toEqual(['256']);
  });

  it('go to who waits in the order asked, also after one that failed, and no further than there are', async () => {
    const slots = new Slots(1);
    const { begun, ask, end, fail } = requests();
    const first = slots.run(ask('a'));
    for (const name of ['b', 'c']) void slots.run(ask(name));
    fail('a');
    await expect(first).rejects.toThrow('a');
    await settle();
    expect(begun).toEqual(['a', 'b']);
    end('b');
    await settle();
    end('c');
    await settle();
    void slots.run(ask('d'));
    void slots.run(ask('e'));
    await settle();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('turns', () => {
  it('are taken one after the other under one name, also after one that failed, and not under others', async () => {
    const turns = new Turns();
    const { begun, ask, end, fail } = requests();
    const first = turns.run('row', ask('a'));
    const second = turns.run('row', ask('b'));
    void turns.run('other', ask('c'));
    await settle();
    expect(begun).toEqual(['a', 'c']);
    fail('a');
    await expect(first).rejects.toThrow('a');
    await settle();
    expect(begun).toEqual(['a', 'c', 'b']);
    end('b');
    await second;
    void turns.run('row', ask('d'));
    await settle();
    expect(begun.at(-1)).toBe('d');
  });
});
