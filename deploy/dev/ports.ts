// Free ports on loopback. They are taken from below the range from which systems draw the ports of outgoing connections, so that a server that is
// killed finds its own port free when it comes back. Whoever asks binds later: two launchers may still pick the same, and try again.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { DevFailure } from './failure.ts';

const firstPort = 20_000;
const lastPort = 30_000;

/** One port that is free on every one of these addresses and not in `except`. */
export async function freePort(
  addresses: readonly string[] = ['127.0.0.1'],
  except: readonly number[] = [],
): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = randomInt(firstPort, lastPort);
    if (!except.includes(port) && (await allFree(addresses, port))) return port;
  }
  throw new DevFailure('PORTS_TAKEN', `No free port between ${firstPort} and ${lastPort}.`, {
    next: 'Stop what listens there.',
  });
}

/** Whether every one of these ports is free on every one of these addresses. */
export async function portsFree(addresses: readonly string[], ports: readonly number[]): Promise<boolean> {
  for (const port of ports) if (!(await allFree(addresses, port))) return false;
  return true;
}

async function allFree(addresses: readonly string[], port: number): Promise<boolean> {
  for (const address of addresses) if (!(await isFree(address, port))) return false;
  return true;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRNOTAVAIL') return resolve(false);
      reject(
        new DevFailure('ADDRESS_MISSING', `This machine has no address ${host}.`, {
          next: `Three nodes need 127.0.0.1 to 127.0.0.3; on macOS: sudo ifconfig lo0 alias ${host} up`,
          cause: error,
        }),
      );
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
