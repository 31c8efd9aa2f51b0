// The configuration: what the sources say of each setting, or its default. It refuses what is out of bounds and what contradicts itself, each with one
// sentence that says what to do.
import { isProvider } from '#proto/rules/ids.ts';
import { isBotName } from './auth/bots.ts';
import { ConfigError, type ConfigSources, readSources } from './config-sources.ts';
import { type Setting, settings } from './settings.ts';
import { sourceReader } from './transport/source.ts';

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

/** Reads and checks the configuration. Throws ConfigError. */
export function readConfig(sources: ConfigSources): Config {
  const raw = readSources(sources);
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
