// One Cassandra node as a process: started until it really answers, killed, paused, restarted on the same folder and ports.
// A start that fails says why with the end of the log.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DevFailure } from '../failure.ts';
import type { Guard } from '../guard.ts';
import { tailOf, waitFor } from '../progress.ts';
import { type ServerProcess, startProcess } from '../server-process.ts';
import { type NodePlace, nodeArguments, systemLog, type Tuning } from './config.ts';
import { answers } from './cql.ts';

/** A node in the hands of a test. */
export interface CassandraNode {
  readonly address: string;
  /** CQL port; all nodes of a cluster have the same. */
  readonly port: number;
  readonly jmxPort: number;
  /** Data, configuration and log (`log/system.log`). */
  readonly folder: string;
  /** Of the running JVM, or of the last one. */
  readonly pid: number;
  /** SIGKILL, as a power cut would do it to the process. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Drains and ends it (SIGTERM), SIGKILL after 30 s. */
  stop(): Promise<void>;
  /** Starts it again (killing it first if it runs) and resolves when it answers. */
  restart(): Promise<void>;
}

/** What a node is run with. */
export interface NodeProgram {
  readonly java: string;
  readonly jars: readonly string[];
  readonly tuning: Tuning;
  readonly guard: Guard;
}

const startDeadlineMs = 120_000;
const listening = 'Starting listening for CQL clients';

/** Starts a node whose configuration is written; resolves when it answers a query. Throws START_FAILED or PORTS_TAKEN. */
export async function startNode(place: NodePlace, program: NodeProgram): Promise<CassandraNode> {
  let process = await start(place, program);
  return {
    address: place.address,
    port: place.nativePort,
    jmxPort: place.jmxPort,
    folder: place.folder,
    get pid() {
      return process.pid;
    },
    kill: () => process.kill(),
    pause: () => process.pause(),
    resume: () => process.resume(),
    stop: () => process.stop(30_000),
    async restart() {
      await process.kill();
      process = await start(place, program);
    },
  };
}

async function start(place: NodePlace, program: NodeProgram): Promise<ServerProcess> {
  const log = systemLog(place);
  const before = existsSync(log) ? statSync(log).size : 0;
  const output = join(place.folder, 'log/jvm.log');
  const args = nodeArguments(place, program.jars, program.tuning);
  const process = startProcess({ command: program.java, args, output }, program.guard);
  const logged = () => (existsSync(log) ? readFileSync(log).subarray(before).toString() : '');
  const ended = () => !process.alive();
  // The log says so first; the port may open a little later, and a port that is open may not answer yet.
  const ready =
    (await waitFor(() => logged().includes(listening), { deadlineMs: startDeadlineMs, ended })) &&
    (await waitFor(() => nodeAnswers(place), { deadlineMs: startDeadlineMs / 2, ended }));
  if (ready) return process;
  await process.kill();
  throw failed(place, `${tailOf(output)}\n${logged().trimEnd().split('\n').slice(-25).join('\n')}`);
}

function nodeAnswers(place: NodePlace): Promise<boolean> {
  return answers({ address: place.address, port: place.nativePort }, 'SELECT key FROM system.local');
}

function failed(place: NodePlace, said: string): DevFailure {
  if (/address already in use|is in use by another process|BindException|Port already in use/i.test(said))
    return new DevFailure('PORTS_TAKEN', `Somebody took a port of the Cassandra at ${place.address} meanwhile.`, {
      next: 'Start it again.',
    });
  return new DevFailure('START_FAILED', `Cassandra at ${place.address} did not start. Its log ends so:\n${said}\n`, {
    next: 'A start with a folder of your own (`run.ts --folder DIR`) keeps the whole log.',
  });
}
