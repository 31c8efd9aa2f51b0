// A device in the test's own process, to be driven as one in a process of its own: many of them start in the time of one process. It can't be killed: `kill` drops the
// connection and closes.
import type { DeviceOptions } from '#client/devices/account.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { callsOf, type DriverCalls } from '../device-calls.ts';
import { type DeviceProcess, Killed } from '../device-process.ts';

/** What the story needs of a device. */
export type Driven = Pick<DeviceProcess, 'name' | 'folder' | 'faults' | 'running' | 'start' | 'call' | 'kill' | 'stop'>;

/** See above. */
export class LocalDevice implements Driven {
  readonly name: string;
  readonly folder: string;
  readonly faults: string[] = [];
  readonly #options: DeviceOptions;
  #client: LuxchatClient | undefined;

  constructor(name: string, folder: string, options: DeviceOptions) {
    this.name = name;
    this.folder = folder;
    this.#options = options;
  }

  get running(): boolean {
    return this.#client !== undefined;
  }

  async start(): Promise<void> {
    const client = await openDevice(this.folder, this.#options);
    client.on('alarm', (alarm) => this.faults.push(`${this.name} alarm: ${JSON.stringify(alarm)}`));
    client.on('fault', (error) => this.faults.push(`${this.name} fault: ${error.stack}`));
    await client.start();
    this.#client = client;
  }

  async call<Name extends keyof DriverCalls>(
    name: Name,
    ...args: Parameters<DriverCalls[Name]>
  ): Promise<Awaited<ReturnType<DriverCalls[Name]>>> {
    const client = this.#client;
    if (!client) throw new Killed(`${this.name} is not running`);
    const call = callsOf(client)[name] as (...given: unknown[]) => Promise<unknown>;
    try {
      return (await call(...args)) as never;
    } catch (error) {
      if (this.#client !== client) throw new Killed(`${this.name} was closed`);
      throw new Error(`${this.name}: ${(error as { code?: string }).code}: ${String(error)}`);
    }
  }

  async kill(): Promise<void> {
    this.#client?.connection.cut();
    await this.stop();
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }
}
