// Rooms tell how the user stands in them; each change is kept, in order, and only then confirmed to the room, which repeats it until then. Devices hear
// of it by an entry. Of what others change these are metered: beyond, the account takes the change at once and devices hear of the newest later.
import { AccountState, type ManifestHead, type RoomStanding } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { appendInLane } from './lane.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Name of the timer after which devices hear of what they were not told at once. */
export const standingsTimer = 'standings';

/** A room's word about this user. */
export type StandingMessage = Extract<UserMessage, { kind: 'standing' }>;

/** Keeps a standing that is news, and confirms it in any case. An account that does not exist keeps nothing. */
export function keepStanding(turn: Turn, { replyTo, standing, readableFrom }: StandingMessage): void {
  const { account } = turn;
  const { rooms, user } = account;
  if (account.exists) {
    const isNews = rooms.isNews(standing);
    const before = mayEnter(turn);
    if (isNews) keep(turn, { ...standing, readableFrom });
    const after = mayEnter(turn);
    // A repeat says that the confirmation was lost, and perhaps this word to the sessions with it.
    if (after !== before || !isNews)
      turn.hold({ kind: 'tellSessions', user, message: { kind: 'mayEnter', mayEnter: after } });
  }
  const { controlNumber } = standing;
  const fingerprint = account.manifest?.body.masterKey ?? noBytes;
  const erased = account.state === AccountState.ACCOUNT_STATE_ERASED;
  turn.hold({ kind: 'send', to: replyTo, message: { kind: 'standingKept', user, controlNumber, fingerprint, erased } });
}

/** May the user be in one more room? A bot talks with more people than anybody else. */
export function mayEnter({ account, desk }: Turn): boolean {
  return account.rooms.mayEnter(desk.settings.isBot(account.user) ? limits.botRoomsMax : limits.roomsMax);
}

/** Tells devices what they have not heard yet, as far as those who changed it may now, and sets the timer for the rest. */
export function tellDue(turn: Turn): void {
  for (const standing of turn.account.due()) if (waitMsOf(turn, standing) === 0) tellDevices(turn, standing);
  const waits = turn.account.due().map((standing) => waitMsOf(turn, standing));
  if (waits.length > 0) turn.emit({ kind: 'startTimer', name: standingsTimer, delayMs: Math.min(...waits) });
}

/** Someone else published a manifest: a notice in that person's lane. Where a device's lane is full it is told to sync in full instead. */
export function keepNotice(turn: Turn, { user, head }: { user: string; head: ManifestHead }): void {
  const { account } = turn;
  const { noticed } = turn.desk;
  if (!account.exists || user === account.user || head.version <= (noticed.get(user) ?? 0)) return;
  if (noticed.size >= userLimits.noticedMax) noticed.clear();
  noticed.set(user, head.version);
  const body = { $case: 'manifest', value: { user, head } } as const;
  appendInLane(turn, [...account.devices.values()], { to: { device: 0, lane: user }, body });
}

function keep(turn: Turn, standing: RoomStanding): void {
  if (turn.account.hides(standing)) {
    // Told when it is hidden no more, if it is so then.
    takeWithoutEntry(turn, standing, { due: true });
    return;
  }
  if (waitMsOf(turn, standing) === 0) {
    tellDevices(turn, standing);
    return;
  }
  takeWithoutEntry(turn, standing, { due: true });
  turn.emit({ kind: 'count', counter: 'user.standings.later', by: 1 });
  tellDue(turn);
}

// How long until devices may hear of it? What the user does is limited where they do it.
function waitMsOf({ account, now }: Turn, { byUser }: RoomStanding): number {
  return byUser === account.user ? 0 : account.buckets.waitMs('standing', 1, { now, of: byUser });
}

// In the lane of who changed it. Where no device has room there, the list of rooms alone shows it: they were told to look at everything.
function tellDevices(turn: Turn, standing: RoomStanding): void {
  const { account } = turn;
  const body = { $case: 'standing', value: standing } as const;
  if (standing.byUser === account.user) turn.append(body);
  else {
    const to = { device: 0, lane: standing.byUser };
    const isTold = appendInLane(turn, [...account.devices.values()], { to, body });
    if (!isTold) takeWithoutEntry(turn, standing, { due: false });
  }
}

function takeWithoutEntry(turn: Turn, standing: RoomStanding, { due }: { due: boolean }): void {
  const at = Math.max(turn.account.acceptedMs, turn.now);
  turn.change((account) => account.stand(standing, at, { due }));
}
