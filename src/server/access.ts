// What this node shows to Cassandra and Redis, out of files that settings name: passwords and certificates. Passwords stand in files of their own, which
// only their owner can read: flags and the environment show to every user of the machine.
import { readFileSync, statSync } from 'node:fs';
import type { Config } from './config.ts';
import { ConfigError } from './config-sources.ts';

/** PEM texts. With `cert` and `key` this end shows a certificate, too. */
export interface TlsAccess {
  /** Absent: the authorities that the system knows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Access {
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Absent: plain. */
  readonly tls?: TlsAccess;
}

const fileSettings = [
  'tlsCert',
  'tlsKey',
  'luxidClientSecretFile',
  'cassandraTlsCa',
  'cassandraTlsCert',
  'cassandraTlsKey',
  'redisTlsCa',
  'redisTlsCert',
  'redisTlsKey',
  'nodeTlsCert',
  'nodeTlsKey',
  'nodeTlsCa',
] as const;

/** Looks whether the files that settings name are there and can be used, so that a start fails before anything was made. Throws ConfigError. */
export function checkFiles(config: Config): void {
  for (const name of fileSettings) if (config[name] !== '') textOf(config, name);
  cassandraAccess(config);
  redisAccess(config);
}

/** Throws ConfigError. */
export function cassandraAccess(config: Config): Access {
  const tls = tlsOf(config, { ca: 'cassandraTlsCa', cert: 'cassandraTlsCert', key: 'cassandraTlsKey' });
  const { cassandraUser: username, cassandraPasswordFile: file } = config;
  return {
    ...(file === '' ? {} : { credentials: { username, password: passwordOf(file, 'cassandraPasswordFile') } }),
    ...(config.cassandraTlsCa === '' ? {} : { tls }),
  };
}

/** Throws ConfigError. */
export function redisAccess(config: Config): Access {
  const tls = tlsOf(config, { ca: 'redisTlsCa', cert: 'redisTlsCert', key: 'redisTlsKey' });
  const { redisUser: username, redisPasswordFile: file } = config;
  return {
    ...(file === '' ? {} : { credentials: { username, password: passwordOf(file, 'redisPasswordFile') } }),
    ...(config.redis.startsWith('rediss://') ? { tls } : {}),
  };
}

type FileSetting = (typeof fileSettings)[number];

function tlsOf(config: Config, names: Readonly<Record<keyof TlsAccess, FileSetting>>): TlsAccess {
  const given = Object.entries(names).filter(([, name]) => config[name] !== '');
  return Object.fromEntries(given.map(([part, name]) => [part, textOf(config, name)]));
}

function textOf(config: Config, name: FileSetting): string {
  return read(config[name], name);
}

function passwordOf(path: string, name: string): string {
  const password = read(path, name).trim();
  if ((statSync(path).mode & 0o077) !== 0)
    throw new ConfigError(`The file of ${name}, ${path}, can be read by others: run chmod 600 on it.`);
  if (password === '') throw new ConfigError(`The file of ${name}, ${path}, is empty.`);
  return password;
}

function read(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`The file of ${name}, ${path}, can't be read.`, { cause });
  }
}
