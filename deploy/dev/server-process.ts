// One server as a child process: guarded against our death, killed, paused, resumed and stopped by name. It never keeps our event loop alive:
// a test that forgets to stop it ends, and the guard does the rest.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { DevFailure } from './failure.ts';
import type { Guard } from './guard.ts';
import { waitFor } from './progress.ts';

/** A running (or ended) child. */
export interface ServerProcess {
  readonly pid: number;
  alive(): boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it holds its sockets and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGTERM, and SIGKILL after `graceMs`; resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
}

/** How to start one. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** File that takes what it prints, appended. */
  readonly output: string;
  /** Told once when it is gone, whoever ended it. */
  readonly ended?: (end: ProcessEnd) => void;
}

/** How a child ended: one of the two is null. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts a child in a process group of its own. Throws START_FAILED when there is no such program. */
export function startProcess(server: ServerCommand, guard: Guard): ServerProcess {
  const output = openSync(server.output, 'a');
  const child = spawn(server.command, [...server.args], {
    detached: true,
    stdio: ['ignore', output, output],
    env: server.env ?? process.env,
  });
  closeSync(output);
  let ended = false;
  child.on('error', () => {}); // No such program: there is no pid then either.
  const pid = child.pid;
  if (pid === undefined)
    throw new DevFailure('START_FAILED', `${server.command} could not be started.`, { next: 'Is it in PATH?' });
  guard.kills(pid);
  const gone = new Promise<void>((resolve) => {
    child.on('exit', (code, signal) => {
      ended = true;
      guard.forgets(pid);
      resolve();
      server.ended?.({ code, signal });
    });
  });
  child.unref();

  const signal = (name: NodeJS.Signals) => {
    if (ended) throw new DevFailure('NOT_RUNNING', `Process ${pid} has ended.`, { next: 'Call restart() first.' });
    process.kill(pid, name);
  };
  // An unreferenced child does not keep us waiting, so a timer has to: the wait is bounded, a killed process is gone at once.
  const untilGone = (deadlineMs: number) =>
    waitFor(() => ended, { deadlineMs }).then((yes) => yes && gone.then(() => true));
  const kill = async () => {
    if (ended) return;
    signal('SIGKILL');
    await untilGone(10_000);
  };
  return {
    pid,
    alive: () => !ended,
    kill,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async stop(graceMs) {
      if (ended) return;
      signal('SIGCONT');
      signal('SIGTERM');
      if (!(await untilGone(graceMs))) await kill();
    },
  };
}
