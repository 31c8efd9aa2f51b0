// UploadCrossSigning: the identity of an account. It is begun once. Then a listed device may put other keys under the same master key, and whoever was there with
// LuxID and SMS just now may begin a new identity, from any device: this is how somebody who lost everything gets their account back.
// The grant is looked at last: what would be refused anyway does not use it up.
import type { UploadCrossSigning } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { concatBytes, equalBytes } from '#proto/rules/bytes/bytes.ts';
import { attemptBytes } from '#proto/rules/bytes/hash.ts';
import { type CrossSigningUsage, isSignedByMaster, readCrossSigningJson } from '#proto/rules/identity/credential.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester } from '../kernel/messages.ts';
import { checkGrant } from './gathers/grant-check.ts';
import type { Turn } from './turn.ts';

/** What an upload is to the account: its first identity, what it has, other keys below its master key, or another identity. */
type Upload = 'first' | 'same' | 'below' | 'other';

/** Takes the three keys, or refuses them: see the contract. */
export function uploadCrossSigning(turn: Turn, from: Requester, upload: UploadCrossSigning): void {
  const found = judge(turn, upload);
  if (typeof found === 'number') turn.reject(from, found);
  else if (found === 'other') startOver(turn, from, upload);
  else if (found === 'below' && !turn.account.isListed(from.device)) turn.reject(from, Rejection.REJECTION_FORBIDDEN);
  else take(turn, from, { upload, isNew: found !== 'same' });
}

function startOver(turn: Turn, from: Requester, upload: UploadCrossSigning): void {
  const { grant } = upload;
  if (grant === undefined) turn.reject(from, Rejection.REJECTION_FORBIDDEN);
  else if (grant.attempt.length !== attemptBytes) turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
  else {
    const content = concatBytes(upload.masterJson, upload.selfSigningJson, upload.userSigningJson);
    const granted = (later: Turn) => takeOther(later, from, upload);
    checkGrant(turn, from, { shown: { purpose: 'identity', grant, content }, granted });
  }
}

/** The account may have changed while login was asked, by the same request of another try for one: so the upload is judged anew. */
function takeOther(turn: Turn, from: Requester, upload: UploadCrossSigning): void {
  const found = judge(turn, upload);
  if (found === 'same' || found === 'other') take(turn, from, { upload, isNew: found === 'other' });
  else turn.reject(from, Rejection.REJECTION_FORBIDDEN);
}

function take(
  turn: Turn,
  from: Requester,
  { upload, isNew }: { readonly upload: UploadCrossSigning; readonly isNew: boolean },
): void {
  if (isNew) {
    const { masterJson, selfSigningJson, userSigningJson } = upload;
    turn.append({ $case: 'crossSigningUploaded', value: { masterJson, selfSigningJson, userSigningJson } });
  }
  turn.answer(from, { $case: 'done', value: {} });
}

// The server checks what readers check again: a client that uploads keys which nobody will believe should hear of it now.
function judge(turn: Turn, upload: UploadCrossSigning): Upload | Rejection {
  const { identity, user } = turn.account;
  const { primitives } = turn.desk.settings;
  const jsons = [upload.masterJson, upload.selfSigningJson, upload.userSigningJson];
  if (jsons.some((json) => json.length > limits.keyJsonBytesMax)) return Rejection.REJECTION_TOO_LARGE;
  const master = readCrossSigningJson(upload.masterJson, 'master');
  const selfSigning = readCrossSigningJson(upload.selfSigningJson, 'self_signing');
  const userSigning = readCrossSigningJson(upload.userSigningJson, 'user_signing');
  if (master?.user !== user || selfSigning?.user !== user || userSigning?.user !== user) {
    return Rejection.REJECTION_BAD_REQUEST;
  }
  const isSameMaster = isKey(identity.masterJson, 'master', master.key);
  const isSame =
    isSameMaster &&
    isKey(identity.selfSigningJson, 'self_signing', selfSigning.key) &&
    isKey(identity.userSigningJson, 'user_signing', userSigning.key);
  if (isSame) return 'same';
  const signed =
    isSignedByMaster(upload.selfSigningJson, master, primitives) &&
    isSignedByMaster(upload.userSigningJson, master, primitives);
  if (!signed) return Rejection.REJECTION_BAD_SIGNATURE;
  if (identity.masterJson.length === 0) return 'first';
  return isSameMaster ? 'below' : 'other';
}

function isKey(json: Uint8Array, usage: CrossSigningUsage, key: Uint8Array): boolean {
  const kept = readCrossSigningJson(json, usage)?.key;
  return kept !== undefined && equalBytes(kept, key);
}
