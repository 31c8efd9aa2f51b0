// Rooms tell how the user stands in them; each change is kept once, in order, and only then confirmed to the room, which repeats it until then.
import type { ManifestHead } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** A room's word about this user. */
export type StandingMessage = Extract<UserMessage, { kind: 'standing' }>;

/** Keeps a standing that is news; confirms it in any case. An account that does not exist keeps nothing and confirms. */
export function keepStanding(turn: Turn, { replyTo, standing, readableFrom }: StandingMessage): void {
  const { account } = turn;
  const { rooms, user } = account;
  if (account.exists) {
    const isNews = rooms.isNews(standing);
    const before = rooms.mayEnter;
    if (isNews) turn.append({ $case: 'standing', value: { ...standing, readableFrom } });
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
  const devices = [...account.devices.values()];
  const full = devices.filter(({ lanes }) => !lanes.hasRoom(user));
  for (const { number } of full) turn.change((each) => each.setNeedsFullSync(number, true));
  if (full.length < devices.length)
    turn.append({ $case: 'manifest', value: { user, head } }, { device: 0, lane: user });
}
