// Signatures that the crypto library made over own objects: a verified device signs a new one, a new one signs the master key. Only
// signatures by this user on the own master key and own devices are kept. The server verifies none (readers do) but guards that a device
// nobody verified can't replace what verified ones said.
import { Rejection } from '#proto/gen/codes.ts';
import type { ObjectSignature } from '#proto/gen/record.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { type JsonObject, objectAt, parseJsonObject } from '#proto/rules/bytes/json.ts';
import { readCrossSigningJson } from '#proto/rules/identity/credential.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Uploading } from './keys.ts';
import { userLimits } from './limits.ts';
import type { Account, Device } from './state/account.ts';
import { signaturesBy, withSignatures } from './state/signed-json.ts';
import type { Turn } from './turn.ts';

const keyIdShape = /^ed25519:[A-Za-z0-9+/]{1,64}$/;
const signatureShape = /^[A-Za-z0-9+/]{86}$/;

/** Keeps what is kept by the rules above; Done also where that is nothing. TOO_LARGE where an object would outgrow its limit. */
export function uploadSignatures(turn: Turn, { from, device }: Uploading, json: Uint8Array): void {
  if (json.length > limits.signaturesBytesMax) {
    turn.reject(from, Rejection.REJECTION_TOO_LARGE);
    return;
  }
  const upload = parseJsonObject(json, limits.signaturesBytesMax);
  if (upload === null) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const { account } = turn;
  const own = objectAt(upload, account.user) ?? new Map();
  const signatures: ObjectSignature[] = [];
  for (const name of own.keys()) {
    const target = targetOf(account, name);
    const signed = objectAt(own, name);
    if (target === null || signed === null) continue;
    const added = usable(account, { signer: device, target: target.device }, signed);
    const merged = withSignatures(target.json, account.user, added);
    const bytesMax = target.device === 0 ? limits.keyJsonBytesMax : userLimits.deviceJsonBytesMax;
    if (merged.length > bytesMax) {
      turn.reject(from, Rejection.REJECTION_TOO_LARGE);
      return;
    }
    const before = signaturesIn(target.json, account.user);
    for (const [keyId, signature] of added) {
      if (before.get(keyId) !== signature) signatures.push({ device: target.device, keyId, signature });
    }
  }
  if (signatures.length > 0) turn.append({ $case: 'signaturesAdded', value: { signatures } });
  turn.answer(from, { $case: 'done', value: {} });
}

interface Target {
  /** Device number, 0 = the master key. */
  readonly device: number;
  readonly json: Uint8Array;
}

// An object is named by its device id or, for the master key, by the public key itself.
function targetOf(account: Account, name: string): Target | null {
  const master = readCrossSigningJson(account.identity.masterJson, 'master');
  if (master !== null && name === toBase64(master.key)) return { device: 0, json: account.identity.masterJson };
  for (const { number, id, keys } of account.devices.values()) {
    if (id === name && keys.deviceJson.length > 0) return { device: number, json: keys.deviceJson };
  }
  return null;
}

function usable(
  account: Account,
  { signer, target }: { signer: Device; target: number },
  signed: JsonObject,
): Map<string, string> {
  const trusted = account.manifest === undefined || account.isListed(signer.number) || target === signer.number;
  const own = `ed25519:${signer.id}`;
  const kept = new Map<string, string>();
  for (const [keyId, signature] of signaturesBy(signed, account.user)) {
    const may = trusted || (target === 0 && keyId === own);
    if (may && keyIdShape.test(keyId) && signatureShape.test(signature)) kept.set(keyId, signature);
  }
  return kept;
}

function signaturesIn(json: Uint8Array, user: string): Map<string, string> {
  const object = parseJsonObject(json);
  return object === null ? new Map() : signaturesBy(object, user);
}
