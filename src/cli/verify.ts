// `luxchat verify`: two own devices compare seven emoji. The new device asks, the confirmed one answers; either may begin.
import { createInterface } from 'node:readline/promises';
import { ClientError } from '#client/errors.ts';
import type { VerificationInfo } from '#client/shown.ts';
import type { Session } from './commands.ts';

/** Runs one verification to its end. `--json` prints each state and reads `yes` or `no` from stdin. */
export async function verify({ client, args, out }: Session): Promise<void> {
  await client.synced();
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const done = settled(client);
    const waiting = client.verifications().find((one) => one.incoming && one.state === 'requested');
    if (waiting) await client.acceptVerification(waiting.id);
    else {
      client.on('verification', (info) => {
        if (info.incoming && info.state === 'requested') void client.acceptVerification(info.id).catch(() => {});
      });
      const confirmed = (await client.devices()).find((device) => device.current)?.confirmed;
      if (!confirmed || args.rest[0]) await client.requestVerification(args.rest[0]);
      else out.note('Waiting: now run verify on the other device, with the profile or folder of that one …');
    }
    const shown = await client.once('verification', (info) => info.state === 'emoji' || info.state === 'cancelled');
    if (shown.state === 'emoji') await decide(shown);
    const end = await done;
    if (end.state === 'cancelled') throw new ClientError('REJECTED', 'The verification was cancelled.');
    await listed(end.deviceId);
    out.say({ type: 'verification', ...end }, 'Confirmed. What is written from now on can be read here.');
  } finally {
    lines.close();
  }

  async function decide(info: VerificationInfo): Promise<void> {
    const emoji = info.emoji.map(({ symbol, name }) => `${symbol} ${name}`).join('   ');
    out.say({ type: 'verification', ...info }, '', `  ${emoji}`, '');
    const answer = await lines.question(out.json ? '' : 'Does the other device show the same seven? (yes/no) ');
    if (/^y(es)?$/i.test(answer.trim())) await client.confirmVerification(info.id);
    else await client.cancelVerification(info.id);
  }

  /** Listing takes a moment after the comparison: the confirmed side signs the new list of devices. */
  async function listed(other: string): Promise<void> {
    const missing = async () =>
      (await client.devices()).some(
        (device) => !device.confirmed && [client.deviceId, other].includes(device.deviceId),
      );
    for (let attempt = 0; attempt < 100 && (await missing()); attempt++)
      await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function settled(client: Session['client']): Promise<VerificationInfo> {
  return client.once('verification', (info) => info.state === 'done' || info.state === 'cancelled');
}
