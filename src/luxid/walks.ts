// How far each person is between the first page and the last: nobody, then proven by password, then by the code. Too many mistakes end the walk.
// It knows nothing of HTTP or OpenID.
import { randomInt } from 'node:crypto';
import { type People, type Person, sameText } from './people.ts';

/** Wrong codes in one walk. The one that reaches it ends the walk. */
export const wrongCodesMax = 5;
/** Wrong passwords in one walk. The one that reaches it ends the walk. */
export const wrongPasswordsMax = 10;
/** How long a walk may take, in milliseconds. */
export const walkMs = 10 * 60_000;
/** Walks under way. When full, the oldest is ended. */
export const walksMax = 20_000;

/** What a step led to. */
export type Step =
  | { readonly next: 'password'; readonly wrong: boolean; readonly user: string }
  | { readonly next: 'code'; readonly wrong: boolean; readonly phoneEnd: string }
  | { readonly next: 'done'; readonly person: Person }
  | { readonly next: 'ended' };

interface Walk {
  readonly startedMs: number;
  person: Person | null;
  code: string;
  wrongPasswords: number;
  wrongCodes: number;
}

/** The walks of all people. */
export interface Walks {
  /** Where a walk stands; an unknown one begins. */
  look(id: string): Step;
  password(id: string, user: string, password: string): Step;
  code(id: string, code: string): Step;
  end(id: string): void;
  /** The newest code sent to a user: for tests. */
  lastCodeFor(user: string): string | undefined;
}

/** Makes the walks. `send` is the SMS that nobody sends: it hears each new code. */
export function walks(options: {
  readonly people: People;
  readonly send: (person: Person, code: string) => void;
  readonly now: () => number;
}): Walks {
  const under = new Map<string, Walk>();
  const lastCodes = new Map<string, string>();
  const walkOf = (id: string): Walk => {
    const known = under.get(id);
    if (known !== undefined && known.startedMs + walkMs > options.now()) return known;
    under.delete(id);
    if (under.size >= walksMax) under.delete(under.keys().next().value as string);
    const walk = { startedMs: options.now(), person: null, code: '', wrongPasswords: 0, wrongCodes: 0 };
    under.set(id, walk);
    return walk;
  };
  const end = (id: string): Step => {
    under.delete(id);
    return { next: 'ended' };
  };
  const askCode = (person: Person, wrong: boolean): Step => ({ next: 'code', wrong, phoneEnd: person.phone.slice(-2) });
  return {
    look(id) {
      const { person } = walkOf(id);
      return person === null ? { next: 'password', wrong: false, user: '' } : askCode(person, false);
    },
    password(id, user, password) {
      const walk = walkOf(id);
      if (walk.person !== null) return askCode(walk.person, false);
      const person = options.people.login(user, password);
      if (person === null) {
        walk.wrongPasswords += 1;
        return walk.wrongPasswords >= wrongPasswordsMax ? end(id) : { next: 'password', wrong: true, user };
      }
      walk.person = person;
      walk.code = String(randomInt(1_000_000)).padStart(6, '0');
      lastCodes.delete(person.user);
      if (lastCodes.size >= walksMax) lastCodes.delete(lastCodes.keys().next().value as string);
      lastCodes.set(person.user, walk.code);
      options.send(person, walk.code);
      return askCode(person, false);
    },
    code(id, code) {
      const walk = walkOf(id);
      const { person } = walk;
      if (person === null) return { next: 'password', wrong: false, user: '' };
      if (sameText(code.replace(/\s/g, ''), walk.code)) {
        under.delete(id);
        return { next: 'done', person };
      }
      walk.wrongCodes += 1;
      return walk.wrongCodes >= wrongCodesMax ? end(id) : askCode(person, true);
    },
    end(id) {
      end(id);
    },
    lastCodeFor: (user) => lastCodes.get(user),
  };
}
