// Switching an account off and erasing it. Either takes a step-up's grant, which the world looks at, and is one entry of the log: from there on login, backup
// and directory are asked to let go of the account until they confirm it, however often anything dies, and every session ends. A deactivated account is to
// others one whose devices are switched off, and the next login of its person makes it active again; of an erased one a mark is left, and its rooms hear of it, each until it
// confirms.
import { ErasedKind, type ErasedPart, type Grant } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { AccountState } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { receiptNumber } from '#proto/rules/bytes/hash.ts';
import type { ClosingPurpose } from '../kernel/effects.ts';
import type { Requester } from '../kernel/messages.ts';
import { dropDevice } from './devices.ts';
import { checkGrant } from './gathers/grant-check.ts';
import { userLimits } from './limits.ts';
import { dayOf } from './state/account.ts';
import { tellRooms } from './tell-rooms.ts';
import type { Turn } from './turn.ts';

/** Name of the timer after which who has not let go of the account is asked again. */
export const closingTimer = 'closing';

/** What of an account stays for how many days after its erasure; null = for ever. */
const parts: readonly (readonly [ErasedKind, number | null])[] = [
  [ErasedKind.ERASED_KIND_LOGIN, 0],
  [ErasedKind.ERASED_KIND_ACCOUNT, 0],
  [ErasedKind.ERASED_KIND_BACKUP, 0],
  [ErasedKind.ERASED_KIND_LISTING, 0],
  [ErasedKind.ERASED_KIND_INBOX, userLimits.monthGoneDays],
  [ErasedKind.ERASED_KIND_MESSAGES, userLimits.textGoneDays],
  [ErasedKind.ERASED_KIND_FILES, userLimits.filesGoneDays],
  [ErasedKind.ERASED_KIND_REPORTS, userLimits.monthGoneDays],
  [ErasedKind.ERASED_KIND_MEMBERSHIPS, null],
  [ErasedKind.ERASED_KIND_ID, null],
];

/** Has login look at the grant, and closes the account where it counts. */
export function askToClose(
  turn: Turn,
  from: Requester,
  asked: { purpose: ClosingPurpose; grant: Grant | undefined },
): void {
  const { purpose, grant } = asked;
  if (grant === undefined) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  checkGrant(turn, from, {
    shown: { purpose, grant, content: noBytes },
    granted: (later) => close(later, from, { purpose, attempt: grant.attempt }),
  });
}

function close(turn: Turn, from: Requester, by: { purpose: ClosingPurpose; attempt: Uint8Array }): void {
  const { account, desk } = turn;
  const isErased = by.purpose === 'erase';
  const number = receiptNumber(by.attempt, desk.settings.primitives);
  const { ACCOUNT_STATE_DEACTIVATED, ACCOUNT_STATE_ERASED } = AccountState;
  const state = isErased ? ACCOUNT_STATE_ERASED : ACCOUNT_STATE_DEACTIVATED;
  turn.append({ $case: 'accountChanged', value: { state, receipt: isErased ? number : '' } });
  const day = dayOf(account.acceptedMs);
  const receipt = { number, day, parts: parts.map(([kind, days]) => partOf(kind, day, days)) };
  turn.answer(from, isErased ? { $case: 'erasureReceipt', value: receipt } : { $case: 'done', value: {} });
  letGo(turn);
  if (isErased) tellRooms(turn);
}

/** Asks login, backup and directory to let go of a closed account, and again until they did. Its sessions end with its tokens: not before, or they would
 * not hear the answer. Only while the account is this actor's: one that was fenced would end the devices of a person who is back. */
export function letGo(turn: Turn): void {
  const { user, lettingGo, exists } = turn.account;
  if (!lettingGo) return;
  turn.confirm(
    { kind: 'closeAccount', user, purpose: exists ? 'deactivate' : 'erase' },
    { kind: 'startTimer', name: closingTimer, delayMs: userLimits.closingAgainMs },
  );
}

/** They did. Whoever is still connected, wherever, is not any more. */
export function closed(turn: Turn): void {
  const { account } = turn;
  if (!account.lettingGo) return;
  for (const device of [...account.devices.keys(), ...(account.exists ? [] : account.removed)])
    endSession(turn, device);
  turn.note((each) => each.letGo());
}

/** Login says that it ended a device of an account that is closed: the session goes, and the account stays as it is. */
export function confirmEnded(turn: Turn, device: number): void {
  turn.confirm({ kind: 'revokeDevice', user: turn.account.user, device });
  endSession(turn, device);
}

/** The person is back, with a device that is not one of those before: these leave the account, and it is active again. */
export function reactivate(turn: Turn): void {
  turn.append({ $case: 'accountChanged', value: { state: AccountState.ACCOUNT_STATE_UNSPECIFIED, receipt: '' } });
  for (const number of [...turn.account.devices.keys()]) dropDevice(turn, number);
}

function endSession(turn: Turn, device: number): void {
  const { user } = turn.account;
  turn.hold({ kind: 'disconnectDevice', user, device, code: Disconnect.DISCONNECT_LOGGED_OUT });
}

function partOf(kind: ErasedKind, day: number, days: number | null): ErasedPart {
  return { kind, lastDay: days === null ? 0 : day + days };
}
