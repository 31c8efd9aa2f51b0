// The port itself: opened, refused, and given up in a drain.
import { expect, it } from 'vitest';
import { freePort } from '../../../../../deploy/dev/ports.ts';
import { Disconnect } from '../../codes.ts';
import { Client } from './client.ts';
import { type Create, type Serve, Server } from './server.ts';

export function drainTests(create: Create, serve: Serve): void {
  it('drains: accepts nobody, closes one after the other with GOING_AWAY and a jittered time, lets an answer finish, frees the port', async () => {
    let release: () => void = () => {};
    let asked: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let random = 0;
    const server = await new Server(create, {
      // Sockets of a listener on port 0 are not made to be taken over after a drain, those of a named port are.
      port: await freePort(),
      random: () => {
        random = (random + 0.3) % 1;
        return random;
      },
      http: () => {
        asked();
        return new Promise((resolve) => {
          release = () => resolve({ status: 200, body: 'done' });
        });
      },
    }).listen();
    const clients = (await Promise.all(Array.from({ length: 20 }, () => server.connect()))).map(([client]) => client);
    const answered = fetch(`${server.http}/slow`).then((response) => response.text());
    await arrived;
    const drained = server.transport.drain(400);
    // As many steps as connections: one in each, so that those who come back elsewhere do not all come at once. The first is gone by now.
    const left = [server.transport.connections()];
    while (left.at(-1) !== 0) {
      const { length } = server.closes;
      await server.until(() => server.closes.length > length, 'the next step of the drain');
      left.push(server.transport.connections());
    }
    expect(left).toEqual(clients.map((_, n) => clients.length - 1 - n));
    const closes = await Promise.all(clients.map((client) => client.closed));
    release();
    expect(await answered).toBe('done');
    await drained;
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([Disconnect.DISCONNECT_GOING_AWAY]));
    expect(new Set(closes.map(({ reason }) => reason)).size).toBeGreaterThan(3);
    await expect(new Client(server.url).open()).rejects.toThrow();
    const next = await serve({ port: server.port });
    expect(next.port).toBe(server.port);
  });
}

export function listenTests(create: Create, serve: Serve): void {
  it('refuses a port that is taken', async () => {
    const server = await serve();
    await expect(new Server(create, { port: server.port }).listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });

  it('refuses TLS files that cannot be used', () => {
    expect(() =>
      create({
        host: '127.0.0.1',
        port: 0,
        tls: { certFile: '/nonexistent.pem', keyFile: '/nonexistent.pem' },
        handler: noHandler,
      }),
    ).toThrow(expect.objectContaining({ code: 'TLS_FAILED' }));
  });
}

const noHandler = { onOpen: () => {}, onFrames: () => {}, onClose: () => {} };
