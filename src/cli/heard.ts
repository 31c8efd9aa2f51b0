// Who is given no keys of what is written in a room, in words: why, and what a person can do about it.
import { ClientError } from '#client/errors.ts';
import type { MemberInfo, RoomInfo, Unheard } from '#client/shown.ts';
import type { Output } from './output.ts';

type Marks = RoomInfo['unheard'];

const shortly: Readonly<Record<Unheard, string>> = {
  '': '',
  IDENTITY_CHANGED: 'another identity, not approved',
  NOT_SIGNED_IN: 'approved, not let in again yet',
  MANIFEST_WITHHELD: 'the server hides their newest list of devices',
};
const namedMax = 3;

/** Behind a room in a list; '' where everybody is given keys. */
export function unheardMark(unheard: Marks): string {
  if (unheard.length === 0) return '';
  const some = unheard.slice(0, namedMax).map(({ user, why }) => `${user} (${shortly[why]})`);
  const more = unheard.length > namedMax ? ` and ${unheard.length - namedMax} more` : '';
  return `  GETS NO KEYS: ${some.join(', ')}${more}`;
}

/** Behind a member in a list: whose identity it is as far as this device knows, and whether they are given keys. */
export function identityMark({ identity, unheard }: Pick<MemberInfo, 'identity' | 'unheard'>): string {
  if (unheard !== '') return `  GETS NO KEYS: ${shortly[unheard]}`;
  if (identity === 'changed') return '  another identity, which you have not approved; somebody else let them in again';
  return identity === 'compared' ? '  compared' : '';
}

/** Why somebody is given no keys, as a sentence. `call`: how they call the program. */
export function unheardSentence({ user, why }: Marks[number], call: string): string {
  switch (why) {
    case 'IDENTITY_CHANGED':
      return `${user} has another identity now, and gets nothing of what you write here: they started over, or somebody takes their place. Compare what ${call} identity ${user} prints with them, by voice; only if both see the same: ${call} approve ${user}.`;
    case 'NOT_SIGNED_IN':
      return `${user} started over, and you approved that: what you write here is for them once they are let in again, in a group by somebody who leads it.`;
    default:
      return `The server hides the newest list of devices of ${user}. They get nothing of what you write here until it shows it.`;
  }
}

/** After writing in a group: who did not get it. */
export function noteUnheard(out: Pick<Output, 'note'>, { unheard }: RoomInfo, call: string): void {
  for (const one of unheard.slice(0, namedMax)) out.note(`WARNING: ${unheardSentence(one, call)}`);
  if (unheard.length > namedMax)
    out.note(`WARNING: ${unheard.length - namedMax} more get nothing of it: see ${call} members.`);
}

/** Why what was written in a 1:1 room waits, where that is for want of the other's keys; false where it is not. Throws UNTRUSTED where only the person can
 * end that. */
export function explainUnheard(out: Pick<Output, 'note'>, room: RoomInfo, call: string): boolean {
  const [first] = room.unheard;
  if (!room.direct || room.members.length === 0) return false;
  const waits = 'It waits here, and goes out by itself then.';
  if (first?.why === 'IDENTITY_CHANGED')
    throw new ClientError('UNTRUSTED', `Not sent. ${unheardSentence(first, call)} ${waits}`);
  out.note(`Not sent yet. ${first ? unheardSentence(first, call) : "The other person's keys can't be had."} ${waits}`);
  return true;
}
