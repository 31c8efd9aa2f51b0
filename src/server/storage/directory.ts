// What a store keeps of the directory: for each user who answered, what they chose, and for those who said yes the places at which their name is found.
// Guarantees: a change is conditional and decided once, whoever asks at the same time; when it is answered, every place of the name before is gone and
// every place of the new one is there; a name is never shown that its owner does not have in the directory now. Of one who said no, no name is kept.
import { beginningOf, namePlaces } from '#proto/rules/directory.ts';
import { limits } from '#proto/rules/limits.ts';

/** What a user chose. */
export interface KeptListing {
  /** Grows with each change: one above the last at least, and the time in microseconds where that is more. */
  readonly version: number;
  readonly isListed: boolean;
  /** Empty where they are not listed. */
  readonly name: string;
  /** When other names were chosen lately, epoch milliseconds. */
  readonly namedMs: readonly number[];
}

/** Somebody who was found. */
export interface Listed {
  readonly user: string;
  readonly name: string;
}

/** A place in the directory that was found. */
export interface FoundPlace extends Listed {
  readonly later: boolean;
  readonly text: string;
}

export interface DirectoryStore {
  readListing(user: string): Promise<KeptListing | null>;
  /** Writes `listing` if the kept version is `before` (none counts as 0). False = read again. The same listing again, under another version, mends what
   *  a crash left half done. */
  changeListing(user: string, listing: KeptListing, before: number): Promise<boolean>;
  /** Takes everything away if the kept version is `before`. False = read again. */
  removeListing(user: string, before: number): Promise<boolean>;
  /** Who has `folded` (three letters or more) at the beginning of a place of their name: at most `searchHitsMax`, ranked, each once. */
  find(folded: string): Promise<readonly Listed[]>;
}

/** Places that are read for one search: of first words each user has one, of later ones up to seven. */
export const placesRead = { first: limits.searchHitsMax, later: 4 * limits.searchHitsMax } as const;

/** Above every text that begins with `folded`. */
export function endOf(folded: string): string {
  return `${folded}\u{10ffff}`;
}

/** Places of a name with what each is looked up by. */
export function keptPlaces(name: string): readonly { beginning: string; later: boolean; text: string }[] {
  return name === '' ? [] : namePlaces(name).map((place) => ({ ...place, beginning: beginningOf(place.text) }));
}

/** Each user once, at their best place; `found` is in the order of places, first words before later ones. */
export function ranked(found: Iterable<FoundPlace>): readonly Listed[] {
  const users = new Map<string, Listed>();
  for (const { user, name } of found) {
    if (!users.has(user)) users.set(user, { user, name });
    if (users.size === limits.searchHitsMax) break;
  }
  return [...users.values()];
}
