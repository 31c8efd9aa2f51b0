import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../deploy/dev/ports.ts';
import { Cable } from './cable.ts';

describe('a wire that can be cut', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const each of ends.splice(0).reverse()) await each();
  });

  /** An echo behind a cable, and a client: what it heard, and whether it is still connected. */
  async function wired(port = 0) {
    const echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => echo.once('listening', resolve));
    ends.push(() => echo.close());
    const cable = await Cable.to((echo.address() as { port: number }).port, port);
    ends.push(() => cable.close());
    const dial = () => {
      const client = connect(cable.port, '127.0.0.1').on('error', () => {});
      ends.push(() => client.destroy());
      let heard = '';
      client.on('data', (chunk) => {
        heard += chunk;
      });
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      const hears = async (text: string) => {
        while (heard !== text) await new Promise((resolve) => client.once('data', resolve));
      };
      return { say: (text: string) => client.write(text), hears, closed, heard: () => heard };
    };
    return { cable, dial };
  }

  it('passes bytes both ways, and what was held later', async () => {
    const { cable, dial } = await wired();
    const client = dial();
    client.say('a');
    await client.hears('a');
    cable.hold();
    client.say('b');
    const other = dial();
    other.say('c');
    await new Promise((resolve) => setImmediate(resolve));
    expect([client.heard(), other.heard()]).toEqual(['a', '']);
    cable.heal();
    await client.hears('ab');
    await other.hears('c');
  });

  it('ends connections and refuses new ones while it is cut', async () => {
    const { cable, dial } = await wired();
    const client = dial();
    client.say('a');
    await client.hears('a');
    cable.cut();
    await client.closed;
    await dial().closed;
    cable.heal();
    const again = dial();
    again.say('d');
    await again.hears('d');
  });

  it('refuses new connections, and admits them again at the same port', async () => {
    const port = await freePort();
    const { cable, dial } = await wired(port);
    const client = dial();
    client.say('a');
    await client.hears('a');
    await cable.refuse();
    await client.closed;
    const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
      connect(cable.port, '127.0.0.1').once('error', resolve),
    );
    expect([error.code, cable.port]).toEqual(['ECONNREFUSED', port]);
    await cable.admit();
    const again = dial();
    again.say('b');
    await again.hears('b');
  });
});
