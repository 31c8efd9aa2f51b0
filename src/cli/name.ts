// `luxchat name`: how one wants to be called by the people one talks to.
import { readFileSync, statSync } from 'node:fs';
import { ClientError } from '#client/errors.ts';
import { contentLimits } from '#client/sending/content-limits.ts';
import type { ProfileInfo } from '#client/shown.ts';
import type { Arguments } from './arguments.ts';
import { bringOut, type Session } from './session.ts';

/** What is said once, after the first login. */
export function nameQuestion(call: string): string {
  return `How shall those you talk with call you? Say ${call} name TEXT; they alone see it. Without one they see your Luxchat-ID.`;
}

/** Changes what the arguments say, and shows how it is. */
export async function name({ client, args, out }: Session): Promise<void> {
  const called = args.rest.join(' ');
  if (args.none && (called !== '' || args.picture !== ''))
    throw new ClientError('BAD_ARGUMENT', `${args.call} name TEXT, or name --none: not both.`);
  const change = {
    ...(called === '' ? {} : { name: called }),
    ...(args.picture === '' ? {} : { picture: pictureIn(args.picture) }),
    ...(args.none ? { name: '', picture: new Uint8Array() } : {}),
  };
  if (Object.keys(change).length > 0) {
    await client.setProfile(change);
    await bringOut(client, args.timeoutMs);
  }
  out.say({ type: 'name', ...client.profile }, sentence(client.profile, args));
}

function pictureIn(path: string): Uint8Array {
  const { profilePictureBytesMax: max } = contentLimits;
  try {
    // A photo of many megabytes need not be read to be refused.
    if (statSync(path).size <= max) return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new ClientError('BAD_ARGUMENT', `The picture ${path} can not be read.`, { cause });
  }
  throw new ClientError('BAD_ARGUMENT', `A picture is a JPEG or WebP of at most ${max} bytes: make it smaller first.`);
}

function sentence({ name: called, picture }: ProfileInfo, { call }: Arguments): string {
  if (called === '' && !picture) return nameQuestion(call);
  const pictured = picture ? ', with a picture' : '';
  return `Those you talk with see: ${called || 'your Luxchat-ID'}${pictured}. ${call} name --none takes it back.`;
}
