// The manuals keep step with the source: metrics, counters, log events and the lifetimes of logins are listed completely, and nothing else is listed.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultAuthLimits } from './auth/limits.ts';
import { clusterLimits } from './cluster/cluster.ts';
import { drainActorsMs } from './provider.ts';
import { settings } from './settings.ts';
import { failureKinds } from './storage/cassandra/failures.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const manual = read('src/server/README.md');

/** What runs in a server: no tests, no tools of tests. */
const sources = ['actors', 'src/server'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|contract|(^|\/)(test|testing|sim)\//.test(name))
    .map((name) => read(`${folder}/${name}`)),
);

/** Names in the first column of the table with this head; `second` is the cell beside them. */
function rowsOf(head: string): { readonly names: readonly string[]; readonly second: string }[] {
  const [, table = ''] = manual.split(head);
  const rows = table.split('\n\n')[0]?.matchAll(/^\| (`[^|]+`) \| ([^|]+) \|/gm) ?? [];
  return Array.from(rows, ([, names = '', second = '']) => ({ names: names.replaceAll('`', '').split(', '), second }));
}

/** Texts of the source that `pattern` finds; what is put together in a template is a star. */
function found(pattern: RegExp, texts: readonly string[] = sources): string[] {
  const all = texts.flatMap((text) => Array.from(text.matchAll(pattern), (match) => match.at(-1) ?? ''));
  return all.map((text) => text.replace(/\$\{[^}]+\}/g, '*'));
}

describe('the manual of the server', () => {
  it('lists exactly the metrics, and of which kind they are', () => {
    const calls = Array.from(
      read('src/server/gauges.ts').matchAll(/metrics\.(gauge|counters?|histogram)\(\s*'(\w+)'/g),
      ([, kind = '', name = '']) => `${name} ${kind.replace('counters', 'counter')}`,
    );
    const rows = rowsOf('| metric | kind | meaning | alarm |').map(({ names, second }) => `${names[0]} ${second}`);
    expect(rows).toEqual(calls);
  });

  it('lists the ways in which requests to Cassandra fail', () => {
    const [, row = ''] = manual.split('| `cassandra_failures_total` | counter |');
    const listed = Array.from(row.split(' | ')[0]?.matchAll(/`(\w+)`/g) ?? [], ([, name]) => name);
    expect(listed).toEqual(['kind', ...failureKinds]);
  });

  it('lists exactly what actors and kernel count', () => {
    const counted = found(/(?:counters\.add\(|counter: )(?:[^,;]+\? )?['`]([^'`]+)['`]/g);
    counted.push(...found(/counters\.add\([^,;]+ : '([^']+)'/g));
    const listed = rowsOf('| `kind` of `events_total` | meaning | alarm |').flatMap(({ names }) => names);
    const expected = new Set(
      counted.flatMap((name) =>
        name === 'kernel.crashed.*'
          ? ['session', 'user', 'room'].map((kind) => `kernel.crashed.${kind}`)
          : name === 'room.log.*'
            ? ['room.log.UNAVAILABLE', 'room.log.FENCED']
            : [name],
      ),
    );
    expect(listed.sort()).toEqual([...expected].sort());
  });

  it('lists exactly the events of the log, each with its level', () => {
    const said = new Set<string>();
    for (const text of sources)
      for (const [, level = 'error', first = ''] of text.matchAll(
        /(?:\blog\.(info|warn|error|debug)|onTrouble)\(([^,;]*)/g,
      ))
        for (const event of found(/['`]([^'`]+)['`]/g, [first])) said.add(`${event} ${level}`);
    const listed = rowsOf('| event | level | what to do |').flatMap(({ names, second }) =>
      names.map((name) => `${name} ${second}`),
    );
    expect(listed.sort()).toEqual([...said].sort());
  });
});

describe('the unit for systemd', () => {
  // It left out the handing over, and systemd killed a drain that was well under way.
  it('waits for a drain, with five seconds for what closes after it', () => {
    const wait = Number(/^TimeoutStopSec=(\d+)$/m.exec(manual)?.[1]);
    const drainSeconds = Number(settings.find(({ name }) => name === 'drainSeconds')?.fallback);
    const longest = Math.max(drainSeconds * 1000, clusterLimits.leaveMs) + drainActorsMs + 5_000;
    expect(longest).toBe(30_000);
    expect(wait * 1000).toBeGreaterThanOrEqual(1.5 * longest);
    for (const path of ['src/server/README.md', 'deploy/README.md']) expect(read(path)).toMatch(/30 s (as|at)/);
  });
});

describe('the manual of the protocol', () => {
  it('says how long logins and tokens last, and how long a redirect may be', () => {
    const { attemptMs, loginMs, grantMs, accessMs, refreshIdleMs, redirectCharactersMax } = defaultAuthLimits;
    const [, table = ''] = read('proto/README.md').split('| what | lasts | then |');
    const cells = Array.from(table.split('\n\n')[0]?.matchAll(/^\| [^|]+ \| (\d+ \w+) \|/gm) ?? [], ([, cell]) => cell);
    const minutes = (ms: number) => `${ms / 60_000} minutes`;
    expect(cells).toEqual([
      minutes(attemptMs),
      minutes(loginMs),
      minutes(grantMs),
      minutes(accessMs),
      `${refreshIdleMs / 86_400_000} days`,
    ]);
    expect(read('proto/README.md')).toContain(`At most ${redirectCharactersMax} characters, without query`);
  });
});
