// `luxchat verify`: two own devices compare seven emoji or, with --qr, one reads the code that the other one shows: through a camera, or as a text where there
// is none. The new device asks, the confirmed one answers; either may begin.
import { createInterface } from 'node:readline/promises';
import { ClientError } from '#client/errors.ts';
import type { VerificationInfo } from '#client/shown.ts';
import { isYes } from './agreed.ts';
import { withDeadline } from './deadline.ts';
import { qrLines } from './qr-code.ts';
import type { Session } from './session.ts';

/** Runs one verification to its end. `--json` prints each state and reads `yes` or `no` from stdin. */
export async function verify({ client, args, out }: Session): Promise<void> {
  await client.synced();
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const done = settled(client);
    // Before anything is accepted: a code is there at once.
    const comparison = client.once(
      'verification',
      ({ state, code }) => state === 'emoji' || state === 'cancelled' || code !== undefined,
    );
    const waiting = client.verifications().find((one) => one.incoming && one.state === 'requested');
    if (waiting) await client.acceptVerification(waiting.id);
    else {
      client.on('verification', (info) => {
        // The other device may ask again.
        if (info.incoming && info.state === 'requested')
          client.acceptVerification(info.id).catch((error: unknown) => out.fail(error));
      });
      const devices = await client.devices();
      const confirmed = devices.find((device) => device.current)?.confirmed;
      if (confirmed && devices.length === 1)
        throw new ClientError('UNKNOWN', 'You have no other device. Log in on one, and run verify there and here.');
      if (!confirmed || args.rest[0]) await client.requestVerification(args.rest[0], args.qr ? 'code' : 'emoji');
      else out.note('Waiting: now run verify on the other device, with the profile or folder of that one …');
    }
    const late = 'Nobody ran verify on the other device in that time.';
    const shown = args.isTimeoutGiven ? await withDeadline(comparison, args.timeoutMs, late) : await comparison;
    if (shown.state === 'emoji') await decide(shown);
    else if (shown.code) await byCode(shown, shown.code);
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
    if (isYes(answer)) await client.confirmVerification(info.id);
    else await client.cancelVerification(info.id);
  }

  /** Shows the code, and takes what the other device shows where it is typed. Whoever shows it has to say that the other one has scanned it. */
  async function byCode({ id, ...info }: VerificationInfo, code: Uint8Array): Promise<void> {
    const text = Buffer.from(code).toString('base64');
    const hint = 'Scan this with the other device. Or type here what the other one shows as text:';
    out.say({ type: 'verification', id, ...info, code: text }, ...qrLines(code), text, hint);
    const moved = client.once('verification', ({ state }) => ['scanned', 'done', 'cancelled'].includes(state));
    const given = new AbortController();
    // Where nobody can type, or need not any more, it is the other device that moves.
    const typed = lines.question('', { signal: given.signal }).catch(() => moved);
    const first = await Promise.race([typed, moved]);
    given.abort();
    if (typeof first === 'string') {
      await client.scanVerification(id, new Uint8Array(Buffer.from(first.trim(), 'base64')));
    } else if (first.state === 'scanned') {
      out.say({ type: 'verification', ...first });
      const answer = await lines.question(
        out.json ? '' : 'Does the other device say that it has scanned this? (yes/no) ',
      );
      if (isYes(answer)) await client.confirmVerification(id);
      else await client.cancelVerification(id);
    }
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
