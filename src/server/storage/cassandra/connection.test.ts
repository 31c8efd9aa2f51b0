// Servers that are asked about themselves, where the driver is stood in for.
import { expect, it } from 'vitest';
import { Connection } from './connection.ts';

/** Servers, of which each answers with its row, or not at all. */
function connection(servers: readonly (object | Error)[]): Connection {
  const client = {
    getState: () => ({ getConnectedHosts: () => servers }),
    execute: async (_query: string, _params: unknown, { host }: { host: object | Error }) => {
      if (host instanceof Error) throw host;
      return { first: () => host };
    },
  };
  return Reflect.construct(Connection, [client, {}]) as Connection;
}

const silent = new Error('timed out');

it('leaves out a server that does not answer, and fails where none does', async () => {
  expect(await connection([silent, { n: 7 }]).readEach('', (row) => row.n)).toEqual([7]);
  await expect(connection([silent, silent]).readEach('', (row) => row.n)).rejects.toMatchObject({ code: 'UNANSWERED' });
});

it('takes what can not be read of an answer for no server that is silent', async () => {
  const bug = new TypeError('x is not a function');
  const read = () => {
    throw bug;
  };
  await expect(connection([{ n: 7 }, silent]).readEach('', read)).rejects.toBe(bug);
});
