// A device in a process of its own, driven by lines of JSON: `{id, call, args}` in, `{id, value}` or `{id, error}` out, and `{event, value}`
// unasked. For tests that kill clients: what was promised durable must be there when the next process opens the folder.
import { createInterface } from 'node:readline';
import type { DeviceOptions } from '#client/devices/account.ts';
import { ClientError } from '#client/errors.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { callsOf } from './device-calls.ts';

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function drive(folder: string, options: DeviceOptions): Promise<void> {
  const client = await openDevice(folder, { backoffMaxMs: 300, requestTimeoutMs: 10_000, ...options });
  client.on('alarm', (value) => say({ event: 'alarm', value }));
  client.on('fault', (error) => say({ event: 'fault', value: String(error.stack) }));
  // As an app is told of a new line; own ones change their state.
  client.on('item', ({ room, id, kind, own }) => {
    if (kind === 'message' && !own) say({ event: 'item', value: `${room} ${id}` });
  });
  client.on('ended', ({ code }) => say({ event: 'ended', value: code }));
  await client.start();
  say({ event: 'started' });
  const calls: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = callsOf(client);
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, call, args } = JSON.parse(line) as { id: number; call: string; args: never[] };
    const work = calls[call];
    if (!work) throw new Error(`the driver does not know ${call}`);
    work(...args).then(
      (value) => say({ id, value: value ?? null }),
      (error) => {
        if (!(error instanceof ClientError)) throw error;
        say({ id, error: `${error.code}: ${error.message}` });
      },
    );
  }
}

await drive(process.argv[2] as string, JSON.parse(process.argv[3] ?? '{}') as DeviceOptions);
