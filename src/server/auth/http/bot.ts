// POST /auth/bot: a device for a bot that shows its secret. README.md of the folder above is its manual.
import { botId, botNameShape, opensBot } from '../bots.ts';
import { isRefusal, refuse } from '../codes.ts';
import type { AuthRequest } from './request.ts';
import { json } from './request.ts';
import { type Answered, anyToken, type Desk, deviceNameShape } from './routes.ts';
import { readFields } from './shape.ts';

/** Adds a device to the bot's account, which begins with the first one. */
export async function bot(desk: Desk, request: AuthRequest): Answered {
  const { devices, store, limits, log, provider, door } = desk;
  const shape = {
    name: { shape: botNameShape },
    secret: { shape: anyToken },
    deviceName: { shape: deviceNameShape(limits) },
  };
  const fields = readFields(request, shape, limits.bodyBytesMax);
  if (isRefusal(fields)) return fields;
  const { name, secret, deviceName } = fields;
  if (!opensBot({ name, secret }, door)) {
    log.warn('auth.bot-refused');
    return refuse('LOGIN_INVALID');
  }
  const userId = botId(name, provider);
  // No person can pick the id afterwards; one who had it before the bot was configured keeps it.
  await store.reserveUserId(userId);
  if (((await store.readDevices(userId))?.subjectHash ?? '') !== '') {
    log.warn('auth.bot-is-person');
    return refuse('LOGIN_INVALID');
  }
  // A bot that died before it kept its tokens comes again, as often as it dies: those tokens must not take its places.
  await devices.removeUnused(userId);
  const device = await devices.add({ userId, subjectHash: '', deviceName });
  if (isRefusal(device)) return device;
  log.info('auth.bot-login');
  return json(200, { ...device, firstLogin: device.deviceNumber === 1 });
}
