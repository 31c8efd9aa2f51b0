// What somebody who leads a group does about the others in it: takes them in and out, bans them, gives them a role. What the server refuses by number is said in
// words, out of what this device knows of who stands where.
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { roleWords } from './called.ts';
import { awaitRoom } from './naming.ts';
import { type Command, need, type Session, unchanged } from './session.ts';

/** The commands by name. */
export const leadingCommands: Readonly<Record<string, Command>> = {
  remove: { live: true, without: unchanged, run: about((client, room, user) => client.remove(room, user)) },
  ban: { live: true, without: unchanged, run: about((client, room, user) => client.ban(room, user)) },
  unban: { live: true, without: unchanged, run: about((client, room, user) => client.unban(room, user)) },
  role: { live: true, without: unchanged, run: (session) => giveRole(session) },
  invite: { live: true, without: unchanged, run: about((client, room, user) => client.invite(room, user)) },
};

type Work = (client: LuxchatClient, room: string, user: string) => Promise<void>;

async function giveRole(session: Session): Promise<void> {
  const { args } = session;
  need(args, 0, 'a group');
  need(args, 1, 'a Luxchat-ID');
  const role = roleWords.indexOf(need(args, 2, 'a role')) as Role;
  if (role < Role.ROLE_MEMBER)
    throw new ClientError('BAD_ARGUMENT', `A role is one of ${roleWords.slice(1).join(', ')}.`);
  return about((client, room, user) => client.setRole(room, user, role))(session);
}

/** Does something about somebody in a group. */
function about(work: Work) {
  return async (session: Session): Promise<void> => {
    const { client, args, out } = session;
    const { room, direct } = await awaitRoom(session, need(args, 0, 'a group'));
    const { user, fingerprint } = client.readContact(need(args, 1, 'a Luxchat-ID'));
    if (args.command === 'invite' && fingerprint)
      throw new ClientError(
        'BAD_ARGUMENT',
        `A link is compared when a chat is started: ${args.call} start LINK, then ${args.call} invite with their Luxchat-ID.`,
      );
    if (direct)
      throw new ClientError(
        'BAD_ARGUMENT',
        `In a 1:1 chat both stand alike. ${args.call} leave ends it for you, ${args.call} block ends that you hear of them.`,
      );
    try {
      await work(client, room, user);
    } catch (cause) {
      throw inWords(cause, whyNot(session, { room, user }));
    }
    out.say({ type: 'done', room, user }, 'Done.');
  };
}

/** A refusal for want of standing, with the reason; everything else as it is. */
function inWords(error: unknown, why: string): unknown {
  const { REJECTION_INVALID_CONTROL, REJECTION_FORBIDDEN, REJECTION_NOT_MEMBER } = Rejection;
  if (!(error instanceof ClientError) || error.rejection === undefined) return error;
  const { rejection } = error;
  const isStanding = ([REJECTION_INVALID_CONTROL, REJECTION_FORBIDDEN, REJECTION_NOT_MEMBER] as unknown[]).includes(
    rejection,
  );
  return isStanding ? new ClientError('REJECTED', why, { rejection, cause: error }) : error;
}

/** Why this could not be done: by who stands where, as this device knows. */
function whyNot({ client, args }: Session, { room, user }: { readonly room: string; readonly user: string }): string {
  const members = client.members(room);
  const own = members.find((member) => member.user === client.user);
  const other = members.find((member) => member.user === user);
  const list = `${args.call} members ${room} says who stands where.`;
  if (own?.status !== MemberStatus.MEMBER_STATUS_JOINED) return 'You are not in this group any more.';
  if (user === client.user)
    return `Nobody does that about themselves: ${args.call} leave takes you out, and who stands above you gives you another role.`;
  if (own.role < Role.ROLE_MODERATOR)
    return `You are a member of this group, and no more: who leads it can do that. ${list}`;
  if (other && other.role >= own.role)
    return `${user} is ${roleWords[other.role]} here, and you are ${roleWords[own.role]}: only who stands above them can do that. ${list}`;
  if (args.command === 'invite')
    return other?.status === MemberStatus.MEMBER_STATUS_BANNED
      ? `${user} is banned here: ${args.call} unban ${room} ${user} first.`
      : `${user} can not be invited now. ${list}`;
  if (args.command === 'unban') return `${user} is not banned here. ${list}`;
  if (args.command === 'role')
    return `You are ${roleWords[own.role]}: you give roles below that, to people who are in. ${list}`;
  return `${user} is not in this group now. ${list}`;
}
