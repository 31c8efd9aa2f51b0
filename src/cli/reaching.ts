// Is anybody there? Where nothing listens at the server's address a command says so within seconds. One that listens and is busy, and a network that swallows
// everything, are waited for: `--timeout` ends that.
import { connect } from 'node:net';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { Arguments } from './arguments.ts';
import { unreachable } from './deadline.ts';

/** A provider that is restarted listens again in less. */
const restartMs = 3_000;
const betweenMs = 250;
const swallowedMs = 2_000;

/** Work that needs the server: as it settles, or OFFLINE where nothing listens there. */
export type Reaching = <T>(work: Promise<T>) => Promise<T>;

/** Begin with it before the client is started. Who said how long to wait is waited for in any case. */
export function reaching(
  client: Pick<LuxchatClient, 'on' | 'options'>,
  { isTimeoutGiven }: Pick<Arguments, 'isTimeoutGiven'>,
): Reaching {
  const nobody = new Promise<never>((_, reject) => {
    const stop = client.on('connection', async (state) => {
      if (state === 'connecting') return;
      stop();
      if (state !== 'offline' || isTimeoutGiven) return;
      if (await isDeserted(new URL(client.options.connection.url))) reject(new ClientError('OFFLINE', unreachable));
    });
  });
  // A command may need nothing of the server.
  nobody.catch(() => {});
  return (work) => Promise.race([work, nobody]);
}

/** See Session.loggedIn. Begin with it before the client is started. */
export function loggedInOf(client: Pick<LuxchatClient, 'on'>): () => Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const heard = new Promise<boolean>((resolve, reject) => {
    let isAnswered = false;
    client.on('connection', (state) => {
      if (state === 'connecting') isAnswered = false;
      if (state === 'greeting') isAnswered = true;
      timer ??= setTimeout(() => resolve(false), swallowedMs).unref();
      if (state === 'live') resolve(true);
      // Where the server answered and hung up it may not know the token any more: the next attempt says.
      if (state === 'offline' && !isAnswered) resolve(false);
    });
    client.on('ended', reject);
  }).finally(() => clearTimeout(timer));
  // A command may write nothing.
  heard.catch(() => {});
  return () => heard;
}

/** Does nothing listen there, and goes on not to? */
async function isDeserted(address: URL): Promise<boolean> {
  for (const end = Date.now() + restartMs; await isRefused(address); ) {
    if (Date.now() >= end) return true;
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
  return false;
}

function isRefused({ hostname, port, protocol }: URL): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(port) || (protocol === 'wss:' ? 443 : 80) });
  return new Promise((resolve) => {
    const done = (refused: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(refused);
    };
    const timer = setTimeout(() => done(false), swallowedMs);
    socket.once('connect', () => done(false)).once('error', () => done(true));
  });
}
