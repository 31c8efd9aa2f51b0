// The other end of driver.ts: starts a device process on a folder, asks it, kills it, starts it again. A process that ends by itself, an alarm, a fault
// or somebody's message that it was told of twice is a failure of the test that owns it, and is kept in `faults`: a bot would have answered twice.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { DeviceOptions } from '#client/devices/account.ts';
import type { DriverCalls } from './device-calls.ts';

/** The process was killed before it answered: the call may have been done. */
export class Killed extends Error {}

/** A device in a process of its own. */
export class DeviceProcess {
  readonly name: string;
  readonly folder: string;
  /** Alarms, bugs, unexpected ends and what came twice, of all processes so far. */
  readonly faults: string[] = [];
  /** How often it was killed. */
  kills = 0;
  readonly #options: DeviceOptions;
  #child: ChildProcess | undefined;
  #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #next = 1;

  constructor(name: string, folder: string, options: DeviceOptions = {}) {
    this.name = name;
    this.folder = folder;
    this.#options = options;
  }

  /** Is there a process that takes calls? */
  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts a process; resolves when its local history can be read. */
  async start(): Promise<void> {
    const program = new URL('driver.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, this.folder, JSON.stringify(this.#options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Of this process alone: what the one before said may be heard after its end.
    const told = new Set<string>();
    let errors = '';
    child.stderr.on('data', (bytes) => {
      errors += bytes;
    });
    child.stdin.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line, told, resolve));
      child.once('exit', (status, signal) => {
        if (this.#child === child) this.#child = undefined;
        for (const { reject: fail } of this.#waiting.values()) fail(new Killed(`${this.name} was killed`));
        this.#waiting.clear();
        if (signal === 'SIGKILL') return;
        if (status !== 0) this.faults.push(`${this.name} ended with ${status}: ${errors}`);
        reject(new Error(`${this.name} ended with ${status}: ${errors}`));
      });
    });
    this.#child = child;
  }

  /** Asks the process. Rejects with Killed, or with the error's code and text. */
  call<Name extends keyof DriverCalls>(
    name: Name,
    ...args: Parameters<DriverCalls[Name]>
  ): Promise<Awaited<ReturnType<DriverCalls[Name]>>> {
    const child = this.#child;
    if (!child) return Promise.reject(new Killed(`${this.name} is not running`));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.stdin?.write(`${JSON.stringify({ id, call: name, args })}\n`);
    });
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.kills += 1;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Lets it end by itself. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    await this.call('close');
    child.stdin?.end();
    await gone;
  }

  #hear(line: string, told: Set<string>, started: () => void): void {
    const { id, value, error, event } = JSON.parse(line) as {
      id?: number;
      value: never;
      error?: string;
      event?: string;
    };
    if (event === 'started') started();
    else if (event === 'alarm' || event === 'fault')
      this.faults.push(`${this.name} ${event}: ${JSON.stringify(value)}`);
    else if (event === 'item' && told.has(value)) this.faults.push(`${this.name} is told of ${value} twice`);
    else if (event === 'item') told.add(value);
    if (id === undefined) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.name}: ${error}`));
  }
}
