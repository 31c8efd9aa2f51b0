// Finding people, being found, and handing one's Luxchat-ID on.
import { idInGroups } from '#client/contact/contact.ts';
import type { DirectoryFind, ListingInfo } from '#client/contact/directory.ts';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { Arguments } from './arguments.ts';
import { qrLines } from './qr-code.ts';
import { describeRoom, roomSentence } from './sentences.ts';
import { type Command, need, type Session, toldBot, unchanged, unchangedFrom } from './session.ts';

/** The commands by name. */
export const peopleCommands: Readonly<Record<string, Command>> = {
  id: { live: false, run: showId },
  search: { live: true, run: search },
  findable: { live: true, without: unchangedFrom(1), run: findable },
  start: { live: true, without: unchanged, run: start },
};

/** What is asked once, after the first login. */
export function findableQuestion(call: string): string {
  return `Shall others find you by a name? Say ${call} findable yes NAME, or ${call} findable no. Until then nobody does: they need your Luxchat-ID (${call} id).`;
}

async function showId({ client, args, out }: Session): Promise<void> {
  const link = await client.contactLink();
  const grouped = idInGroups(client.user);
  const hint = `Who has the link from you directly starts with ${args.call} start 'LINK', and need not trust the server.`;
  out.say({ type: 'id', user: client.user, grouped, link }, grouped, link, ...qrLines(link), hint);
}

async function search({ client, args, out }: Session): Promise<void> {
  need(args, 0, 'a name, a Luxchat-ID or a contact link');
  const found = await client.directory.search(args.rest.join(' '));
  for (const hit of found) out.say(describeFind(hit), findSentence(hit));
  // The same whether anybody has it or not: who exists is not found out by searching.
  const unasked = found.some(({ name }) => name === '')
    ? 'No server was asked whether anybody has this Luxchat-ID. '
    : '';
  const nobody = 'Nobody. Who does not want to be found is reached by their exact Luxchat-ID.';
  if (!out.json) out.note(found.length === 0 ? nobody : `${unasked}Talk with ${args.call} start and the Luxchat-ID.`);
}

async function findable({ client, args, out }: Session): Promise<void> {
  const [word, ...name] = args.rest;
  const isNo = word === 'no' && name.length === 0;
  if (word !== undefined && !isNo && (word !== 'yes' || name.length === 0))
    throw new ClientError('BAD_ARGUMENT', `${args.call} findable yes NAME, or no; without a word it says how it is.`);
  if (word !== undefined) await client.directory.setListing(isNo ? 'no' : 'yes', name.join(' '));
  const listing = await client.directory.listing();
  out.say({ type: 'findable', ...listing }, findableSentence(listing, args));
}

async function start({ client, args, out }: Session): Promise<void> {
  need(args, 0, 'a Luxchat-ID or a contact link');
  const room = await startWith(client, args.rest.join(' '));
  await toldBot({ client, args }, client.room(room));
  const info = client.room(room);
  out.say(describeRoom(info), roomSentence(info));
}

/** The 1:1 room with who is meant by an id, in groups or not, or by a contact link. */
function startWith(client: Pick<LuxchatClient, 'readContact' | 'startDirect'>, text: string): Promise<string> {
  const { user, fingerprint } = client.readContact(text);
  return client.startDirect(user, fingerprint === undefined ? {} : { fingerprint });
}

function findableSentence(listing: ListingInfo, { call }: Arguments): string {
  if (listing.choice === 'yes') return `Others of your provider find you as: ${listing.name}`;
  return listing.choice === 'no' ? 'Nobody finds you by a name.' : findableQuestion(call);
}

function describeFind({ user, name, bot, fingerprint }: DirectoryFind): Record<string, unknown> {
  return { type: 'found', user, name, bot, ...(fingerprint === undefined ? {} : { byLink: true }) };
}

function findSentence({ user, name, bot }: DirectoryFind): string {
  return `${user}${name === '' ? '' : `  ${name}`}${bot ? '  [bot]' : ''}`;
}
