// A device's public keys: uploaded once and never changed but for signatures that are added; one-time keys, stocked and given away exactly once, and then the
// fallback key. A claim is an entry of the inbox, and its key leaves this actor only when that entry is covered, so no crash gives it twice.
import type { ClaimedKey, OneTimeKey, UploadKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { KeysUploaded } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { parseJsonObject } from '#proto/rules/bytes/json.ts';
import { isSignedByItself, readDeviceJson } from '#proto/rules/identity/credential.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import type { Device } from './state/account.ts';
import type { KnownKey } from './state/device-keys.ts';
import { signaturesBy, withSignatures } from './state/signed-json.ts';
import type { Turn } from './turn.ts';

/** Who uploads. */
export interface Uploading {
  readonly from: Requester;
  readonly device: Device;
}

const keyIdShape = /^signed_curve25519:[A-Za-z0-9+/=_-]+$/;

/** Stocks a device's keys; answers with what is in stock. Nothing of a refused upload is kept. */
export function uploadKeys(turn: Turn, { from, device }: Uploading, upload: UploadKeys): void {
  const news = checkUpload(turn, device, upload);
  if (typeof news === 'number') {
    turn.reject(from, news);
    return;
  }
  if (news.deviceJson.length + news.oneTimeKeys.length + news.fallbackKeys.length > 0) {
    turn.append({ $case: 'keysUploaded', value: news });
  }
  turn.answer(from, { $case: 'keyCounts', value: device.keys.counts() });
}

/** Gives one key of each of these devices away; a device without any is left out. */
export function claimKeys(turn: Turn, devices: readonly number[]): ClaimedKey[] {
  const { account } = turn;
  const claimed: ClaimedKey[] = [];
  for (const number of new Set(devices)) {
    const device = account.devices.get(number);
    const next = device?.keys.next();
    if (device === undefined || next === undefined || next === null) continue;
    const { keyId, key } = next.key;
    if (!next.used) {
      turn.append({ $case: 'keyClaimed', value: { device: number, keyId, fallback: next.fallback } });
      if (next.fallback || isTold(device.keys.left)) turn.heard = true;
    }
    claimed.push({ user: account.user, device: number, deviceId: device.id, keyId, key });
  }
  return claimed;
}

// At how many keys left does their device hear of it? Not at each below: whoever claims must not be able to wake devices at will.
function isTold(left: number): boolean {
  return left === userLimits.oneTimeKeysLow - 1 || left === 0;
}

// What of an upload is new, or why it is refused.
function checkUpload(turn: Turn, device: Device, upload: UploadKeys): KeysUploaded | Rejection {
  const deviceJson = checkDeviceJson(turn, device, upload.deviceJson);
  if (typeof deviceJson === 'number') return deviceJson;
  const oneTimeKeys = checkKeys(upload.oneTimeKeys, (key) => device.keys.knows(key));
  if (typeof oneTimeKeys === 'number') return oneTimeKeys;
  if (upload.fallbackKeys.length > 1) return Rejection.REJECTION_BAD_REQUEST;
  const fallbackKeys = checkKeys(upload.fallbackKeys, (key) => device.keys.knowsFallback(key));
  if (typeof fallbackKeys === 'number') return fallbackKeys;
  if (device.keys.left + oneTimeKeys.length > limits.oneTimeKeysMax) return Rejection.REJECTION_LIMIT_REACHED;
  return { device: device.number, deviceJson, oneTimeKeys, fallbackKeys };
}

// The JSON to keep: empty where nothing changes. Signatures that came later, from another device, stay when the device uploads itself again.
function checkDeviceJson(turn: Turn, device: Device, json: Uint8Array): Uint8Array | Rejection {
  if (json.length === 0) return noBytes;
  if (json.length > userLimits.deviceJsonBytesMax) return Rejection.REJECTION_TOO_LARGE;
  const claim = readDeviceJson(json);
  const { user } = turn.account;
  if (claim === null || claim.user !== user || claim.deviceId !== device.id) return Rejection.REJECTION_BAD_REQUEST;
  if (!isSignedByItself(json, turn.desk.settings.primitives)) return Rejection.REJECTION_BAD_SIGNATURE;
  const kept = readDeviceJson(device.keys.deviceJson);
  if (kept === null) return json;
  if (!equalBytes(kept.signingKey, claim.signingKey) || !equalBytes(kept.identityKey, claim.identityKey)) {
    return Rejection.REJECTION_FORBIDDEN;
  }
  const older = signaturesOf(device.keys.deviceJson, user);
  const merged = withSignatures(json, user, new Map([...older, ...signaturesOf(json, user)]));
  if (merged.length > userLimits.deviceJsonBytesMax) return Rejection.REJECTION_TOO_LARGE;
  return equalBytes(merged, device.keys.deviceJson) ? noBytes : merged;
}

function signaturesOf(json: Uint8Array, user: string): Map<string, string> {
  const object = parseJsonObject(json);
  return object === null ? new Map() : signaturesBy(object, user);
}

// The keys that are not here yet, or why the upload is refused.
function checkKeys(uploaded: readonly OneTimeKey[], knows: (key: OneTimeKey) => KnownKey): OneTimeKey[] | Rejection {
  const added = new Map<string, OneTimeKey>();
  for (const { keyId, key } of uploaded) {
    if (keyId.length > limits.keyIdCharactersMax || !keyIdShape.test(keyId) || key.length === 0) {
      return Rejection.REJECTION_BAD_REQUEST;
    }
    if (key.length > limits.oneTimeKeyBytesMax) return Rejection.REJECTION_TOO_LARGE;
    const twice = added.get(keyId);
    const known = knows({ keyId, key });
    if (known === 'other' || (twice !== undefined && !equalBytes(twice.key, key))) {
      return Rejection.REJECTION_BAD_REQUEST;
    }
    if (known === 'new') added.set(keyId, { keyId, key });
  }
  return [...added.values()];
}
