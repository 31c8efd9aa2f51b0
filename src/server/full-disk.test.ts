// A node whose disk takes no more, played by the system's limit on the size of a file: it says so, is not ready, and ends, so that whoever watches over
// it can start it again. It used to go on for ever, ready and of no use.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const why = /A write did not reach the disk \((EIO|EFBIG|ENOSPC)\): free space or mend the disk, then start again\./;

let data: string;
let luxid: Server;
let issuer: string;
let child: ChildProcess;
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'full-'));
  luxid = createServer((_, response) => {
    const endpoints = { authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t`, jwks_uri: `${issuer}/j` };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ issuer, ...endpoints }));
  });
  await new Promise<void>((resolve) => luxid.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(luxid.address() as AddressInfo).port}`;
});
afterEach(() => {
  child.kill('SIGKILL');
  luxid.close();
  luxid.closeAllConnections();
  rmSync(data, { recursive: true, force: true });
});

/** Runs the server; `fileKiB` limits each of its files. Resolves to its two addresses. `said` gathers what it prints. */
async function run(fileKiB: number | 'unlimited', said: string[], program = ['src/server/main.ts']) {
  const settings = ['--port', '0', '--ops-port', '0', '--data', data, '--luxid-issuer', issuer, '--info-bot', 'off'];
  const args = [...program, ...settings, '--logins-per-minute', '1000000'];
  const blocks = fileKiB === 'unlimited' ? fileKiB : fileKiB * 2;
  child = spawn('sh', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: root,
  });
  const { promise, resolve, reject } = Promise.withResolvers<{ url: string; opsUrl: string }>();
  let url = '';
  const hear = (line: string) => {
    said.push(line);
    url ||= /running at (\S+)/.exec(line)?.[1] ?? '';
    const opsUrl = /metrics: (http\S+)\/health/.exec(line)?.[1];
    if (opsUrl !== undefined) resolve({ url, opsUrl });
  };
  for (const out of [child.stdout, child.stderr]) if (out) createInterface({ input: out }).on('line', hear);
  child.once('exit', () => reject(new Error(said.join('\n'))));
  return await promise;
}

/** A login that begins is a row in the store; false = it was not kept. */
async function beginLogin(url: string): Promise<boolean> {
  const redirect = `http://127.0.0.1:9/${'x'.repeat(400)}`;
  const body = JSON.stringify({ redirect, challenge: 'c'.repeat(43), client: 'terminal' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/auth/start`, { method: 'POST', headers, body }).catch(() => null);
  return answer?.status === 200;
}

it('ends, says why, and starts again once there is room', async () => {
  const said: string[] = [];
  const { url } = await run(128, said);
  const ended = new Promise<[number | null, string | null]>((resolve) => {
    // Not `exit`: what it printed may come later.
    child.once('close', (...how) => resolve(how));
  });
  while (await beginLogin(url));
  // By SIGKILL where lmdb would have hung the exit.
  expect([
    [1, null],
    [null, 'SIGKILL'],
  ]).toContainEqual(await ended);
  expect(said.join('\n')).toMatch(why);
  const line = readFileSync(join(data, 'logs', 'server.log'), 'utf8')
    .split('\n')
    .find((each) => each.includes('store failed'));
  expect(JSON.parse(line ?? '')).toMatchObject({ code: 'WRITE_FAILED', cause: expect.stringMatching(/^E[A-Z]+$/) });
  const again = await run('unlimited', []);
  expect((await fetch(`${again.opsUrl}/ready`)).status).toBe(200);
  expect(await beginLogin(again.url)).toBe(true);
});

it('is not ready from the failed write on', async () => {
  // The same node, but `lost` only says so.
  const program = `
    import { readConfig } from '#server/config.ts';
    import { startProvider } from '#server/provider.ts';
    const config = readConfig({ args: process.argv.slice(1), env: {} });
    const lost = (why) => console.log(why);
    const { url, opsUrl } = await startProvider(config, { luxid: async () => ({ issuer: config.luxidIssuer, clientId: 'luxchat' }), lost });
    console.log('running at ' + url);
    console.log('metrics: ' + opsUrl + '/health');`;
  const said: string[] = [];
  const { url, opsUrl } = await run(128, said, ['--input-type=module', '-e', program, '--']);
  const ready = async () => (await fetch(`${opsUrl}/ready`)).status;
  expect(await ready()).toBe(200);
  while (await beginLogin(url));
  expect(await ready()).toBe(503);
  expect((await fetch(`${opsUrl}/health`)).status).toBe(200);
  await vi.waitFor(() => expect(said.filter((line) => why.test(line))).toHaveLength(1), { timeout: 10_000 });
});
