// PublishManifest: the list of devices that may get keys and write, signed by one of them, each one above the one before. Once it is covered
// the sessions hear whether they may write, the rooms hear that the user's identity moved, and a device that was left out is logged out.

import { Rejection } from '#proto/gen/codes.ts';
import type { DeviceManifest } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { readCrossSigningJson, readDeviceJson } from '#proto/rules/identity/credential.ts';
import {
  followManifest,
  type KnownManifest,
  type ManifestFault,
  manifestHead,
} from '#proto/rules/identity/manifest.ts';
import { rejected } from '../kernel/effects.ts';
import type { AnswerBody, Requester } from '../kernel/messages.ts';
import { dropDevice } from './devices.ts';
import { introduce } from './newcomers.ts';
import type { Account, Published } from './state/account.ts';
import { tellRooms } from './tell-rooms.ts';
import type { Turn } from './turn.ts';

/** Takes the next manifest; the newest one again is Done. Refusals: STALE_MANIFEST (with the newest head) for any other version or history,
 *  BAD_SIGNATURE, FORBIDDEN for another identity than the account's, NOT_FOUND for a device that the account has not (with these keys). */
export function publishManifest(turn: Turn, from: Requester, manifest: DeviceManifest | undefined): void {
  const { account } = turn;
  const { primitives } = turn.desk.settings;
  if (manifest === undefined) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const waitMs = turn.desk.buckets.take('manifest', 1, turn.now);
  if (waitMs > 0) {
    turn.answer(from, rejected(Rejection.REJECTION_RATE_LIMITED, waitMs));
    return;
  }
  const before = account.manifest;
  const known = before === undefined ? null : { body: before.body, hash: account.manifestHead.hash };
  const result = followManifest(known, manifest, { user: account.user, primitives });
  if (result.known === undefined) {
    turn.answer(from, refusal(account, result.invalid));
    return;
  }
  const next = result.known;
  if (known === null && next.body.version !== 1) {
    turn.answer(from, refusal(account, 'GAP'));
    return;
  }
  if (known !== null && next.body.version === known.body.version) {
    // A repeat says that the answer was lost, and perhaps the word to the sessions with it.
    tellDevices(turn, before);
    turn.answer(from, { $case: 'done', value: {} });
    return;
  }
  const code = disagreement(account, next);
  if (code !== null) {
    turn.reject(from, code);
    return;
  }

  turn.append({ $case: 'manifestPublished', value: { manifest, head: manifestHead(next) } });
  turn.answer(from, { $case: 'done', value: {} });
  tellDevices(turn, before);
  turn.desk.toldRooms.clear();
  tellRooms(turn);
  introduce(turn);
}

// A device that was left out is logged out; one that was never in hears which manifest it is to wait beyond.
function tellDevices(turn: Turn, before: Published | undefined): void {
  const { account } = turn;
  const { user, manifestHead: manifest } = account;
  for (const { number } of before?.body.devices ?? []) if (!account.isListed(number)) dropDevice(turn, number);
  for (const device of account.devices.keys()) {
    const message = { kind: 'mayWrite', mayWrite: account.isListed(device), manifest } as const;
    turn.hold({ kind: 'tellSessions', user, device, message });
  }
}

// The manifest must name what the account holds: its cross-signing identity, and its devices with the keys that they uploaded.
function disagreement(account: Account, { body }: KnownManifest): Rejection | null {
  const master = readCrossSigningJson(account.identity.masterJson, 'master');
  const selfSigning = readCrossSigningJson(account.identity.selfSigningJson, 'self_signing');
  if (master === null || selfSigning === null) return Rejection.REJECTION_FORBIDDEN;
  if (!equalBytes(master.key, body.masterKey) || !equalBytes(selfSigning.key, body.selfSigningKey)) {
    return Rejection.REJECTION_FORBIDDEN;
  }
  for (const { number, id, signingKey, identityKey } of body.devices) {
    const device = account.devices.get(number);
    const claim = device === undefined ? null : readDeviceJson(device.keys.deviceJson);
    const same =
      device?.id === id &&
      claim !== null &&
      equalBytes(claim.signingKey, signingKey) &&
      equalBytes(claim.identityKey, identityKey);
    if (!same) return Rejection.REJECTION_NOT_FOUND;
  }
  return null;
}

function refusal(account: Account, fault: ManifestFault): AnswerBody {
  switch (fault) {
    case 'STALE':
    case 'GAP':
    case 'FORK': {
      const code = Rejection.REJECTION_STALE_MANIFEST;
      return {
        $case: 'rejected',
        value: { code, retryAfterMs: 0, control: undefined, manifest: account.manifestHead },
      };
    }
    case 'BAD_SIGNATURE':
    case 'WRONG_CREDENTIAL':
    case 'WRONG_SIGNER':
      return rejected(Rejection.REJECTION_BAD_SIGNATURE);
    default:
      return rejected(Rejection.REJECTION_BAD_REQUEST);
  }
}
