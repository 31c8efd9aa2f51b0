// Rooms tell how the user stands in them; each change is kept once, in order, and only then confirmed to the room, which repeats it until then. What
// others change is metered: beyond, nothing is kept or confirmed, so the room tells it again later, and by then only the newest.
import type { ManifestHead, RoomStanding } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { appendInLane } from './lane.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** A room's word about this user. */
export type StandingMessage = Extract<UserMessage, { kind: 'standing' }>;

/** Keeps a standing that is news, and confirms it unless it came too soon. An account that does not exist keeps nothing and confirms. */
export function keepStanding(turn: Turn, { replyTo, standing, readableFrom }: StandingMessage): void {
  const { account } = turn;
  const { rooms, user } = account;
  if (account.exists) {
    const isNews = rooms.isNews(standing);
    if (isNews && isTooSoon(turn, standing)) {
      turn.emit({ kind: 'count', counter: 'user.standings.later', by: 1 });
      return;
    }
    const before = rooms.mayEnter;
    if (isNews) keep(turn, { ...standing, readableFrom });
    const { mayEnter } = rooms;
    // A repeat says that the confirmation was lost, and perhaps this word to the sessions with it.
    if (mayEnter !== before || !isNews)
      turn.hold({ kind: 'tellSessions', user, message: { kind: 'mayEnter', mayEnter } });
  }
  const { controlNumber } = standing;
  const fingerprint = account.manifest?.body.masterKey ?? noBytes;
  turn.hold({ kind: 'send', to: replyTo, message: { kind: 'standingKept', user, controlNumber, fingerprint } });
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

// Does this one change too much? What the user does is limited where they do it.
function isTooSoon({ account, now }: Turn, { byUser }: RoomStanding): boolean {
  return byUser !== account.user && account.buckets.waitMs('standing', 1, { now, of: byUser }) > 0;
}

// In the lane of who changed it. Where no device has room there, the list of rooms alone shows it: they were told to look at everything.
function keep(turn: Turn, standing: RoomStanding): void {
  const { account } = turn;
  const body = { $case: 'standing', value: standing } as const;
  if (standing.byUser === account.user) {
    turn.append(body);
    return;
  }
  const to = { device: 0, lane: standing.byUser };
  if (appendInLane(turn, [...account.devices.values()], { to, body })) return;
  const at = Math.max(account.acceptedMs, turn.now);
  turn.change((each) => each.stand(standing, at));
}
