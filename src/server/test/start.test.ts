// `npm start` as people run it: whoever is told to stop, all of it drains and ends, with exit code 0.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from './harness.ts';

const root = new URL('../../..', import.meta.url).pathname;
const main = new URL('../main.ts', import.meta.url).pathname;
const door = new URL('../luxchat-server.js', import.meta.url).pathname;
const running: Started[] = [];
const folder = mkdtempSync(join(tmpdir(), 'luxchat-start-'));

interface Started {
  readonly child: ChildProcess;
  readonly output: string[];
  readonly ended: Promise<number | null>;
  readonly port: number;
  readonly luxidPort: number;
}

/** Starts a program in a process group of its own; resolves when the server says that it runs. */
async function start(program: string, args: readonly string[], drainSeconds = 1): Promise<Started> {
  const ports = ['--port', '0', '--ops-port', '0', '--luxid-port', '0'];
  const settings = [...ports, '--data', folder, '--drain-seconds', String(drainSeconds)];
  const child = spawn(program, [...args, ...settings], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => output.push(line));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  await eventually('it runs', () => output.some((line) => line.includes('Ctrl-C stops')), 30_000);
  const portOf = (line: RegExp) => Number(line.exec(output.join('\n'))?.[1]);
  const started = {
    child,
    output,
    ended,
    port: portOf(/running at \S+:(\d+)/),
    luxidPort: portOf(/only\): \S+:(\d+)/),
  };
  running.push(started);
  return started;
}

const npmStart = () => start('npm', ['start', '--silent', '--']);

function ran(args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    );
  });
}

/** Nobody listens there any more. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

/** A request whose body never comes: draining waits for it. */
function holdDrain({ port }: Started): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /auth/start HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n', () => resolve());
  });
}

describe('npm start', () => {
  afterEach(() => {
    for (const { child } of running.splice(0))
      if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['SIGTERM to npm alone', 'SIGTERM', (pid: number) => pid],
    ['Ctrl-C, which goes to all', 'SIGINT', (pid: number) => -pid],
  ] as const)('drains, ends all and says 0 at %s', async (_, signal, target) => {
    const { child, output, ended, port, luxidPort } = await npmStart();
    process.kill(target(child.pid as number), signal);
    expect(await ended).toBe(0);
    expect(output.filter((line) => /^(Draining|Stopped)/.test(line))).toHaveLength(2);
    expect(output.filter((line) => line.startsWith('The Info bot @info:localhost'))).toHaveLength(1);
    await eventually('nobody listens', async () => (await isFree(port)) && (await isFree(luxidPort)));
  });

  it('takes a signal that comes twice at once for one', async () => {
    const started = await start(process.execPath, [main, '--info-bot', 'off']);
    await holdDrain(started);
    // Two kinds, since the system may join two of one kind.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) started.child.kill(signal);
    expect(await started.ended).toBe(0);
    expect(started.output.at(-1)).toBe('Stopped.');
  });

  it('goes on in a new log at SIGHUP', async () => {
    const { child, ended } = await start(process.execPath, [main, '--info-bot', 'off']);
    const log = join(folder, 'logs', 'server.log');
    renameSync(log, `${log}.1`);
    child.kill('SIGHUP');
    await eventually('there is a new log', () => existsSync(log));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readFileSync(`${log}.1`, 'utf8')).toContain('"started"');
    expect(readFileSync(log, 'utf8')).toContain('"stopped"');
    expect(statSync(log).mode & 0o777).toBe(0o600);
  });

  it('says in one sentence what is wrong, with code 2, and helps who asks', async () => {
    const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });';
    const old = ['--import', `data:text/javascript,${older}`, door];
    for (const [args, sentence] of [
      [old, /^Luxchat needs Node 24 or newer, and this is 20\.1\.0\..*\n$/],
      [[door, 'port=1'], /^There is no setting port\..*\n$/],
      [[door, '--tls-cert', '/nowhere', '--tls-key', '/nowhere'], /^The file of tlsCert, .* can't be read\.\n$/],
    ] as const)
      expect(await ran(args)).toEqual({ code: 2, output: '', errors: expect.stringMatching(sentence) });
    expect(await ran([door, '--help'])).toEqual({
      code: 0,
      output: expect.stringContaining('--drain-seconds'),
      errors: '',
    });
  });

  it('ends at once at a later one', async () => {
    const started = await start(process.execPath, [main, '--info-bot', 'off'], 600);
    await holdDrain(started);
    started.child.kill('SIGINT');
    await eventually('it drains', () => started.output.at(-1)?.startsWith('Draining') === true);
    const impatient = setInterval(() => started.child.kill('SIGINT'), 100);
    expect(await started.ended).toBe(130);
    clearInterval(impatient);
  });
});
