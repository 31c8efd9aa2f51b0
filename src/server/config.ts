// Reads the configuration: defaults, then a JSON file (`--config FILE`), then LUXCHAT_* variables, then flags; later wins.
// It refuses what it does not know, what is out of bounds and what contradicts itself, each with one sentence that says what to do.
import { readFileSync } from 'node:fs';
import { isProvider } from '#proto/rules/ids.ts';
import { isBotName } from './auth/bots.ts';
import { type Setting, type SettingName, settings } from './settings.ts';
import { sourceReader } from './transport/source.ts';

/** A setting that can't be used; the message is a sentence for the person who starts the server. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}

type Value<K> = K extends 'number'
  ? number
  : K extends 'list'
    ? readonly string[]
    : K extends 'switch'
      ? boolean
      : string;

/** The configuration. Text values are trimmed, lists split, empty text means "not set". */
export type Config = {
  readonly [S in (typeof settings)[number] as S['name']]: Value<S['kind']['kind']>;
};

/** Where settings come from. */
export interface ConfigSources {
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => string;
}

/** Reads and checks the configuration. Throws ConfigError. */
export function readConfig(sources: ConfigSources): Config {
  const { flags, file } = readFlags(sources.args);
  const raw = { ...readFile(file, sources.readFile), ...readEnvironment(sources.env), ...flags };
  const values = Object.fromEntries(settings.map((setting) => [setting.name, parse(setting, raw[setting.name])]));
  const config = values as unknown as Config;
  refuseContradictions(config);
  // Paths are put behind it.
  return { ...config, publicUrl: config.publicUrl.replace(/\/+$/, '') };
}

/** Does plain http come in from other machines than this one? In production only proxies may bring it then. */
export function onlyProxiesConnect({ mode, host, tlsCert }: Config): boolean {
  return mode === 'production' && tlsCert === '' && !isLoopback(host);
}

/** The name of the bot that invites newcomers. */
export const infoBotName = 'info';

/** Does this node start the Info bot, does somebody else, or is there none? */
export function infoBotOf({ infoBot, store }: Pick<Config, 'infoBot' | 'store'>): 'run' | 'elsewhere' | 'off' {
  if (infoBot === 'run' || infoBot === 'elsewhere') return infoBot;
  return infoBot === 'auto' && store === 'embedded' ? 'run' : 'off';
}

/** The flag of a setting: `sendBurst` -> `--send-burst`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The environment variable of a setting: `sendBurst` -> `LUXCHAT_SEND_BURST`. */
export function variableOf(name: string): string {
  return `LUXCHAT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

type Raw = Partial<Record<SettingName, string>>;

/** Belongs to the terminal client, which people often start from the same shell. */
const clientVariable = 'LUXCHAT_HOME';

function readFlags(args: readonly string[]): { flags: Raw; file: string | undefined } {
  const known = new Map(settings.map((setting) => [flagOf(setting.name), setting] as const));
  const flags: Raw = {};
  let file: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const [flag = '', inline] = splitOnce(args[at] as string);
    const setting = known.get(flag);
    if (!setting && flag !== '--config')
      throw new ConfigError(`There is no setting ${flag}. ${nearest(flag, [...known.keys()])}`);
    const value = inline ?? args[++at];
    if (value === undefined || (inline === undefined && value.startsWith('--')))
      throw new ConfigError(`${flag} needs a value.`);
    if (setting ? flags[setting.name] !== undefined : file !== undefined)
      throw new ConfigError(`${flag} is given twice.`);
    if (!setting) file = value;
    else flags[setting.name] = value;
  }
  return { flags, file };
}

function readEnvironment(env: ConfigSources['env']): Raw {
  const known = new Map(settings.map((setting) => [variableOf(setting.name), setting.name] as const));
  const raw: Raw = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('LUXCHAT_') || variable === clientVariable || value === undefined) continue;
    const name = known.get(variable);
    if (!name) throw new ConfigError(`There is no setting ${variable}. ${nearest(variable, [...known.keys()])}`);
    raw[name] = value;
  }
  return raw;
}

function readFile(path: string | undefined, read = (file: string) => readFileSync(file, 'utf8')): Raw {
  if (path === undefined) return {};
  const parsed = parseJson(
    path,
    readable(`The settings file ${path}`, () => read(path)),
  );
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new ConfigError(`The settings file ${path} must hold one JSON object.`);
  const names: readonly string[] = settings.map((setting) => setting.name);
  for (const name of Object.keys(parsed)) {
    if (!names.includes(name))
      throw new ConfigError(`There is no setting ${name} (in ${path}). ${nearest(name, names)}`);
  }
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, plain(name, value)]));
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`The settings file ${path} is no JSON.`, { cause });
  }
}

/** A value of the file as a flag would have it. */
function plain(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw new ConfigError(`${name} must be a text, a number, true, false or a list of texts in the settings file.`);
}

function readable(what: string, read: () => string): string {
  try {
    return read();
  } catch (cause) {
    throw new ConfigError(`${what} can't be read.`, { cause });
  }
}

