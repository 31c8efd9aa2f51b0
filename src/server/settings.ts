// The one table of settings: name, kind, default, what it means. `config.ts` reads them from file, environment and flags; README.md of this
// folder prints this table and a test keeps the two in step. Units stand last in the names.

/** How a setting is written. `number` has bounds, `choice` a closed list, `list` is separated by commas. */
export type Kind =
  | { readonly kind: 'text' }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'list' }
  | { readonly kind: 'switch' };

/** One setting. Flag `--send-burst`, environment `LUXCHAT_SEND_BURST`, file key `sendBurst`. */
export interface Setting {
  readonly name: string;
  readonly kind: Kind;
  readonly fallback: string;
  readonly meaning: string;
}

const text = { kind: 'text' } as const;
const list = { kind: 'list' } as const;
const port = { kind: 'number', min: 0, max: 65_535 } as const;
const number = (min: number, max: number) => ({ kind: 'number', min, max }) as const;
const choice = (...of: string[]) => ({ kind: 'choice', of }) as const;

/** Every setting there is. Anything else is refused at start. */
export const settings = [
  {
    name: 'mode',
    kind: choice('development', 'production'),
    fallback: 'development',
    meaning: 'production refuses the stand-in LuxID and plain http to the outside',
  },
  {
    name: 'provider',
    kind: text,
    fallback: 'localhost',
    meaning: 'domain of the provider: the part after the colon of every id; can never change',
  },
  {
    name: 'data',
    kind: text,
    fallback: './data',
    meaning: 'folder of the embedded store, secrets and logs; made with owner-only permissions',
  },
  {
    name: 'secrets',
    kind: text,
    fallback: '',
    meaning: 'folder of the secrets; empty = secrets in the data folder. All nodes of a provider have the same ones',
  },
  {
    name: 'store',
    kind: choice('embedded', 'cassandra'),
    fallback: 'embedded',
    meaning: 'one node with its own files, or any number of nodes on Cassandra',
  },
  {
    name: 'cassandra',
    kind: list,
    fallback: '',
    meaning: 'addresses of some Cassandra nodes, host:port, all with one port; with store cassandra',
  },
  { name: 'cassandraKeyspace', kind: text, fallback: 'luxchat', meaning: 'keyspace, made at the first start' },
  {
    name: 'cassandraDatacenter',
    kind: text,
    fallback: 'datacenter1',
    meaning: 'datacenter of this provider: quorums are its own',
  },
  {
    name: 'cassandraReplication',
    kind: number(1, 7),
    fallback: '3',
    meaning: 'replicas of each row; counts when the keyspace is made, 1 is for try-outs',
  },
  { name: 'cassandraUser', kind: text, fallback: '', meaning: 'user of Cassandra; with cassandraPasswordFile' },
  {
    name: 'cassandraPasswordFile',
    kind: text,
    fallback: '',
    meaning: 'file with the password, readable by its owner only',
  },
  {
    name: 'cassandraTlsCa',
    kind: text,
    fallback: '',
    meaning:
      'PEM file of the authority that signs the certificates of Cassandra, which name its addresses; empty = no TLS',
  },
  {
    name: 'cassandraTlsCert',
    kind: text,
    fallback: '',
    meaning:
      'PEM file of the certificate that this node shows to Cassandra, where that asks for one; with cassandraTlsKey',
  },
  { name: 'cassandraTlsKey', kind: text, fallback: '', meaning: 'PEM file of its private key' },
  {
    name: 'redis',
    kind: text,
    fallback: '',
    meaning:
      'redis://host:port, rediss://host:port or path of a socket, for signs of life between nodes; empty = without',
  },
  { name: 'redisUser', kind: text, fallback: '', meaning: 'user of Redis; empty = default' },
  {
    name: 'redisPasswordFile',
    kind: text,
    fallback: '',
    meaning: 'file with the password, readable by its owner only',
  },
  {
    name: 'redisTlsCa',
    kind: text,
    fallback: '',
    meaning:
      'PEM file of the authority that signs the certificate of Redis, with a rediss:// address; empty = those that the system knows',
  },
  {
    name: 'redisTlsCert',
    kind: text,
    fallback: '',
    meaning: 'PEM file of the certificate that this node shows to Redis, where that asks for one; with redisTlsKey',
  },
  { name: 'redisTlsKey', kind: text, fallback: '', meaning: 'PEM file of its private key' },
  {
    name: 'node',
    kind: text,
    fallback: 'n1',
    meaning: 'name of this node, its own among all: a process that starts under it ends an earlier one',
  },
  {
    name: 'nodeHost',
    kind: text,
    fallback: '127.0.0.1',
    meaning: 'address to listen on for the other nodes; the default reaches no other machine',
  },
  { name: 'nodePort', kind: port, fallback: '7400', meaning: 'port for the other nodes; 0 takes any free one' },
  {
    name: 'nodeAddress',
    kind: text,
    fallback: '',
    meaning: 'host:port where the other nodes reach this one; empty = nodeHost and nodePort',
  },
  {
    name: 'nodeTlsCert',
    kind: text,
    fallback: '',
    meaning: "PEM file of this node's certificate towards the others; with nodeTlsKey and nodeTlsCa",
  },
  { name: 'nodeTlsKey', kind: text, fallback: '', meaning: 'PEM file of its private key' },
  {
    name: 'nodeTlsCa',
    kind: text,
    fallback: '',
    meaning: "PEM file of the authority that signs the nodes' certificates",
  },
  { name: 'host', kind: text, fallback: '127.0.0.1', meaning: 'address to listen on' },
  { name: 'port', kind: port, fallback: '8080', meaning: 'port of WebSocket and HTTP; 0 takes any free one' },
  { name: 'opsHost', kind: text, fallback: '127.0.0.1', meaning: 'address of health, readiness and metrics' },
  {
    name: 'opsPort',
    kind: port,
    fallback: '9090',
    meaning: 'port of health, readiness and metrics; 0 takes any free one',
  },
  { name: 'publicUrl', kind: text, fallback: '', meaning: 'https address that devices use; empty = http://host:port' },
  { name: 'origins', kind: list, fallback: '', meaning: 'web origins that may connect besides the public address' },
  {
    name: 'trustedProxies',
    kind: list,
    fallback: '',
    meaning:
      'addresses or networks whose X-Forwarded-For or PROXY header is believed; in production without TLS, on an outside address, only they may connect',
  },
  {
    name: 'proxyProtocol',
    kind: { kind: 'switch' },
    fallback: 'off',
    meaning: 'on: each connection of a trusted proxy begins with a PROXY header, version 2, and is refused without',
  },
  {
    name: 'transport',
    kind: choice('uws', 'ws'),
    fallback: 'uws',
    meaning: 'uWebSockets.js, or the slower ws where that does not load',
  },
  { name: 'tlsCert', kind: text, fallback: '', meaning: 'PEM file of the certificate chain; with tlsKey' },
  { name: 'tlsKey', kind: text, fallback: '', meaning: 'PEM file of the private key; with tlsCert' },
  {
    name: 'luxidIssuer',
    kind: text,
    fallback: '',
    meaning: 'issuer address of LuxID; empty starts the stand-in (development only)',
  },
  { name: 'luxidClientId', kind: text, fallback: 'luxchat', meaning: 'client id registered with LuxID' },
  {
    name: 'luxidClientSecretFile',
    kind: text,
    fallback: '',
    meaning: 'file with the client secret; empty = public client',
  },
  {
    name: 'luxidStepUpAcr',
    kind: text,
    fallback: '',
    meaning:
      'what LuxID calls a login with a code by SMS (acr): asked for and checked at a step-up; empty = it always asks for one',
  },
  { name: 'luxidPort', kind: port, fallback: '8081', meaning: 'port of the stand-in LuxID; 0 takes any free one' },
  {
    name: 'luxidOpenUsers',
    kind: { kind: 'switch' },
    fallback: 'off',
    meaning: 'the stand-in takes any user name: for load tests',
  },
  {
    name: 'bots',
    kind: list,
    fallback: 'info',
    meaning: 'names of the accounts that are bots: @name:provider, each with a secret of its own in secrets/bot-name',
  },
  {
    name: 'infoBot',
    kind: choice('auto', 'run', 'elsewhere', 'off'),
    fallback: 'auto',
    meaning:
      'the Info bot, which invites newcomers: run = this node starts it; elsewhere = another node or machine does; off = there is none; auto = run with store embedded, else off. Of several nodes one runs it, and the others say elsewhere',
  },
  {
    name: 'privacyNotice',
    kind: text,
    fallback: '',
    meaning: 'address of the privacy notice, which the Info bot tells who asks',
  },
  { name: 'sendBurst', kind: number(1, 1_000_000), fallback: '60', meaning: 'messages a device may send at once' },
  {
    name: 'sendPerSecond',
    kind: number(1, 1_000_000),
    fallback: '1',
    meaning: 'messages a second a device may send for long',
  },
  {
    name: 'limitInvitations',
    kind: { kind: 'switch' },
    fallback: 'on',
    meaning:
      'people may invite so many others a day: 20 in the first week of an account, then 200; off for load tests (development only)',
  },
  { name: 'loginsPerMinute', kind: number(1, 1_000_000), fallback: '10', meaning: 'logins a minute from one source' },
  {
    name: 'connectionsPerSecond',
    kind: number(1, 100_000),
    fallback: '500',
    meaning: 'new connections a second to the node; the burst is twice that',
  },
  {
    name: 'connectionsPerSourceSecond',
    kind: number(1, 100_000),
    fallback: '20',
    meaning: 'new connections a second from one source; the burst is twice that',
  },
  {
    name: 'httpRequestsPerSource',
    kind: number(1, 100_000),
    fallback: '20',
    meaning: 'HTTP requests at once from one source; a login makes one after the other',
  },
  { name: 'connectionsMax', kind: number(1, 1_000_000), fallback: '50000', meaning: 'connections at once' },
  {
    name: 'roomIdleSeconds',
    kind: number(1, 86_400),
    fallback: '60',
    meaning: 'a room without traffic leaves memory after this',
  },
  {
    name: 'userIdleSeconds',
    kind: number(1, 86_400),
    fallback: '30',
    meaning: 'a user actor without work leaves memory after this',
  },
  {
    name: 'textSeconds',
    kind: number(0, 86_400),
    fallback: '0',
    meaning: 'messages live so many seconds, to try out what happens then (development only); 0 = 24 months',
  },
  {
    name: 'drainSeconds',
    kind: number(0, 600),
    fallback: '5',
    meaning: 'over how long at most connections are moved away at Ctrl-C or SIGTERM',
  },
  {
    name: 'logLevel',
    kind: choice('debug', 'info', 'warn', 'error'),
    fallback: 'info',
    meaning: 'least level that reaches logs/server.log',
  },
] as const satisfies readonly Setting[];

/** Names of all settings. */
export type SettingName = (typeof settings)[number]['name'];
