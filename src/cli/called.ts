// What people are called, and what they are in a room; and how many there are of a thing.
import { Role } from '#proto/gen/record.ts';

/** How a person is named: as they want to be called, and always by their id as well, since two may be called the same. */
export function called(user: string, name = ''): string {
  return name === '' ? shortName(user) : `${name} (${shortName(user)})`;
}

/** The name part of an id. */
export function shortName(user: string): string {
  return user.split(':')[0] ?? user;
}

/** So many of a thing, whose word takes an s where they are several. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** Roles in a room, as people read them. */
export const roleWords: readonly string[] = ['', 'member', 'moderator', 'admin', 'owner'];

/** The same with the article. */
export function aRole(role: Role): string {
  const word = roleWords[role] || 'member';
  return `${role === Role.ROLE_ADMIN || role === Role.ROLE_OWNER ? 'an' : 'a'} ${word}`;
}
