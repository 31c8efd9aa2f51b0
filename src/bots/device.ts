// The device of a bot in its folder: logged in with the bot's secret the first time, opened ever after. A crash at any moment of the first time leaves a
// folder that the next start finishes or begins anew; a device that once was at work is never replaced, for with it the bot's identity would go.
import { readFileSync } from 'node:fs';
import { logInBot } from '#client/connection/login.ts';
import type { DeviceOptions } from '#client/devices/account.ts';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, hasDevice, openDevice, removeDevice } from '#client/node/device-folder.ts';

/** Which bot, and where. */
export interface BotDevice {
  /** Folder of the device, its own. */
  readonly folder: string;
  /** Address of the provider. */
  readonly server: string;
  /** Name in the provider's setting `bots`. */
  readonly name: string;
  /** File with its secret: `secrets/bot-<name>` of the provider. */
  readonly secretFile: string;
}

/** Opens the bot's device; call `start` of a `Bot` on it. Rejects with LoginError, or as `openDevice`. */
export async function openBot(at: BotDevice, options: DeviceOptions = {}): Promise<LuxchatClient> {
  if (!hasDevice(at.folder)) await logIn(at);
  try {
    return await openDevice(at.folder, { ...options, server: at.server });
  } catch (error) {
    // A login that was not finished: nothing was ever done with this device.
    if (!(error instanceof ClientError) || error.code !== 'LOGIN_NEEDED') throw error;
    removeDevice(at.folder);
    await logIn(at);
    return await openDevice(at.folder, options);
  }
}

async function logIn({ folder, server, name, secretFile }: BotDevice): Promise<void> {
  const secret = readFileSync(secretFile, 'utf8').trim();
  await createDevice(folder, server, await logInBot({ server }, { name, secret, deviceName: `bot ${name}` }));
}
