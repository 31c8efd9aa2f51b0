// The cast of a test file about the terminal client: a provider, one person's folder on which commands are run, and devices of others in this
// process. All of it is gone when the tests are over.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import type { DeviceOptions } from '#client/devices/account.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { ProviderProcess } from '#server/test/harness.ts';
import { type Ran, runHere } from './program.ts';

/** What there is once the tests run. */
export interface Stage {
  readonly provider: ProviderProcess;
  /** Runs a command as the person. */
  run(...args: readonly string[]): Promise<Ran>;
  /** Logs somebody in, whose device is in step with the server then. */
  device(user: string, options?: DeviceOptions): Promise<LuxchatClient>;
}

/** Sets it up before the tests of this file, with this person at the terminal. */
export function stage(person: string): Stage {
  const open: LuxchatClient[] = [];
  let provider: ProviderProcess;
  let folder = '';
  beforeAll(async () => {
    provider = await ProviderProcess.start();
    folder = await provider.login(person);
  });
  afterAll(async () => {
    await Promise.all(open.map((client) => client.close()));
    await provider?.remove();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });
  return {
    get provider() {
      return provider;
    },
    run: (...args) => runHere(folder, args),
    device: async (user, options) => {
      const client = await provider.device(user, `${user}'s`, options);
      open.push(client);
      return client;
    },
  };
}
