// Applying the schema: several servers at once, one that is killed at it, one that slept through its replacement, newer and other keyspaces.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { driver } from './connection.ts';
import { legalRetention, schemaNames } from './retention.ts';
import { applySchema, readVersions, type SchemaOptions, schemaText } from './schema.ts';
import { testOptions } from './test/fixture.ts';

const first = `-- version 1
create table if not exists $keyspace.a (k int primary key);
-- Said of b; with a semicolon.
create table if not exists $keyspace.b (k int primary key);
`;
const second = `${first}
-- version 2
create table if not exists $keyspace.c (k int primary key);
alter table $keyspace.a add if not exists v int;
`;

let shared: SchemaOptions;
beforeAll(async () => {
  shared = await testOptions();
});
const fresh = (more: Partial<SchemaOptions> = {}): SchemaOptions => ({
  ...shared,
  keyspace: `test_${randomBytes(5).toString('hex')}`,
  text: first,
  ...more,
});

async function tablesIn(options: SchemaOptions): Promise<string[]> {
  const client = driver(options, {});
  try {
    const { keyspace } = options;
    const query = 'select table_name from system_schema.tables where keyspace_name = ?';
    return (await client.execute(query, [keyspace])).rows.map(({ table_name }) => table_name as string);
  } finally {
    await client.shutdown();
  }
}

describe('the schema', () => {
  it('is applied once by whoever comes first of several servers, whole, and not again', async () => {
    const applied: string[] = [];
    const options = fresh({ applying: (statement) => void applied.push(statement) });
    const states = await Promise.all(Array.from({ length: 5 }, () => applySchema(options)));
    expect(new Set(states.map(({ version }) => version))).toEqual(new Set([1]));
    expect(new Set(states.map(({ createdMs }) => createdMs)).size).toBe(1);
    expect(applied).toHaveLength(2);
    expect(await tablesIn(options)).toEqual(['a', 'b', 'schema_lock']);
    await applySchema(options);
    expect(applied).toHaveLength(2);
  });

  it('grows from an older version by what is new', async () => {
    const options = fresh();
    await applySchema(options);
    const applied: string[] = [];
    const newer = { ...options, text: second, applying: (statement: string) => void applied.push(statement) };
    expect(await applySchema(newer)).toMatchObject({ version: 2 });
    expect(applied).toEqual([expect.stringContaining('.c ('), expect.stringContaining('add if not exists v')]);
  });

  it('refuses a server that is older, and stays as it is', async () => {
    const options = fresh({ text: second });
    await applySchema(options);
    const older = applySchema({ ...options, text: first });
    await expect(older).rejects.toMatchObject({
      code: 'NEWER',
      message: expect.stringContaining('schema 2, this is 1'),
    });
    expect(await applySchema(options)).toMatchObject({ version: 2 });
  });

  it('is finished by another server when the one that applies it is killed at any statement', async () => {
    for (const at of [1, 2, 4]) {
      const options = fresh({ text: second, leaseMs: 1_500 });
      expect(await killedAt(options, at)).toBe('SIGKILL');
      const begin = performance.now();
      const states = await Promise.all([applySchema(options), applySchema(options)]);
      expect(states.map(({ version }) => version)).toEqual([2, 2]);
      expect(performance.now() - begin).toBeGreaterThan(1_000);
      expect(await tablesIn(options)).toEqual(['a', 'b', 'c', 'schema_lock']);
    }
  });

  it('is not touched by a server that slept while another took its place', async () => {
    let wake = () => {};
    const asleep = new Promise<void>((resume) => {
      wake = resume;
    });
    const [mine, theirs]: string[][] = [[], []];
    const options = fresh({ text: second, leaseMs: 1_000 });
    const sleeper = applySchema({
      ...options,
      applying: (statement) => (mine!.push(statement) === 2 ? asleep : undefined),
    });
    while (mine!.length < 2) await new Promise((resume) => setTimeout(resume, 20));
    expect(await applySchema({ ...options, applying: (each) => void theirs!.push(each) })).toMatchObject({
      version: 2,
    });
    wake();
    expect(await sleeper).toMatchObject({ version: 2 });
    expect([mine!.length, theirs!.length]).toEqual([2, 4]);
  });

  it('says what is wrong to whoever reads it', async () => {
    await expect(applySchema(fresh({ port: 1 }))).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: 'No Cassandra answers at 127.0.0.1 in datacenter datacenter1',
    });
    await expect(applySchema(fresh({ keyspace: 'a-b' }))).rejects.toMatchObject({ code: 'UNUSABLE' });
    const options = fresh();
    await applySchema(options);
    const other = { ...options, retention: { ...legalRetention, inbox: { ...legalRetention.inbox, lifeMs: 1 } } };
    await expect(applySchema(other)).rejects.toMatchObject({
      code: 'UNUSABLE',
      message: expect.stringContaining('another retention'),
    });
    await expect(applySchema(fresh({ text: '-- version 1\nnonsense;' }))).rejects.toMatchObject({ code: 'UNUSABLE' });
  });
});

