// The directory in a file of its own, which is renewed after names were given up: they are readable there by whoever has the disk, unlike what else this
// store keeps. A change writes listing and places in one transaction, so that no crash leaves half of either.
import {
  type DirectoryStore,
  endOf,
  type FoundPlace,
  type KeptListing,
  keptPlaces,
  type Listed,
  placesRead,
  ranked,
} from '../directory.ts';
import type { Change } from './environment.ts';
import { nameKey } from './keys.ts';
import type { RenewedFile } from './renewed-file.ts';

/** What a row is. Never changes, never reused. */
const kinds = { listing: 0x6c, place: 0x70 } as const;

export class EmbeddedDirectory implements DirectoryStore {
  readonly #file: RenewedFile;

  constructor(file: RenewedFile) {
    this.#file = file;
  }

  async readListing(user: string): Promise<KeptListing | null> {
    return listingOf(this.#file, user);
  }

  async changeListing(user: string, listing: KeptListing, before: number): Promise<boolean> {
    return await this.#replace(user, listing, before);
  }

  async removeListing(user: string, before: number): Promise<boolean> {
    return await this.#replace(user, null, before);
  }

  async find(folded: string): Promise<readonly Listed[]> {
    return ranked(this.#places(folded));
  }

  *#places(folded: string): Generator<FoundPlace> {
    for (const later of [false, true]) {
      const [start, end] = [placeKey(later, folded), placeKey(later, endOf(folded))];
      const limit = later ? placesRead.later : placesRead.first;
      for (const { key, value } of this.#file.range({ start, end, limit }))
        yield { ...parsePlace(key), name: value.toString() };
    }
  }

  async #replace(user: string, listing: KeptListing | null, before: number): Promise<boolean> {
    return await this.#file.change((change) => {
      const kept = listingOf(change, user);
      if ((kept?.version ?? 0) !== before) return false;
      for (const { later, text } of keptPlaces(kept?.name ?? '')) change.remove(placeKey(later, text, user));
      const key = nameKey(kinds.listing, user);
      if (listing === null) change.remove(key);
      else change.put(key, Buffer.from(JSON.stringify(listing)));
      const name = listing?.name ?? '';
      for (const { later, text } of keptPlaces(name)) change.put(placeKey(later, text, user), Buffer.from(name));
      return true;
    });
  }
}

function listingOf(reader: Pick<Change, 'get'>, user: string): KeptListing | null {
  const value = reader.get(nameKey(kinds.listing, user));
  return value === undefined ? null : (JSON.parse(value.toString()) as KeptListing);
}

/** First words before later ones, then by text, then by user. Without a user: where places of this text begin. A folded text has no zero byte. */
function placeKey(later: boolean, text: string, user?: string): Buffer {
  const rest = user === undefined ? text : `${text}\0${user}`;
  return Buffer.concat([Buffer.from([kinds.place, Number(later)]), Buffer.from(rest)]);
}

function parsePlace(key: Buffer): Omit<FoundPlace, 'name'> {
  const [text = '', user = ''] = key.toString('utf8', 2).split('\0');
  return { later: key[1] === 1, text, user };
}