function parse(setting: Setting, given: string | undefined): unknown {
  const value = (given ?? setting.fallback).trim();
  const { kind } = setting;
  if (kind.kind === 'list') return value === '' ? [] : value.split(',').map((item) => item.trim());
  if (kind.kind === 'switch') {
    if (value !== 'on' && value !== 'off') throw new ConfigError(`${setting.name} must be on or off, not "${value}".`);
    return value === 'on';
  }
  if (kind.kind === 'choice' && !kind.of.includes(value)) {
    throw new ConfigError(`${setting.name} must be one of ${kind.of.join(', ')}, not "${value}".`);
  }
  if (kind.kind !== 'number') return value;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < kind.min || number > kind.max) {
    throw new ConfigError(`${setting.name} must be a whole number from ${kind.min} to ${kind.max}, not "${value}".`);
  }
  return number;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a list, one sentence each.
function refuseContradictions(config: Config): void {
  const refuse = (when: boolean, sentence: string) => {
    if (when) throw new ConfigError(sentence);
  };
  const production = config.mode === 'production';
  refuse(!isProvider(config.provider), 'provider must be a domain in lower case, such as chat.example.lu.');
  refuse(config.data === '', 'data must name a folder.');
  refuse(
    (config.tlsCert === '') !== (config.tlsKey === ''),
    'tlsCert and tlsKey go together: give both files or neither.',
  );
  refuse(
    config.port !== 0 && config.port === config.opsPort && config.host === config.opsHost,
    'port and opsPort must differ: metrics stay off the public port.',
  );
  refuse(
    config.luxidIssuer === '' && config.luxidPort !== 0 && [config.port, config.opsPort].includes(config.luxidPort),
    'luxidPort is taken by port or opsPort: give the stand-in LuxID one of its own.',
  );
  refuse(
    config.sendPerSecond > config.sendBurst,
    'sendPerSecond must not be above sendBurst: the bucket could never fill.',
  );
  refuse(
    config.publicUrl !== '' && !isWebAddress(config.publicUrl),
    'publicUrl must be a full address without query, such as https://chat.example.lu.',
  );
  const notOrigin = config.origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
  refuse(
    notOrigin !== undefined,
    `origins are addresses without path or slash at the end, such as https://app.example.lu, not "${notOrigin}".`,
  );
  refuse(
    !areProxies(config.trustedProxies),
    `trustedProxies are addresses or networks, such as 10.0.0.0/8, not "${config.trustedProxies.join(',')}".`,
  );
  refuse(
    config.proxyProtocol && config.trustedProxies.length === 0,
    'proxyProtocol believes only trustedProxies: name your balancer there.',
  );
  refuse(
    config.proxyProtocol && config.tlsCert !== '' && config.transport === 'uws',
    'proxyProtocol in front of TLS is read by transport ws only: end TLS at the balancer, or choose ws.',
  );
  refuse(
    config.luxidIssuer !== '' && !isIssuer(config.luxidIssuer),
    'luxidIssuer must be a full address that begins with https://, or with http:// on a loopback address.',
  );
  refuse(
    config.luxidIssuer === '' && config.luxidClientSecretFile !== '',
    'luxidClientSecretFile belongs to a real LuxID: give luxidIssuer, too.',
  );
  refuse(
    config.luxidIssuer === '' && config.luxidStepUpAcr !== '',
    'luxidStepUpAcr belongs to a real LuxID: give luxidIssuer, too.',
  );
  refuse(
    production && config.luxidIssuer === '',
    'mode production needs luxidIssuer: the stand-in LuxID is for development only.',
  );
  refuse(production && config.luxidOpenUsers, 'luxidOpenUsers is for development only.');
  refuse(
    production && !config.limitInvitations,
    'limitInvitations off is for development only: anybody could invite everybody.',
  );
  refuse(production && config.textSeconds > 0, 'textSeconds is for development only: messages live 24 months.');
  refuse(
    production && !config.publicUrl.startsWith('https://'),
    'mode production needs a publicUrl that begins with https://.',
  );
  refuse(
    onlyProxiesConnect(config) && config.trustedProxies.length === 0,
    'mode production speaks no plain http to the outside: give tlsCert and tlsKey, listen on 127.0.0.1, or name your proxy in trustedProxies.',
  );
  refuse(
    production && config.provider === 'localhost',
    'mode production needs the provider setting: your domain, for ever.',
  );
  refuse(
    config.luxidIssuer !== '' && config.luxidOpenUsers,
    'luxidOpenUsers belongs to the stand-in: remove luxidIssuer or luxidOpenUsers.',
  );
  const notBot = config.bots.find((name) => !isBotName(name));
  refuse(
    notBot !== undefined || new Set(config.bots).size < config.bots.length,
    `bots are names of 2 to 32 small letters, digits and hyphens, each once, unlike the ids of people (10 to 12 letters), not "${notBot ?? config.bots.join(',')}".`,
  );
  refuse(
    infoBotOf(config) !== 'off' && !config.bots.includes(infoBotName),
    `infoBot needs ${infoBotName} among bots; or turn infoBot off.`,
  );
  refuse(
    config.privacyNotice !== '' && !isWebAddress(config.privacyNotice),
    'privacyNotice must be a full address without query, such as https://www.example.lu/privacy.',
  );
  refuseNodeContradictions(config, refuse);
}

