// Whose identity it is: the number that two people compare, and what is noted of it. An approval with the number is a comparison; without one it is a word.
import { ClientError } from '#client/errors.ts';
import type { IdentityMark } from '#client/shown.ts';
import { agreed } from './agreed.ts';
import { type Command, need, type Session } from './session.ts';

/** The commands by name. */
export const identityCommands: Readonly<Record<string, Command>> = {
  identity: { live: true, run: identity },
  approve: { live: true, run: approve },
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
  // Without the number it is whatever identity the server shows now.
  await client.approveIdentity(user, number === undefined ? {} : { fingerprint: number });
  // What waits for them goes out at once. What does not come through now does later.
  if (!wasSame)
    await client.flushed(args.timeoutMs).catch((error) => {
      if (!(error instanceof ClientError)) throw error;
    });
  const where =
    'They are let in again in your 1:1 room and in the groups that you lead, and read what is written from now on, and what waits for them.';
  const done = wasSame
    ? `Noted on this device: you compared the number of ${user}.`
    : `Approved: ${user}${number === undefined ? ', without comparing the number' : ''}. ${where}`;
  out.say({ type: 'done', user, identity: client.identityMark(user) }, done);
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
