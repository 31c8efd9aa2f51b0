// `luxchat account deactivate`, `account erase [FILE]` and `account export FILE`. Closing it says beforehand what follows, asks for it in words, has the person log in with LuxID once more, and
// shows what the provider promises. What this device kept stays: log-out removes it.
import { existsSync, writeFileSync } from 'node:fs';
import type { ErasedWhat, Erasure, ErasureLoss } from '#client/account/closing.ts';
import { ClientError } from '#client/errors.ts';
import { steadyText } from '#proto/rules/text/steering.ts';
import { exportAccount } from './account-export.ts';
import { agreed, unchanged } from './agreed.ts';
import { called } from './called.ts';
import { stepUp } from './luxid.ts';
import { dayText, roomTitle } from './sentences.ts';
import { need, type Session } from './session.ts';

/** Runs the command. */
export async function account(session: Session): Promise<void> {
  const what = need(session.args, 0, 'deactivate, erase or export');
  if (what === 'deactivate') return deactivate(session);
  if (what === 'erase') return erase(session);
  if (what === 'export') return exportAccount(session);
  const { call } = session.args;
  throw new ClientError('BAD_ARGUMENT', `${call} account deactivate, account erase [FILE], or account export FILE.`);
}

async function deactivate(session: Session): Promise<void> {
  const { client, out } = session;
  out.note(
    'All your devices are logged out, and nobody finds you by a name. Others are not told: messages wait for you until you log in again, as long as the provider keeps them.',
    'What you wrote stays with those you wrote to until its time is over. When you log in with LuxID again, the account is active again.',
    ...notSecured(session),
  );
  await agreed(session, 'Deactivate your account?');
  await client.account.deactivate(await stepUp(session, 'deactivate'));
  out.say({ type: 'deactivated' }, `Your account is deactivated. ${hint(session)}`);
}

async function erase(session: Session): Promise<void> {
  const { client, args, out, keyboard } = session;
  const file = args.rest[1];
  if (file !== undefined && existsSync(file)) throw new ClientError('BAD_ARGUMENT', `${file} is there already.`);
  out.note(
    'Your account is erased for good, with your backup, your name and all your devices. Nobody can bring it back, and your Luxchat-ID is never given out again.',
    'What you wrote in the rooms that you are in goes from the provider, and you leave them. Whoever has your messages on a device keeps them.',
    ...groupLines(session, await client.account.lossAtErasure()),
  );
  if (!args.yes) {
    const typed = await keyboard.ask(`To erase it type your Luxchat-ID (${client.user}): `);
    if (typed !== client.user) throw unchanged();
  }
  const grant = await stepUp(session, 'erase');
  const erasure = await client.account.erase(grant, {
    onLeaving: ({ left, of }) => left % 50 === 0 && out.note(`  ${left} of ${of} rooms left`),
  });
  // Shown before it is written: a file that can't be must not take the receipt with it.
  out.say({ type: 'erased', ...erasure }, ...receiptLines(erasure), '', hint(session));
  if (file !== undefined) writeFileSync(file, receiptText(client.user, erasure), { mode: 0o600, flag: 'wx' });
}

/** What becomes of groups that only this person leads, and which rooms would not be left. */
function groupLines({ client, args }: Session, { handed, ended, stayed }: ErasureLoss): string[] {
  const titles = (rooms: readonly string[]) => rooms.map((room) => roomTitle(client.room(room))).join(', ');
  return [
    ...handed.map(({ room, user }) => {
      const name = client.members(room).find((member) => member.user === user)?.name;
      return `Only you lead ${roomTitle(client.room(room))}: it goes to ${called(user, name)}, unless you make somebody else its owner before, with ${args.call} role ${room} ID owner.`;
    }),
    ...(ended.length > 0
      ? [
          `Nobody else is there who could lead these groups, so that they end; invitations are taken back: ${titles(ended)}`,
        ]
      : []),
    ...(stayed.length > 0
      ? [
          `These can't be left as they are now: they list your Luxchat-ID on, and what you wrote there stays, encrypted, until its time is over. ${args.call} rooms and ${args.call} status say what stands in the way: ${titles(stayed)}`,
        ]
      : []),
  ];
}

/** The receipt as a file for whoever finds it years later: it says of itself what it is. */
export function receiptText(user: string, erasure: Erasure): string {
  const lines = [
    'The receipt of a Luxchat account that was erased',
    '',
    `Luxchat-ID:  ${user}, which nobody ever gets again`,
    `Provider:    ${user.split(':')[1]}`,
    `Erased on:   ${dayText(erasure.day)}`,
    `Number:      ${erasure.number}`,
    '',
    'Name the number where you ask the provider about it: it is kept beside the Luxchat-ID. Days are YEAR-MONTH-DAY, in UTC. "Gone by" a day: on that day nothing of it is left.',
    '',
    'What the provider kept of you, and until when:',
    ...partLines(erasure),
    '',
    ...roomLines(erasure),
  ];
  return `${lines.map((line) => steadyText(line, '      ')).join('\n')}\n`;
}

/** What the provider promises, a line a thing. */
export function receiptLines(erasure: Erasure): string[] {
  const { number, day } = erasure;
  return [
    `Your account is erased. Receipt ${number}, of ${dayText(day)}; keep it.`,
    ...partLines(erasure),
    ...roomLines(erasure),
  ];
}

function partLines({ parts, day }: Erasure): string[] {
  const lines = parts.map(({ what, lastDay }) => `  ${words[what]}: ${until(lastDay, day)}`);
  const lost = '  The answer was lost on its way, and this device was logged out: so it was done.';
  return lines.length > 0 ? lines : [lost];
}

function roomLines({ left, handed, stayed, kept }: Erasure): string[] {
  return [
    `You left ${left} ${left === 1 ? 'room' : 'rooms'}.`,
    ...handed.map(({ room, user }) => `The group ${room} is led by ${user} now.`),
    ...(kept.length > 0
      ? [`What you wrote in these stays, encrypted, until its time is over: ${kept.join(', ')}`]
      : []),
    ...(stayed.length > 0 ? [`These could not be left, and list your Luxchat-ID on: ${stayed.join(', ')}`] : []),
  ];
}

const words: Readonly<Record<ErasedWhat, string>> = {
  login: 'who you are to LuxID, your devices and their logins',
  account: 'names of devices, public keys, rooms, blocks',
  backup: 'the encrypted backup',
  listing: 'the name that others found you by',
  inbox: 'what waited for your devices, encrypted',
  messages: 'what is left of your messages, encrypted (on disks, in rooms that you left before)',
  files: 'files that you sent, encrypted',
  reports: 'what was shown to the provider by you or of you',
  memberships:
    'your Luxchat-ID and public keys in rooms where others are, by which they check what you signed, until an app of an admin there has signed the list of members anew',
  id: 'your Luxchat-ID itself, so that nobody ever gets it, and this receipt',
  other: 'something that this version has no word for',
};

function until(lastDay: number, day: number): string {
  if (lastDay === 0) return 'stays';
  return lastDay === day ? 'gone now' : `gone by ${dayText(lastDay + 1)}`;
}

function notSecured({ client, args }: Session): string[] {
  if (client.security.state().backup) return [];
  return [`Your messages are not secured: nobody can read them any more afterwards. Run ${args.call} secure first.`];
}

function hint({ args }: Session): string {
  return `What this device kept is still here: ${args.call} log-out removes it.`;
}
