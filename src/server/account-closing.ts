// The end of an account, over the parts of a node that keep something of it: login, directory and backup let go of it, and nothing comes back behind them. A
// request that was under way when its device ended may write last: then what it wrote is taken back. So of an erased account neither a listing nor a
// backup is left, and of a deactivated one no listing, unless the process dies between the two.
import { type ClosingPurpose, rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody, ServedRequest } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Auth } from './auth/auth.ts';
import type { Backups } from './backup/backups.ts';
import type { Directory } from './directory/directory.ts';
import type { Serve, Served } from './serving.ts';

/** What keeps something of an account. */
export interface AccountParts {
  /** Login, once it runs. */
  readonly login: () => Promise<Pick<Auth, 'endDevices' | 'eraseAccount' | 'standing'>>;
  readonly directory: Pick<Directory, 'erase'>;
  readonly backups: Pick<Backups, 'erase'>;
}

/** Has them let go of a closed account. Safe to repeat; rejects where one of them could not. */
export async function closeAccount(parts: AccountParts, user: string, purpose: ClosingPurpose): Promise<void> {
  // First, so that no session brings the rest back.
  const login = await parts.login();
  await (purpose === 'erase' ? login.eraseAccount(user) : login.endDevices(user));
  await parts.directory.erase(user);
  if (purpose === 'erase') await parts.backups.erase(user);
}

/** Answers as `serve` does, but for a device that ended meanwhile and wrote something: that is taken back, and the answer is NOT_LOGGED_IN. */
export async function answerOpen(parts: AccountParts, request: Served, serve: Serve): Promise<AnswerBody> {
  if (!outlives(request.body)) return await serve(request);
  const answer = await serve(request).catch(async (failure: unknown) => {
    // What was asked may have been done.
    await takeBack(parts, request);
    throw failure;
  });
  if (answer.$case !== 'done') return answer;
  return (await takeBack(parts, request)) ? rejected(Rejection.REJECTION_NOT_LOGGED_IN) : answer;
}

/** Does it make something that was not there, which closing could have gone past? Everything else rests on what closing takes away. */
function outlives({ $case }: ServedRequest): boolean {
  return $case === 'setListing' || $case === 'createBackup';
}

/** True where the device has ended. A backup goes with its account alone: the person of one that was deactivated finds it again. */
async function takeBack({ login, directory, backups }: AccountParts, { user, device, body }: Served): Promise<boolean> {
  const standing = await (await login()).standing(user, device);
  if (standing === 'live') return false;
  if (body.$case === 'setListing') await directory.erase(user);
  else if (standing === 'erased') await backups.erase(user);
  return true;
}
