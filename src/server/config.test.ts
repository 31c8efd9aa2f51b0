import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { infoBotOf, onlyProxiesConnect, readConfig } from './config.ts';
import { ConfigError, flagOf, variableOf } from './config-sources.ts';
import { settings } from './settings.ts';

const read = (args: string[] = [], env: Record<string, string> = {}, file?: string) =>
  readConfig({ args, env, ...(file === undefined ? {} : { readFile: () => file }) });

const many = ['--store', 'cassandra', '--cassandra', 'a:9042'];

describe('configuration', () => {
  it('has a default for every setting', () => {
    expect(read()).toMatchObject({
      mode: 'development',
      data: './data',
      port: 8080,
      transport: 'uws',
      sendBurst: 60,
      origins: [],
    });
  });

  it('takes flags over environment over file', () => {
    const file = '{"port": 1001, "opsPort": 1002, "sendBurst": 70, "origins": ["https://a.lu", "https://b.lu"]}';
    const config = read(
      ['--config', 'x.json', '--port=3001'],
      { LUXCHAT_PORT: '2001', LUXCHAT_OPS_PORT: '2002' },
      file,
    );
    expect(config).toMatchObject({
      port: 3001,
      opsPort: 2002,
      sendBurst: 70,
      origins: ['https://a.lu', 'https://b.lu'],
    });
  });

  it.each([
    [['--prot', '1'], {}, 'Did you mean --port?'],
    [[], { LUXCHAT_PROT: '1' }, 'LUXCHAT_PROT'],
    [['--port'], {}, 'needs a value'],
    [['--data', '--port', '1'], {}, '--data needs a value'],
    [['--port', '1', '--port', '2'], {}, 'given twice'],
    [['--data', ''], {}, 'must name a folder'],
    [['--provider', 'a..lu'], {}, 'domain in lower case'],
    [['--luxid-issuer', 'luxid'], {}, 'full address'],
    [['--luxid-issuer', 'http://id.lu'], {}, 'https://'],
    [['--luxid-client-secret-file', 'x'], {}, 'give luxidIssuer'],
    [['--luxid-step-up-acr', 'sms'], {}, 'give luxidIssuer'],
    [['--port', '65536'], {}, 'from 0 to 65535'],
    [['--port', '-1'], {}, 'whole number'],
    [['--mode', 'test'], {}, 'development, production'],
    [['--provider', 'Not A Domain'], {}, 'domain in lower case'],
    [['--tls-cert', 'a.pem'], {}, 'go together'],
    [['--ops-port', '8080'], {}, 'must differ'],
    [['--port', '8081'], {}, 'one of its own'],
    [['--send-per-second', '61'], {}, 'above sendBurst'],
    [['--mode', 'production'], {}, 'luxidIssuer'],
    [['--mode', 'production', '--luxid-issuer', 'https://id.lu'], {}, 'https://'],
    [['--luxid-issuer', 'https://id.lu', '--luxid-open-users', 'on'], {}, 'belongs to the stand-in'],
    [
      [
        '--mode',
        'production',
        '--luxid-issuer',
        'https://id.lu',
        '--public-url',
        'https://c.lu',
        '--provider',
        'c.lu',
        '--host',
        '0.0.0.0',
      ],
      {},
      'no plain http',
    ],
    [
      ['--mode', 'production', '--luxid-issuer', 'https://id.lu', '--text-seconds', '20'],
      {},
      'textSeconds is for development only',
    ],
    [
      ['--mode', 'production', '--luxid-issuer', 'https://id.lu', '--limit-invitations', 'off'],
      {},
      'limitInvitations off is for development only',
    ],
    [['--text-seconds', '86401'], {}, 'from 0 to 86400'],
    [['--public-url', 'chat'], {}, 'full address'],
    [['--public-url', 'ftp://c.lu'], {}, 'full address'],
    [['--public-url', 'https://c.lu?a=1'], {}, 'full address'],
    [['--origins', 'https://a.lu,https://b.lu/'], {}, 'not "https://b.lu/"'],
    [['--cassandra-user', 'u', '--cassandra-password-file', 'f'], {}, 'belong to store cassandra'],
    [[...many, '--cassandra-user', 'u'], {}, 'cassandraUser and cassandraPasswordFile go together'],
    [[...many, '--cassandra-password-file', 'f'], {}, 'cassandraUser and cassandraPasswordFile go together'],
    [[...many, '--cassandra-tls-ca', 'a', '--cassandra-tls-cert', 'c'], {}, 'cassandraTlsKey go together'],
    [[...many, '--cassandra-tls-cert', 'c', '--cassandra-tls-key', 'k'], {}, 'with cassandraTlsCa'],
    [[...many, '--redis', 'redis://:secret@r:6379'], {}, 'give redisUser and redisPasswordFile'],
    [[...many, '--redis', 'rediss://u@r:6379'], {}, 'give redisUser and redisPasswordFile'],
    [[...many, '--redis-password-file', 'f'], {}, 'belong to redis'],
    [[...many, '--redis', 'redis://r', '--redis-user', 'u'], {}, 'needs redisPasswordFile'],
    [[...many, '--redis', 'redis://r', '--redis-tls-ca', 'c'], {}, 'rediss://'],
    [[...many, '--redis', 'rediss://r', '--redis-tls-cert', 'c'], {}, 'redisTlsKey go together'],
    [['--trusted-proxies', 'proxy.lu'], {}, 'addresses or networks'],
    [['--trusted-proxies', '10.0.0.0/99'], {}, 'addresses or networks'],
    [['--proxy-protocol', 'on'], {}, 'name your balancer'],
    [
      ['--proxy-protocol', 'on', '--trusted-proxies', '10.0.0.1', '--tls-cert', 'c', '--tls-key', 'k'],
      {},
      'transport ws only',
    ],
  ] as const)('refuses %j %j with a sentence', (args, env, sentence) => {
    expect(() => read([...args], { ...env })).toThrow(ConfigError);
    expect(() => read([...args], { ...env })).toThrow(sentence);
  });

  // Others were refused then, and took over from a node that ran.
  it('refuses to listen for other machines where none can come', () => {
    for (const [host, address] of [
      ['127.0.0.1', 'n1.internal:7400'],
      ['localhost', '10.0.0.1:7400'],
      ['::1', '[fd00::1]:7400'],
    ] as const)
      expect(() => read([...many, '--node-host', host, '--node-address', address])).toThrow(
        'give in nodeHost the address to listen on',
      );
    for (const [host, address] of [
      ['10.0.0.1', 'n1.internal:7400'],
      ['0.0.0.0', 'n1.internal:7400'],
      ['127.0.0.1', '127.0.0.2:7400'],
      ['127.0.0.1', '[::1]:7400'],
      ['127.0.0.1', ''],
    ] as const)
      expect(() => read([...many, '--node-host', host, '--node-address', address])).not.toThrow();
  });

  it('lets only proxies connect where plain http comes in from outside in production', () => {
    const production = ['--mode', 'production', '--luxid-issuer', 'https://id.lu', '--provider', 'c.lu'];
    const behind = [...production, '--public-url', 'https://c.lu', '--trusted-proxies', '10.0.0.1'];
    expect(onlyProxiesConnect(read([...behind, '--host', '0.0.0.0']))).toBe(true);
    expect(onlyProxiesConnect(read([...behind, '--host', '127.0.0.1']))).toBe(false);
    expect(onlyProxiesConnect(read([...behind, '--host', '0.0.0.0', '--tls-cert', 'c', '--tls-key', 'k']))).toBe(false);
    expect(onlyProxiesConnect(read(['--host', '0.0.0.0']))).toBe(false);
  });

  it('names bots as nobody else can be called, and knows who runs the Info bot', () => {
    for (const bots of ['Info', 'i', 'abcdefghjkj', 'info,info', 'info,a.b'])
      expect(() => read(['--bots', bots])).toThrow('bots are names');
    expect(read(['--bots', 'info,weather-2']).bots).toEqual(['info', 'weather-2']);
    expect(() => read(['--bots', 'weather'])).toThrow('infoBot needs info among bots');
    expect(read(['--bots', '', '--info-bot', 'off']).bots).toEqual([]);
    const many = ['--store', 'cassandra', '--cassandra', '10.0.0.1:9042'];
    expect([[], ['--info-bot', 'off'], ['--info-bot', 'elsewhere']].map((args) => infoBotOf(read(args)))).toEqual([
      ...['run', 'off', 'elsewhere'],
    ]);
    expect([[], ['--info-bot', 'run']].map((args) => infoBotOf(read([...many, ...args])))).toEqual(['off', 'run']);
    expect(() => read(['--privacy-notice', 'here'])).toThrow('privacyNotice must be a full address');
  });

  it('takes a public address with or without a slash at the end', () => {
    for (const address of ['https://c.lu', 'https://c.lu/', 'https://c.lu//'])
      expect(read(['--public-url', address]).publicUrl).toBe('https://c.lu');
  });

  it('refuses a settings file with unknown keys or no object', () => {
    expect(() => read(['--config', 'x'], {}, '{"prot": 1}')).toThrow('There is no setting prot');
    expect(() => read(['--config', 'x'], {}, '[]')).toThrow('one JSON object');
    expect(() => read(['--config', 'x'], {}, '{')).toThrow('is no JSON');
    expect(() => read(['--config', 'x'], {}, '{"data": null}')).toThrow('data must be a text');
    expect(() => read(['--config', 'x'], {}, '{"origins": [1]}')).toThrow('list of texts');
    expect(() => read(['--config', '/nowhere.json'])).toThrow("can't be read");
    expect(read(['--config', 'x'], {}, '{"luxidOpenUsers": true}').luxidOpenUsers).toBe(true);
  });

  it('is listed in the README, setting by setting', () => {
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    for (const { name, fallback, meaning } of settings) {
      expect(readme).toContain(
        `| \`${name}\` | \`${flagOf(name)}\` | \`${variableOf(name)}\` | ${fallback === '' ? '–' : `\`${fallback}\``} | ${meaning} |`,
      );
    }
  });
});
