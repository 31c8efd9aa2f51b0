// A session with a proven token says hello: its device is known or added, an older session of the same device ends, and the session hears
// where it stands. The first hello of a user creates the account, and one of a new device makes a deactivated account active again. Logged out again are removed
// and eleventh devices, those from before the account was deactivated, and all of an erased one; while login still lets go of an account, everybody waits.
import type { Welcome } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { sessionAddress } from '../kernel/address.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { reactivate } from './closing.ts';
import { consentOf } from './invited.ts';
import { userLimits } from './limits.ts';
import { isNewcomer } from './newcomers.ts';
import { mayEnter } from './rooms.ts';
import { type Device, dayOf } from './state/account.ts';
import type { Turn } from './turn.ts';

/** What a hello says. */
export type Hello = Extract<UserMessage, { kind: 'hello' }>;

/** Welcomes the session or ends it (LOGGED_OUT, and the device's tokens with it). */
export function greet(turn: Turn, hello: Hello): void {
  const { user, exists, lettingGo } = turn.account;
  if (exists && lettingGo) {
    // Login has not ended the devices of before yet, and could take a new one for one of them.
    const { retryAfterMs } = userLimits;
    const code = Disconnect.DISCONNECT_BUSY;
    turn.hold({ kind: 'disconnect', session: hello.session, code, retryAfterMs });
    return;
  }
  const wasOpen = turn.account.isOpen;
  const device = admit(turn, hello);
  if (device === null) {
    turn.confirm(
      { kind: 'revokeDevice', user, device: hello.device },
      { kind: 'disconnect', session: hello.session, code: Disconnect.DISCONNECT_LOGGED_OUT, retryAfterMs: 0 },
    );
    return;
  }
  const day = dayOf(turn.now);
  turn.change((account) => account.setLastSeen(device.number, day));
  turn.change((account) => account.expire(device.number, turn.desk.floor));
  turn.confirm(
    {
      kind: 'disconnectDevice',
      user,
      device: device.number,
      code: Disconnect.DISCONNECT_REPLACED,
      except: hello.session,
    },
    { kind: 'join', session: hello.session, audience: { user } },
    {
      kind: 'send',
      to: sessionAddress(hello.session),
      message: {
        kind: 'welcomed',
        body: { $case: 'welcome', value: { ...welcome(turn, device), reactivated: !wasOpen } },
        mayWrite: turn.account.isListed(device.number),
        manifest: turn.account.manifestHead,
        mayEnter: mayEnter(turn),
        consent: consentOf(turn),
      },
    },
  );
}

function admit(turn: Turn, hello: Hello): Device | null {
  const { account } = turn;
  const known = account.devices.get(hello.device);
  if (!account.isOpen) {
    // Of an erased account nothing comes back, and of a deactivated one none of the devices that it had.
    if (!account.exists || known !== undefined || account.removed.includes(hello.device)) return null;
    reactivate(turn);
  } else if (known !== undefined) return known;
  if (account.removed.includes(hello.device) || account.devices.size >= limits.devicesMax) return null;
  turn.append({
    $case: 'deviceChanged',
    value: {
      device: hello.device,
      id: hello.deviceId,
      name: hello.deviceName,
      removed: false,
      newcomer: isNewcomer(turn),
    },
  });
  return account.devices.get(hello.device) ?? null;
}

function welcome({ account, desk, now }: Turn, device: Device): Omit<Welcome, 'reactivated'> {
  return {
    user: account.user,
    device: device.number,
    deviceId: device.id,
    serverMs: now,
    frameBytesMax: limits.frameBytesMax,
    bodyBytesMax: limits.bodyBytesMax,
    requestsMax: limits.requestsMax,
    heartbeatSeconds: desk.settings.heartbeatSeconds,
    inboxHead: account.seq,
    inboxCursor: device.cursor,
    needsFullSync: device.needsFullSync,
    keys: device.keys.counts(),
    manifest: account.manifestHead,
  };
}
