// What happened in a room, as sentences: who came and went, who may do what now, what a group is called. Whoever is at this device is "you".
import type { Notice, TimelineItem } from '#client/shown.ts';
import { Role } from '#proto/gen/record.ts';
import { aRole, called } from './called.ts';

/** A notice as a sentence. `user`: who is at this device; '' = not said. */
export function noticeSentence({ notice, room }: Pick<TimelineItem, 'notice' | 'room'>, user = ''): string {
  if (!notice) return '';
  const { what, role } = notice;
  const [actor, target] = [
    nameOf(user, notice.actor, notice.actorName),
    nameOf(user, notice.target, notice.targetName),
  ];
  switch (what) {
    case 'created':
      return `${actor} began this conversation`;
    case 'invited':
      // In a 1:1 room both stand alike.
      return `${actor} invited ${target}${role && role > Role.ROLE_MEMBER && !room.startsWith('!d') ? ` as ${aRole(role)}` : ''}`;
    case 'joined':
      return `${actor} joined`;
    case 'declined':
      return `${actor} declined the invitation`;
    // Of somebody whose account is no more their provider says so.
    case 'left':
      return `${notice.target === '' ? actor : target} left`;
    case 'removed':
      return `${actor} removed ${target}`;
    case 'banned':
      return `${actor} banned ${target}`;
    case 'unbanned':
      return `${actor} let ${target} be invited again`;
    case 'role':
      return `${actor} made ${target} ${aRole(role ?? Role.ROLE_MEMBER)}`;
    case 'policy':
      return `${actor} changed who may do what here`;
    case 'identity':
      return `${actor} let ${target} in again, with another identity`;
    case 'slot':
      return slotSentence(actor, notice);
  }
}

function nameOf(user: string, id: string, name: string): string {
  if (id === '') return 'someone';
  return id === user ? 'you' : called(id, name);
}

/** A name is put in quotes: else it could go on as if the program said it. */
function slotSentence(actor: string, { slot, text }: Notice): string {
  if (slot === 'name' && text) return `${actor} named the group: it is called “${text}” now`;
  if (slot === 'topic' && text) return `${actor} said what the group is about: “${text}”`;
  if (slot === 'topic' && text === '') return `${actor} took the topic away`;
  if (slot === 'pins') return `${actor} changed what is pinned here`;
  return `${actor} changed the ${slot} of the group`;
}
