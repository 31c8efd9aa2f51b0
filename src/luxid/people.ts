// Who may log in at the stand-in: made-up people who share one documented password. Nothing here is a secret.
import { createHash, timingSafeEqual } from 'node:crypto';

/** The password of everybody at the stand-in. */
export const developmentPassword = 'moien-moien';

/** The user names known without `--users`. */
export const defaultUsers: readonly string[] = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];

/** What a user name may look like: 1 to 32 of `a-z 0-9 . _ -`, a letter or digit in front. */
export const userNamePattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/** One made-up person. */
export interface Person {
  readonly user: string;
  /** What clients get instead of the name: stable over restarts, says nothing about the name. */
  readonly subject: string;
  /** A made-up telephone number, only ever shown by its last two digits. */
  readonly phone: string;
}

/** Looks people up. */
export interface People {
  /** The person, or null where the name or the password is wrong; which of the two is not said. */
  login(user: string, password: string): Person | null;
}

/** The people of the stand-in. `openUsers` lets in any well-formed name, for load tests. */
export function people(options: { readonly users: readonly string[]; readonly openUsers: boolean }): People {
  for (const user of options.users)
    if (!userNamePattern.test(user)) throw new RangeError(`"${user}" can't be a user name: 1 to 32 of a-z 0-9 . _ -`);
  const known = new Set(options.users);
  return {
    login(typed, password) {
      const user = typed.trim().toLowerCase();
      const right = sameText(password, developmentPassword);
      const exists = known.has(user) || (options.openUsers && userNamePattern.test(user));
      return right && exists ? person(user) : null;
    },
  };
}

/** The made-up person behind a user name. */
export function person(user: string): Person {
  const digest = createHash('sha256').update(`stand-in LuxID person|${user}`).digest();
  const phone = `+352 691 ${String(digest.readUInt32BE(16) % 1_000_000).padStart(6, '0')}`;
  return { user, subject: `lx-${digest.toString('hex', 0, 16)}`, phone };
}

/** Compares two texts in a time that says nothing about where they differ. */
export function sameText(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