describe('schema.cql', () => {
  const versions = readVersions(schemaText(), { keyspace: 'k', ...schemaNames(legalRetention) });
  const statements = [...versions.values()].flat();
  const of = (kind: RegExp) => statements.filter((each) => kind.test(each)).map((each) => /k\.(\w+)/.exec(each)?.[1]);

  it('has every name filled in and every statement such that it may run twice', () => {
    expect(statements.length).toBeGreaterThan(20);
    for (const each of statements) {
      expect(each).not.toContain('$');
      expect(each).toMatch(/ if not exists /);
    }
  });

  it('has a line for every table in the README: key and bound, growth, stay, and how it is written and read', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const lines = Array.from(
      readme.matchAll(/^\| (`[a-z_]+`(?:, `[a-z_]+`)*)(?: \*)? \|(.*)\|$/gm),
      ([, names = '', rest = '']) => ({
        names: names.replaceAll('`', '').split(', '),
        cells: rest.split(' | ').map((cell) => cell.trim()),
      }),
    ).filter(({ cells }) => cells.length === 5);
    const tables = of(/create table/)
      .concat('schema_lock')
      .sort();
    expect(lines.flatMap(({ names }) => names).sort()).toEqual(tables);
    for (const { names, cells } of lines) for (const cell of cells) expect(cell, names.join()).not.toBe('');
  });

  it('lets content leave by TTL, and keeps what is changed conditionally from any', () => {
    const content = ['log_rows', 'log_rows_late', 'inbox_rows', 'inbox_rows_late', 'blob_chunks', 'blob_chunks_late'];
    expect(of(/read_repair = 'NONE'/)).toEqual(content);
    for (const each of content) expect(of(/default_time_to_live/)).toContain(each);
    expect(of(/TimeWindow/)).toEqual(['log_rows', 'inbox_rows', 'blob_chunks']);
    for (const [kind, name] of [
      ['text', 'log_rows'],
      ['inbox', 'inbox_rows'],
      ['attachments', 'blob_chunks'],
    ] as const) {
      const { lifeMs, windowMs } = legalRetention[kind];
      const ttl = ` default_time_to_live = ${(lifeMs + legalRetention.slackMs) / 1000} `;
      for (const table of [name, `${name}_late`])
        expect(statements.find((each) => each.includes(`k.${table} `))).toContain(ttl);
      const window = `'compaction_window_unit': 'DAYS', 'compaction_window_size': '${windowMs / 86_400_000}'`;
      expect(statements.find((each) => each.includes(`k.${name} `))).toContain(window);
    }
    // Whatever has a TTL for its whole table and levels is looked through for what has expired.
    const levels = statements.filter((each) => each.includes('default_time_to_live') && each.includes('Leveled'));
    expect(levels).toHaveLength(5);
    for (const each of levels) expect(each).toContain("'unchecked_tombstone_compaction': 'true'");
    const conditional = of(/CAS only/);
    expect(conditional).toEqual(expect.arrayContaining(['log_meta', 'node_generations', 'shard_owner', 'small_table']));
    expect(of(/gc_grace_seconds/).filter((each) => conditional.includes(each))).toEqual([]);
  });
});

/** A server that applies the schema and is killed before its n-th statement is carried out; resolves to the signal that ended it. */
async function killedAt({ keyspace, ...options }: SchemaOptions, at: number): Promise<string | null> {
  const program = `
    import { applySchema } from '${new URL('schema.ts', import.meta.url).href}';
    let count = 0;
    const applying = () => void (++count === ${at} && process.kill(process.pid, 'SIGKILL'));
    await applySchema({ ...${JSON.stringify({ ...options, keyspace })}, now: Date.now, applying });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return await new Promise((ended) => child.once('close', (_, signal) => ended(signal)));
}
