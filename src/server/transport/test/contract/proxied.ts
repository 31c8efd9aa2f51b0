// Behind a TCP balancer: whose a connection is, by the PROXY header that it begins with, and who may write one.
import { expect, it } from 'vitest';
import type { HttpHandler } from '../../http.ts';
import { proxyHeader } from '../proxy-header.ts';
import { RawConnection } from './client.ts';
import type { Serve } from './server.ts';

const get = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const upgrade = [
  'GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket',
  'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
].join('\r\n');
const header = proxyHeader('203.0.113.9');
const another = proxyHeader('198.51.100.1');
const balancer = { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'], proxyProtocol: true };

export function proxiedTests(serve: Serve): void {
  const sources: string[] = [];
  const noted: HttpHandler = ({ source }) => {
    sources.push(source);
    return { status: 200, body: `source=${source};` };
  };
  const behind = async (options: Parameters<Serve>[0] = balancer) => {
    sources.length = 0;
    return await serve({ http: noted, ...options });
  };

  it('takes the source from the header that a trusted balancer wrote', async () => {
    const server = await behind();
    await new RawConnection(server.port, header, get).holds('source=203.0.113.9;');
    await new RawConnection(server.port, proxyHeader('2001:db8:1:2:3:4:5:6'), get).holds('source=2001:db8:1:2::/64;');
    await new RawConnection(server.port, proxyHeader('203.0.113.9', { tlvBytes: 24 }), get).holds('=203.0.113.9;');
    expect(await new RawConnection(server.port, header, upgrade).status()).toBe(101);
    await server.until(() => server.opened.length === 1, 'the upgrade');
    expect(server.opened[0]?.source).toBe('203.0.113.9');
  });

  it('waits for a header that comes in pieces', async () => {
    const server = await behind();
    const connection = new RawConnection(server.port);
    for (const byte of Buffer.concat([header, Buffer.from(get)])) await connection.write(Buffer.from([byte]));
    await connection.holds('source=203.0.113.9;');
  });

  it('counts the devices of one balancer apart', async () => {
    const server = await behind({ ...balancer, limits: { sourceUpgradesBurst: 1, sourceUpgradesPerSecond: 1 } });
    const statuses: number[] = [];
    for (const from of [header, another, header])
      statuses.push(await new RawConnection(server.port, from, upgrade).status());
    expect(statuses).toEqual([101, 101, 503]);
  });

  it('refuses a connection of the balancer that does not say whose it is', async () => {
    const server = await behind();
    for (const from of ['', proxyHeader('0.0.0.0', { command: 0, family: 0 })]) {
      expect(await new RawConnection(server.port, from, get).status()).toBe(403);
      expect(await new RawConnection(server.port, from, upgrade).status()).toBe(403);
    }
    expect([sources, server.opened, server.transport.counters.upgradesRefused]).toEqual([[], [], 2]);
  });

  it.each([
    ['whoever is no trusted proxy', { trustedProxies: ['192.0.2.7'], proxyProtocol: true }],
    ['a trusted proxy, where it is not asked for', { trustedProxies: ['127.0.0.0/8'] }],
    ['anybody, where nobody is trusted', {}],
  ])('refuses a header from %s', async (_, options) => {
    const server = await behind(options);
    for (const request of [get, upgrade]) {
      const connection = new RawConnection(server.port, header, request);
      expect(await connection.status()).toBeGreaterThanOrEqual(400);
      await connection.closed;
    }
    expect([sources, server.opened]).toEqual([[], []]);
  });

  it('serves who comes past the balancer by the address of the socket, unless only proxies may connect', async () => {
    const options = { trustedProxies: ['192.0.2.7'], proxyProtocol: true };
    const open = await behind(options);
    await new RawConnection(open.port, get).holds('source=127.0.0.1;');
    const closed = await behind({ ...options, proxiesOnly: true });
    expect(await new RawConnection(closed.port, get).status()).toBe(403);
  });

  it('believes X-Forwarded-For behind it only where the address in the header is a trusted proxy, too', async () => {
    const server = await behind();
    const forwarded = 'GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 198.51.100.1\r\n\r\n';
    await new RawConnection(server.port, header, forwarded).holds('source=203.0.113.9;');
    await new RawConnection(server.port, proxyHeader('10.0.0.3'), forwarded).holds('source=198.51.100.1;');
  });

  // uWebSockets.js takes a header in front of every request: a device could write a second one and be somebody else.
  it.each([
    ['a GET', get],
    ['a POST', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc'],
    ['one that is refused', 'GET /ws HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['one that is too large', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999\r\n\r\nabc'],
  ])('believes no second header, after %s in one write or later', async (_, first) => {
    const server = await behind();
    for (const second of [get, upgrade]) {
      await new RawConnection(server.port, header, first, another, second).closed;
      const patient = new RawConnection(server.port, header, first);
      await patient.status();
      await patient.write(Buffer.concat([another, Buffer.from(second)]));
      await patient.closed;
    }
    await new RawConnection(server.port, header, another, get).ended();
    expect(sources.filter((source) => source !== '203.0.113.9')).toEqual([]);
    expect(server.opened).toEqual([]);
  });
}
