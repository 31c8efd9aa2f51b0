// Whose identity it is: the number that two people compare, and what is noted of it. An approval with the number is a comparison; without one it is a word.
import { ClientError } from '#client/errors.ts';
import type { IdentityMark } from '#client/shown.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { agreed } from './agreed.ts';
import { bringOut, type Command, need, type Session, unchanged } from './session.ts';

/** The commands by name. */
export const identityCommands: Readonly<Record<string, Command>> = {
  identity: { live: true, run: identity },
  approve: { live: true, without: unchanged, run: approve },
};

const marks: Readonly<Record<IdentityMark, string>> = {
  unknown: 'not known here yet',
  seen: 'not compared: this is what the server showed first',
  approved: 'approved without comparing this number',
  compared: 'compared, says this device',
  changed: 'NEW: not the one of before, and approved by nobody here',
};

async function identity({ client, args, out }: Session): Promise<void> {
  const [word] = args.rest;
  const user = word === undefined ? client.user : userNamed(client, word);
  const number = await client.fingerprint(user);
  const lines = `${user}\n${number}`;
  if (user === client.user) return out.say({ type: 'identity', user, number }, lines);
  const mark = client.identityMark(user);
  out.say({ type: 'identity', user, number, identity: mark }, lines, `      ${marks[mark]}`);
}

async function approve(session: Session): Promise<void> {
  const { client, args, out } = session;
  const user = userNamed(client, need(args, 0, 'a Luxchat-ID'));
  if (user === client.user) throw new ClientError('BAD_ARGUMENT', 'That is yourself.');
  const shown = await client.fingerprint(user);
  const number = args.rest.length > 1 ? inGroups(args.rest.slice(1).join('')) : await comparedNow(session, user, shown);
  const isIn = !client.rooms().some(({ unheard }) => unheard.some((one) => one.user === user));
  const wasSame = isIn && client.identityMark(user) !== 'changed';
  if (wasSame && number !== undefined && number !== shown) throw otherNumber(user);
  const where = whereLetIn(client, user);
  // Without the number it is whatever identity the server shows now.
  await client.approveIdentity(user, number === undefined ? {} : { fingerprint: number });
  // What waits for them goes out at once.
  if (!wasSame) await bringOut(client, args.timeoutMs);
  const done =
    wasSame && number !== undefined
      ? `Noted on this device: you compared the number of ${user}.`
      : `Approved: ${user}${number === undefined ? ', without comparing the number' : ''}.${where}`;
  out.say({ type: 'done', user, identity: client.identityMark(user) }, done);
}

/** Nothing changed: most likely a slip, and else somebody stood between the two from the beginning. */
function otherNumber(user: string): ClientError {
  return new ClientError(
    'UNTRUSTED',
    `That is not the number of ${user} as it is shown here: mistyped? Nothing was noted. If they do see that number, the server shows you somebody else in their place: tell them nothing here.`,
  );
}

/** Where an approval lets somebody in again, in words: only where this user can. */
function whereLetIn(client: Session['client'], user: string): string {
  const there: readonly MemberStatus[] = [MemberStatus.MEMBER_STATUS_JOINED, MemberStatus.MEMBER_STATUS_SUSPENDED];
  const rooms = client
    .rooms()
    .filter(({ room }) => client.members(room).some((member) => member.user === user && there.includes(member.status)));
  const leads = rooms.some(({ direct, role }) => !direct && role >= Role.ROLE_ADMIN);
  const isLed = rooms.some(({ direct, role }) => !direct && role < Role.ROLE_ADMIN);
  const places = [
    ...(rooms.some(({ direct }) => direct) ? ['in your 1:1 room'] : []),
    ...(leads ? ['in the groups that you lead'] : []),
  ];
  const own =
    places.length > 0
      ? ` They are let in again ${places.join(' and ')}, and read what is written from now on, and what waits for them.`
      : '';
  return own + (isLed ? ' In groups that others lead one of those lets them in.' : '');
}

/** The number, once the person at a terminal says that it was compared. Undefined where a script, or `--yes`, approves without. */
async function comparedNow(session: Session, user: string, number: string): Promise<string | undefined> {
  const { args, keyboard, out } = session;
  if (args.yes || !keyboard.interactive) return undefined;
  out.note(user, number);
  await agreed(session, 'Did you compare this number with them, by voice or side by side, and do both see the same?');
  return number;
}

/** Who is meant by an id, in groups or not. Throws UNKNOWN for what can be nobody's. */
function userNamed(client: Session['client'], word: string): string {
  try {
    return client.readContact(word).user;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new ClientError('UNKNOWN', `Nobody of the name ${word} is known. ${error.message}`);
  }
}

/** A number as it is shown, however it was typed. */
function inGroups(typed: string): string {
  return typed.replaceAll(/\D/g, '').replaceAll(/.{5}(?=.)/g, '$& ');
}