function refuseNodeContradictions(config: Config, refuse: (when: boolean, sentence: string) => void): void {
  const { store, cassandra, redis, node, nodeHost, nodeAddress, nodeTlsCert, nodeTlsKey, nodeTlsCa } = config;
  const many = store === 'cassandra';
  refuse(
    many && cassandra.length === 0,
    'store cassandra needs the addresses of some Cassandra nodes: give cassandra.',
  );
  refuse(
    !many && (cassandra.length > 0 || redis !== ''),
    'cassandra and redis belong to store cassandra: give that, too.',
  );
  const ports = new Set(cassandra.map((address) => /^[^\s]+:(\d{1,5})$/.exec(address)?.[1]));
  refuse(
    many && (ports.size !== 1 || ports.has(undefined)),
    'cassandra lists host:port, such as 10.0.0.1:9042,10.0.0.2:9042, all with the same port.',
  );
  refuse(!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(node), 'node must be up to 63 small letters, digits, dots and hyphens.');
  refuse(
    nodeAddress !== '' && !/^\S+:\d{1,5}$/.test(nodeAddress),
    'nodeAddress must be host:port, such as 10.0.0.1:7400.',
  );
  refuse(
    many && nodeAddress === '' && ['0.0.0.0', '::'].includes(nodeHost),
    'nodeHost is every address: say in nodeAddress at which one the other nodes reach this one.',
  );
  refuse(
    many &&
      nodeAddress !== '' &&
      isLoopback(nodeHost) &&
      !isLoopback(nodeAddress.slice(0, nodeAddress.lastIndexOf(':'))),
    'nodeHost is an address of this machine alone, and nodeAddress says that other machines reach it: give in nodeHost the address to listen on for them.',
  );
  const files = [nodeTlsCert, nodeTlsKey, nodeTlsCa].filter((file) => file !== '').length;
  refuse(files !== 0 && files !== 3, 'nodeTlsCert, nodeTlsKey and nodeTlsCa go together: give all three or none.');
  refuseAccessContradictions(config, refuse);
  refuse(
    config.mode === 'production' && many && config.cassandraReplication < 3,
    'mode production needs cassandraReplication of 3 or more: with fewer, one lost machine loses messages.',
  );
}

