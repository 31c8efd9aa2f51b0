// What happened in a room, in words: who did what to whom, which role they have now, what the group is called now.
import { expect, it } from 'vitest';
import type { Notice } from '#client/shown.ts';
import { Role } from '#proto/gen/record.ts';
import { noticeSentence } from './notices.ts';

const alice = { actor: '@alice:x', actorName: 'Alice' };
const nobody = { actor: '', actorName: '', target: '', targetName: '' };

/** Said to Bob. */
function said(notice: Partial<Notice>, room = '!g:x'): string {
  return noticeSentence({ room, notice: { what: 'slot', ...nobody, ...notice } }, '@bob:x');
}

it('says which role somebody has now, and by whom', () => {
  const carol = { ...alice, what: 'role', target: '@carol:x', targetName: 'Carol' } as const;
  const made = (role: Role) => said({ ...carol, role });
  expect(made(Role.ROLE_MODERATOR)).toBe('Alice (@alice) made Carol (@carol) a moderator');
  expect(made(Role.ROLE_ADMIN)).toMatch(/ an admin$/);
  expect(made(Role.ROLE_OWNER)).toMatch(/ an owner$/);
  expect(said({ ...alice, what: 'role', target: '@bob:x', role: Role.ROLE_MEMBER })).toMatch(/ made you a member$/);
});

it('says what the group is called and about, where this device can read it', () => {
  const set = (slot: string, text?: string) => said({ ...alice, slot, ...(text === undefined ? {} : { text }) });
  expect(set('name', 'Hiking')).toBe('Alice (@alice) named the group: it is called “Hiking” now');
  expect(set('name')).toBe('Alice (@alice) changed the name of the group');
  expect(set('topic', 'Sundays')).toMatch(/is about: “Sundays”$/);
  expect(set('topic', '')).toMatch(/took the topic away$/);
  expect(set('pins')).toMatch(/changed what is pinned here$/);
});

it('says who was invited as what, but in a 1:1 room, where both stand alike', () => {
  const invited = { ...alice, what: 'invited', target: '@carol:x', role: Role.ROLE_ADMIN } as const;
  expect(said(invited)).toBe('Alice (@alice) invited @carol as an admin');
  expect(said(invited, '!d:x')).toBe('Alice (@alice) invited @carol');
});

// It said "someone left @carol" of an account that is no more.
it('names who is gone where a provider said so', () => {
  expect(said({ what: 'left', target: '@carol:x' })).toBe('@carol left');
  expect(said({ what: 'left', actor: '@bob:x', target: '@bob:x' })).toBe('you left');
});
