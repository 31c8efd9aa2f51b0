// A client that knows one address gets to a node that is ready, and to another one when its node is gone. Real sockets on loopback.
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../ports.ts';
import { type Balancer, startBalancer, type Target } from './balancer.ts';
import { numbersOf } from './look.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface FakeNode extends Target {
  ready: boolean;
  running: boolean;
  /** Ends its connections, as its death would. */
  die(): void;
}

/** Says its name to who connects, then repeats what it hears. */
async function node(name: string): Promise<FakeNode> {
  const sockets = new Set<Socket>();
  const door = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).write(`${name};`);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  const ops = createHttp((request, response) => {
    if (request.url === '/metrics')
      return void response.end('# HELP luxchat_shards x\nluxchat_shards 22\nluxchat_connections 3\n');
    response.writeHead(self.ready ? 200 : 503).end();
  }).listen(0, '127.0.0.1');
  await Promise.all([once(door, 'listening'), once(ops, 'listening')]);
  const at = (server: { address(): unknown }) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const die = () => {
    for (const socket of sockets) socket.destroy();
    door.close();
    ops.close().closeAllConnections();
  };
  const self = { url: at(door), opsUrl: at(ops), ready: true, running: true, alive: () => self.running, die };
  closing.push(die);
  return self;
}

async function balance(targets: readonly Target[]): Promise<Balancer> {
  const balancer = await startBalancer({ host: '127.0.0.1', port: await freePort(), targets: () => targets });
  closing.push(() => balancer.close());
  return balancer;
}

/** Connects and says something; what came back by the time that `enough` was there or the connection ended. */
async function talk(balancer: Balancer, enough: string): Promise<{ heard: string; socket: Socket }> {
  const socket = connect(Number(new URL(balancer.url).port), '127.0.0.1');
  closing.push(() => socket.destroy());
  socket.on('error', () => {}).write('moien');
  let heard = '';
  await new Promise<void>((resolve) => {
    socket.on('close', resolve).on('data', (data) => {
      heard += data;
      if (heard.endsWith(enough)) resolve();
    });
  });
  return { heard, socket };
}

describe('the balancer', () => {
  it('leads to each node in turn and passes bytes on both ways', async () => {
    const balancer = await balance([await node('n1'), await node('n2')]);
    for (const name of ['n1', 'n2', 'n1']) expect((await talk(balancer, 'moien')).heard).toBe(`${name};moien`);
  });

  it('passes over nodes that do not run, are not ready, or take no connection', async () => {
    const [stopped, draining, gone, fine] = (await Promise.all(['a', 'b', 'c', 'd'].map(node))) as [
      FakeNode,
      FakeNode,
      FakeNode,
      FakeNode,
    ];
    stopped.running = false;
    draining.ready = false;
    gone.die();
    const balancer = await balance([stopped, draining, gone, fine]);
    for (let n = 0; n < 4; n++) expect((await talk(balancer, 'moien')).heard).toBe('d;moien');
    fine.ready = false;
    expect((await talk(balancer, 'moien')).heard).toBe('');
  });

  // A client that knew its node's address alone was away until that node was back: 32 s.
  it('tells a client that its node is gone, and has another one for it', async () => {
    const [first, second] = [await node('n1'), await node('n2')];
    const balancer = await balance([first, second]);
    const { heard, socket } = await talk(balancer, 'moien');
    expect(heard).toBe('n1;moien');
    first.die();
    if (!socket.closed) await once(socket, 'close');
    for (let n = 0; n < 2; n++) expect((await talk(balancer, 'moien')).heard).toBe('n2;moien');
  });
});

describe('the numbers of a node', () => {
  it('are those of its metrics, and nothing where it does not answer', async () => {
    const one = await node('n1');
    one.ready = false;
    expect(await numbersOf(one.opsUrl)).toEqual({ ready: false, shards: 22, links: 0, connections: 3 });
    one.die();
    expect(await numbersOf(one.opsUrl)).toBeNull();
  });
});
