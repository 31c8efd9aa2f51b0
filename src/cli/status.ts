// `luxchat status`: what speaks against what this device shows, and how its messages are kept. Read from what lasts: a run that has just begun was warned of nothing yet.
import type { TroubleCause } from '#client/alarms.ts';
import type { Doubts, NotedAlarm } from '#client/doubts.ts';
import type { SecurityState } from '#client/shown.ts';
import { alarmWords } from './alarms.ts';
import { fullSentences } from './full-backup.ts';
import { unheardSentence } from './heard.ts';
import { dayText } from './sentences.ts';
import type { Session } from './session.ts';
import { troubleWords } from './troubles.ts';

/** Runs the command. */
export async function status({ client, args, out }: Session): Promise<void> {
  const [doubts, security, counters] = [await client.doubts(), client.security.state(), client.counters()];
  const said = { type: 'status', ...doubts, security, counters };
  out.say(
    said,
    ...doubtsSentences(doubts, args.call),
    securitySentence(security, args.call),
    ...fullSentences(security, args.call),
  );
}

/** What there is to know, or that there is nothing: silence could be a fault as well. */
export function doubtsSentences(doubts: Doubts, call: string): string[] {
  const { alarms, frozen, changed, unheard, unread, unreadMore } = doubts;
  const lines = Object.entries(unread);
  const now = [
    ...frozen.map(
      ({ room, code }) =>
        `FROZEN: nothing is sent in ${room} until you say ${call} go-on ${room}, once it was looked into: the server showed ${alarmWords({ code })}.`,
    ),
    ...changed.map(
      (user) =>
        `CHANGED: ${user} has another identity, not approved here. Compare by voice what ${call} identity ${user} prints.`,
    ),
    ...unheard
      .filter(({ user, why }) => why !== 'IDENTITY_CHANGED' || !changed.includes(user))
      .map((one) => unheardSentence(one, call)),
    ...(lines.length > 0
      ? [
          `Lines that can't be read yet, and are tried again: ${lines.map(([cause, count]) => `${count} ${troubleWords[cause as TroubleCause] ?? 'of other kinds'}`).join(', ')}${unreadMore ? ', and more' : ''}.`,
        ]
      : []),
  ];
  const past =
    alarms.length === 0
      ? ['no alarms since this device began']
      : ['Alarms since this device began:', ...alarms.map(alarmLine)];
  return [
    ...past,
    ...(now.length > 0
      ? now
      : ['nobody’s identity is in doubt, sending is stopped nowhere, and every line that came can be read']),
  ];
}

function alarmLine(alarm: NotedAlarm): string {
  return `  ${dayText(Math.floor(alarm.at / 86_400_000))}  ${alarmWords(alarm)}`;
}

function securitySentence({ state, waiting, full, restore }: SecurityState, call: string): string {
  const refused =
    restore && restore.refused > 0 ? `; ${restore.refused} keys in the backup that are not yours were left out` : '';
  switch (state) {
    case 'unconfirmed':
      return `this device is not confirmed: see ${call} whoami`;
    case 'unprotected':
      return `messages not secured: run ${call} secure`;
    case 'waiting':
      return `messages secured, by another device: this one waits for the key from it${refused}`;
    case 'protected':
      if (full) return `messages secured, but not the newest${refused}`;
      return waiting > 0
        ? `messages secured, but for ${waiting} keys that are on their way${refused}`
        : `messages secured${refused}`;
  }
}
