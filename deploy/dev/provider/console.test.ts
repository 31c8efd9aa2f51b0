// What is answered to what a person types at `npm run dev:cluster`: each answer says what happened and what to type next.
import { describe, expect, it } from 'vitest';
import { type ConsoleNode, DevConsole } from './console.ts';

type Fake = ConsoleNode & { running: boolean; calls: string[] };

function stage() {
  const said: string[] = [];
  const node = (name: string): Fake => {
    const calls: string[] = [];
    const call = (what: string, running: boolean, end?: { code: number | null; signal: NodeJS.Signals | null }) => {
      calls.push(what);
      fake.running = running;
      if (end) typed.ended(name, end);
    };
    const fake: Fake = {
      name,
      url: `http://${name}`,
      opsUrl: `http://${name}/ops`,
      pid: 7,
      calls,
      running: true,
      alive: () => fake.running,
      output: () => 'begun\nThe other nodes took over.\n',
      kill: async () => call('kill', false, { code: null, signal: 'SIGKILL' }),
      stop: async () => call('stop', false, { code: 0, signal: null }),
      pause: () => call('pause', true),
      resume: () => call('resume', true),
      start: async () => call('start', true),
    };
    return fake;
  };
  const nodes = [node('n1'), node('n2')];
  const typed: DevConsole = new DevConsole({
    nodes,
    address: 'http://all',
    numbers: async (opsUrl) =>
      opsUrl === 'http://n1/ops' ? { ready: true, shards: 64, links: 1, connections: 2 } : null,
    say: (line) => said.push(line),
    quit: () => said.push('QUIT'),
  });
  const type = async (line: string) => {
    said.length = 0;
    await typed.take(line);
    return said.join('\n');
  };
  return { type, said, typed, nodes: nodes as [Fake, Fake] };
}

describe('the console of a development cluster', () => {
  it('kills and starts a node, and says how it ended and how to have it again', async () => {
    const { type, nodes } = stage();
    expect(await type('kill n2')).toBe('n2 has ended by SIGKILL. Start it again: start n2');
    expect(await type('kill 2')).toBe('n2 does not run. Start it: start n2');
    expect(await type(' start  n2 ')).toBe('n2 is starting …\nn2 runs again (pid 7) at http://n2');
    expect(await type('start n2')).toBe('n2 runs already (pid 7)');
    expect(nodes[1].calls).toEqual(['kill', 'start']);
    expect(nodes[0].calls).toEqual([]);
  });

  it('drains, pauses and lets go on', async () => {
    const { type, nodes } = stage();
    expect(await type('drain n1')).toBe('n1 drains …\nn1 has ended with code 0, drained. Start it again: start n1');
    expect(await type('pause n2')).toContain('resume n2');
    expect(await type('resume n2')).toBe('n2 goes on');
    expect([...nodes[0].calls, ...nodes[1].calls]).toEqual(['stop', 'pause', 'resume']);
  });

  it('says that a node ended that was ended from elsewhere, and its last words where it ended by itself', () => {
    const { said, typed } = stage();
    typed.ended('n1', { code: null, signal: 'SIGTERM' });
    typed.ended('n2', { code: 1, signal: null });
    expect(said).toEqual([
      'n1 has ended by SIGTERM. Start it again: start n1',
      'n2 has ended with code 1. Start it again: start n2',
      '  its last words: The other nodes took over.',
    ]);
  });

  it('shows of each node whether it is there, ready, and what it has', async () => {
    const { type } = stage();
    await type('pause n2');
    expect(await type('status')).toBe(
      [
        'node        alive     ready       shards      links       connections',
        'n1          yes       yes         64 of 64    1           2',
        'n2          yes       is paused. Let it go on: resume n2',
        'All of them at http://all',
      ].join('\n'),
    );
    await type('kill n2');
    expect(await type('status')).toContain('n2          no        ended by SIGKILL. Start it: start n2');
  });

  it('says what there is where a line is not understood, and ends nothing by it', async () => {
    const { type, nodes } = stage();
    expect(await type('kill')).toBe('kill which node? kill n1, kill n2');
    expect(await type('kill n9')).toBe('kill which node? kill n1, kill n2');
    for (const wrong of ['stop n1', 'kill n1 n2', 'toString n1'])
      expect(await type(wrong)).toMatch(/^There is no command ".*"\. Commands: status, kill, drain, /);
    expect(await type('')).toBe('');
    expect(await type('help')).toContain('  drain n2     SIGTERM');
    expect(await type('quit')).toBe('QUIT');
    expect([...nodes[0].calls, ...nodes[1].calls]).toEqual([]);
  });

  it('says why a node could not be started', async () => {
    const { type, nodes } = stage();
    nodes[0].running = false;
    nodes[0].start = () => Promise.reject(new Error('n1 did not start.'));
    expect(await type('start n1')).toBe('n1 is starting …\nn1 did not start.');
    expect(await type('start n1')).toContain('is starting');
  });
});
