import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cassandraAccess, checkFiles, redisAccess } from './access.ts';
import { readConfig } from './config.ts';
import { ConfigError } from './config-sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'luxchat-access-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const many = ['--store', 'cassandra', '--cassandra', 'a:9042'];
const read = (...args: string[]) => readConfig({ args, env: {} });
const withPassword = (path: string) => read(...many, '--cassandra-user', 'lux', '--cassandra-password-file', path);

describe('access to Cassandra and Redis', () => {
  it('is plain and without a name where nothing is set', () => {
    expect([cassandraAccess(read(...many)), redisAccess(read(...many, '--redis', 'redis://r'))]).toEqual([{}, {}]);
  });

  it('is a password out of a file, and certificates', () => {
    const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => file(name, name)) as [string, string, string];
    const password = file('password', 'moien moien\n');
    const cassandra = ['--cassandra-user', 'lux', '--cassandra-password-file', password, '--cassandra-tls-ca', ca];
    const credentials = { username: 'lux', password: 'moien moien' };
    expect(cassandraAccess(read(...many, ...cassandra))).toEqual({ credentials, tls: { ca: 'ca' } });
    const shown = ['--cassandra-tls-cert', cert, '--cassandra-tls-key', key];
    expect(cassandraAccess(read(...many, ...cassandra, ...shown)).tls).toEqual({ ca: 'ca', cert: 'cert', key: 'key' });
    const redis = ['--redis', 'rediss://r:1', '--redis-password-file', password, '--redis-tls-ca', ca];
    expect(redisAccess(read(...many, ...redis))).toEqual({
      credentials: { username: '', password: 'moien moien' },
      tls: { ca: 'ca' },
    });
    // By the authorities that the system knows.
    expect(redisAccess(read(...many, '--redis', 'rediss://r:1'))).toEqual({ tls: {} });
  });

  it.each([
    [0o640, 'by its group'],
    [0o604, 'by everybody'],
  ])('is refused where the password can be read by others: %o, %s', (mode) => {
    const path = file('open', 'moien', mode);
    expect(() => cassandraAccess(withPassword(path))).toThrow(ConfigError);
    expect(() => checkFiles(withPassword(path))).toThrow(`${path}, can be read by others: run chmod 600 on it.`);
  });

  it('is refused where the password is empty', () => {
    expect(() => checkFiles(withPassword(file('empty', '\n')))).toThrow('is empty');
  });
});

describe('files that settings name', () => {
  it.each([
    ['tlsCert', ['--tls-cert', '/nowhere', '--tls-key', '/nowhere']],
    ['cassandraTlsCa', [...many, '--cassandra-tls-ca', '/nowhere']],
    ['cassandraPasswordFile', [...many, '--cassandra-user', 'lux', '--cassandra-password-file', '/nowhere']],
    ['redisTlsCa', [...many, '--redis', 'rediss://r', '--redis-tls-ca', '/nowhere']],
    ['redisPasswordFile', [...many, '--redis', 'redis://r', '--redis-password-file', '/nowhere']],
  ])('are refused when they are not there: %s', (name, args) => {
    expect(() => checkFiles(read(...args))).toThrow(`The file of ${name}, /nowhere, can't be read.`);
  });

  it('need not be named', () => {
    expect(() => checkFiles(read())).not.toThrow();
  });
});