function refuseAccessContradictions(config: Config, refuse: (when: boolean, sentence: string) => void): void {
  const { store, redis, cassandraUser, cassandraPasswordFile, cassandraTlsCa, cassandraTlsCert, cassandraTlsKey } =
    config;
  const { redisUser, redisPasswordFile, redisTlsCa, redisTlsCert, redisTlsKey } = config;
  const toCassandra = [cassandraUser, cassandraPasswordFile, cassandraTlsCa, cassandraTlsCert, cassandraTlsKey];
  refuse(
    store !== 'cassandra' && toCassandra.some((value) => value !== ''),
    'cassandraUser, cassandraPasswordFile and cassandraTls… belong to store cassandra: give that, too.',
  );
  refuse(
    (cassandraUser === '') !== (cassandraPasswordFile === ''),
    'cassandraUser and cassandraPasswordFile go together: give both or neither.',
  );
  refuse(
    (cassandraTlsCert === '') !== (cassandraTlsKey === '') || (cassandraTlsCert !== '' && cassandraTlsCa === ''),
    'cassandraTlsCert and cassandraTlsKey go together, and with cassandraTlsCa: without that one Cassandra is spoken to in plain.',
  );
  const isUrl = URL.canParse(redis) && /^rediss?:$/.test(new URL(redis).protocol);
  refuse(
    isUrl && new URL(redis).username + new URL(redis).password !== '',
    'redis must hold no user and no password, which every user of this machine could read: give redisUser and redisPasswordFile.',
  );
  refuse(
    redis === '' && [redisUser, redisPasswordFile].some((value) => value !== ''),
    'redisUser and redisPasswordFile belong to redis: give that, too.',
  );
  refuse(redisUser !== '' && redisPasswordFile === '', 'redisUser needs redisPasswordFile.');
  refuse(
    [redisTlsCa, redisTlsCert, redisTlsKey].some((value) => value !== '') && !redis.startsWith('rediss://'),
    'redisTlsCa, redisTlsCert and redisTlsKey need an address that begins with rediss://.',
  );
  refuse(
    (redisTlsCert === '') !== (redisTlsKey === ''),
    'redisTlsCert and redisTlsKey go together: give both files or neither.',
  );
}

/** Does only this machine reach it? */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host.replace(/^\[|\]$/g, '') === '::1' || /^127(\.\d+){3}$/.test(host);
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username } = new URL(text);
  return /^https?:$/.test(protocol) && search + hash + username === '';
}

function isIssuer(text: string): boolean {
  if (!isWebAddress(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || isLoopback(hostname);
}

function areProxies(trustedProxies: readonly string[]): boolean {
  try {
    sourceReader({ trustedProxies });
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

function nearest(wrong: string, known: readonly string[]): string {
  const best = known.reduce((a, b) => (editDistance(wrong, a) <= editDistance(wrong, b) ? a : b));
  return editDistance(wrong, best) <= 3 ? `Did you mean ${best}?` : 'README.md in src/server lists all settings.';
}

/** Letters to add, drop or change between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
