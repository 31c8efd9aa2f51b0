// Shared services are started once, at the first asking; one that can't be had is told to every suite that asked.
import { expect, it } from 'vitest';
import { shareServices } from './services.ts';

it('starts a service at the first asking, once, and stops it at the end', async () => {
  const calls: string[] = [];
  const services = await shareServices({
    wanted: async () => {
      calls.push('start');
      return { service: { port: 1 }, stop: async () => void calls.push('stop') };
    },
    unwanted: () => Promise.reject(new Error('nobody asked for this')),
  });
  expect(calls).toEqual([]);
  const answers = await Promise.all([ask(services.url, 'wanted', 'a'), ask(services.url, 'wanted', 'b')]);
  expect(answers).toEqual([{ service: { port: 1 } }, { service: { port: 1 } }]);
  expect(await services.close()).toEqual([]);
  expect(calls).toEqual(['start', 'stop']);
});

it('names every suite that asked in vain', async () => {
  const services = await shareServices({ broken: () => Promise.reject(new Error('no Java here')) });
  expect(await ask(services.url, 'broken', 'a.test.ts')).toEqual({ failure: 'no Java here' });
  expect(await ask(services.url, 'other', 'b.test.ts')).toMatchObject({ failure: expect.stringContaining('other') });
  expect(await services.close()).toEqual([
    { suite: 'a.test.ts', failure: 'no Java here' },
    { suite: 'b.test.ts', failure: expect.stringContaining('other') },
  ]);
});

async function ask(url: string, name: string, suite: string): Promise<unknown> {
  return (await fetch(`${url}/${name}?suite=${suite}`)).json();
}
