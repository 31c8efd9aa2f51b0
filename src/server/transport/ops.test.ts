import { afterEach, describe, expect, it } from 'vitest';
import { createOpsServer, type OpsOptions, type OpsServer } from './ops.ts';

describe('the operator port', () => {
  let server: OpsServer | undefined;
  afterEach(() => server?.close());
  const serve = async (options: Partial<OpsOptions> = {}) => {
    server = createOpsServer({ port: 0, ready: () => true, metrics: () => 'up 1\n', ...options });
    return `http://127.0.0.1:${await server.listen()}`;
  };
  const get = async (url: string) => {
    const response = await fetch(url);
    return [response.status, await response.text()];
  };

  it('says that it lives, whether it is ready, and its metrics, and nothing else', async () => {
    let ready = false;
    const url = await serve({ ready: () => ready });
    expect(await get(`${url}/health`)).toEqual([200, '{"health":"ok"}']);
    expect((await get(`${url}/ready`))[0]).toBe(503);
    ready = true;
    expect((await get(`${url}/ready?x`))[0]).toBe(200);
    expect(await get(`${url}/metrics`)).toEqual([200, 'up 1\n']);
    expect((await get(`${url}/ws`))[0]).toBe(404);
    expect((await fetch(`${url}/health`, { method: 'POST' })).status).toBe(404);
  });

  it('answers 500 and reports when metrics fail', async () => {
    const faults: unknown[] = [];
    const url = await serve({
      metrics: () => Promise.reject(new Error('secret')),
      onFault: (cause) => faults.push(cause),
    });
    expect(await get(`${url}/metrics`)).toEqual([500, '{"code":"INTERNAL"}']);
    expect(faults.length).toBe(1);
  });
});
