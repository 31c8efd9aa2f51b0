// A whole node in this process: starts, says that it is ready, counts, drains, and refuses a folder that is in use.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient } from '#bench/lib/raw-client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { readConfig } from './config.ts';
import { type Provider, startProvider } from './provider.ts';

const folders: string[] = [];
const running: Provider[] = [];

const newFolder = () => mkdtempSync(join(tmpdir(), 'provider-'));
let callback = '';
/** Happens while the node starts: it listens, and its login does not run yet. */
let beforeLogin: () => Promise<void> = async () => {};

async function start(transport: string, data = newFolder(), more: string[] = []): Promise<Provider> {
  folders.push(data);
  const fixed = ['--port', '0', '--ops-port', '0', '--drain-seconds', '0', '--data', data, '--transport', transport];
  const luxid = async (url: string) => {
    callback = url;
    await beforeLogin();
    return { issuer: 'http://127.0.0.1:9', clientId: 'luxchat' };
  };
  const provider = await startProvider(readConfig({ args: [...fixed, ...more], env: {} }), { luxid, lost: () => {} });
  running.push(provider);
  return provider;
}

afterEach(async () => {
  beforeLogin = async () => {};
  for (const provider of running.splice(0)) await provider.drain();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe.each(['uws', 'ws'])('a provider on %s', (transport) => {
  it('is healthy, ready and counts what happens', async () => {
    const provider = await start(transport);
    expect((await fetch(`${provider.opsUrl}/health`)).status).toBe(200);
    expect((await fetch(`${provider.opsUrl}/ready`)).status).toBe(200);
    const socket = new WebSocket(`${provider.url.replace('http', 'ws')}/ws`, 'luxchat.1');
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('text is not spoken here');
    const [code] = await new Promise<[number]>((resolve) => socket.once('close', (...all) => resolve([all[0]])));
    expect(code).toBe(4503);
    const metrics = await (await fetch(`${provider.opsUrl}/metrics`)).text();
    expect(metrics).toContain('luxchat_closes_total{kind="DISCONNECT_TEXT_NOT_ALLOWED"} 1');
    expect(metrics).toContain('luxchat_connections 0');
    // Those of the library are named as it likes.
    const own = [...metrics.matchAll(/^# TYPE luxchat_(?!nodejs|process)(\w+) (\w+)$/gm)];
    expect(own.length).toBeGreaterThan(5);
    for (const [, name = '', type] of own) expect([name, type === 'counter']).toEqual([name, name.endsWith('_total')]);
    const again = await (await fetch(`${provider.opsUrl}/metrics`)).text();
    expect(again).toContain('luxchat_closes_total{kind="DISCONNECT_TEXT_NOT_ALLOWED"} 1');
  });

  it('says that it is ready, and then that it drains', async () => {
    const provider = await start(transport);
    const told = async () => {
      const { body } = await provider.metrics.scrape();
      return ['ready', 'draining', 'store_writes'].map(
        (name) => new RegExp(`^luxchat_${name} (\\d)$`, 'm').exec(body)?.[1],
      );
    };
    expect(await told()).toEqual(['1', '0', '1']);
    for (const one of running.splice(0)) {
      const drained = one.drain();
      const during = await told();
      await drained;
      expect(during.slice(0, 2)).toEqual(['0', '1']);
    }
  });

  // Else every device of a node that was killed would take its token for expired and refresh it, all at the same moment.
  it('lets a hello that comes before the login runs wait for it', async () => {
    let closed: Promise<number> = Promise.resolve(0);
    const heard: string[] = [];
    beforeLogin = async () => {
      const client = new RawClient(Number(new URL(callback).port));
      await client.wire.opened;
      closed = client.wire.closed;
      client.frame = () => heard.push('closing') > 0;
      const hello = { version: 1, accessToken: 'of somebody', client: 'test', quiet: false };
      client.ask({ $case: 'hello', value: hello }, 'welcome').catch(() => {});
      // Whoever answers these has long had the hello.
      for (let n = 0; n < 3; n++) expect((await fetch(callback)).status).toBe(503);
      heard.push('login runs');
    };
    await start(transport);
    expect(await closed).toBe(Disconnect.DISCONNECT_TOKEN_EXPIRED);
    expect(heard).toEqual(['login runs', 'closing']);
  });

  it('behind a proxy that ends TLS takes browsers of its public address, and no others', async () => {
    const own = 'https://chat.example.lu';
    const provider = await start(transport, newFolder(), ['--public-url', `${own}/`, '--origins', 'https://app.lu']);
    expect([provider.url, callback]).toEqual([own, `${own}/auth/callback`]);
    const opened = (origin: string) =>
      new Promise((resolve) => {
        const headers = { origin, host: 'chat.example.lu' };
        const socket = new WebSocket(`ws://127.0.0.1:${provider.port}/ws`, 'luxchat.1', { headers });
        socket.once('open', () => resolve(101));
        socket.once('error', ({ message }) => resolve(message));
      });
    for (const origin of [own, 'https://app.lu']) expect(await opened(origin)).toBe(101);
    for (const origin of ['https://evil.lu', `${own}:8443`]) expect(await opened(origin)).toContain('403');
  });

  it('in production without TLS, on an outside address, answers proxies only', async () => {
    const production = ['--mode', 'production', '--luxid-issuer', 'https://id.lu', '--provider', 'c.lu'];
    const outside = ['--public-url', 'https://c.lu', '--host', '0.0.0.0', '--trusted-proxies'];
    const past = await start(transport, newFolder(), [...production, ...outside, '192.0.2.7']);
    const behind = await start(transport, newFolder(), [...production, ...outside, '127.0.0.1']);
    const status = async ({ port }: Provider) => (await fetch(`http://127.0.0.1:${port}/auth/start`)).status;
    expect([await status(past), await status(behind)]).toEqual([403, 405]);
  });

  it('refuses a folder that belongs to another provider', async () => {
    await start(transport);
    const data = folders[0] as string;
    for (const provider of running.splice(0)) await provider.drain();
    const args = ['--port', '0', '--ops-port', '0', '--data', data, '--provider', 'other.lu'];
    const ports = { luxid: async () => ({ issuer: 'http://127.0.0.1:9', clientId: 'luxchat' }), lost: () => {} };
    await expect(startProvider(readConfig({ args, env: {} }), ports)).rejects.toMatchObject({ code: 'CONFIG' });
  });

  it('refuses a folder that another one uses, and takes it over after that one drained', async () => {
    const provider = await start(transport);
    const data = folders[0] as string;
    await expect(start(transport, data)).rejects.toMatchObject({ code: 'LOCKED' });
    running.splice(0);
    await provider.drain();
    await start(transport, data);
  });
});
