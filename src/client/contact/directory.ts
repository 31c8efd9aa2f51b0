// Finding people by name, and being found. What looks like an id or a link is read here and no server is asked about it: so no answer of a server says
// whether somebody exists who does not want to be found.
import { ListingChoice } from '#proto/gen/client.ts';
import { isListingName, isSearchText } from '#proto/rules/directory.ts';
import { parseUserId } from '#proto/rules/ids.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { AnswerOf, ClientBody, ServerBody } from '../connection/connection.ts';
import { ClientError } from '../errors.ts';
import { findContact } from './contact.ts';

/** Someone who was found. */
export interface DirectoryFind {
  readonly user: string;
  /** As they call themselves, which proves nothing. Empty where the id itself was given: whether they exist shows when a chat is started. */
  readonly name: string;
  /** Out of a contact link: what `startDirect` compares. */
  readonly fingerprint?: Uint8Array;
  /** The provider says that it is a bot of its own. */
  readonly bot: boolean;
}

/** Does this user want to be found by name? `unasked`: nobody answered yet, which is as `no`; an app asks once, after the first login. */
export type ListingInfo =
  | { readonly choice: 'unasked' | 'no'; readonly name: '' }
  | { readonly choice: 'yes'; readonly name: string };

/** The directory of the own provider. */
export interface DirectoryApi {
  /**
   * People and bots of the own provider who want to be found, at most ten, the best first, by the beginning of any word of their name, whatever accents and
   * case; three letters at least. A Luxchat-ID, of any provider, or a contact link is that very person, without asking anyone. BAD_ARGUMENT with what
   * is wrong: a mistyped id, too few letters. REJECTED with RATE_LIMITED and how long to wait (40 at once, then one a minute), OFFLINE.
   */
  search(text: string): Promise<readonly DirectoryFind[]>;
  /** What the user chose, on whichever device. OFFLINE. */
  listing(): Promise<ListingInfo>;
  /** Chooses: to be found by this name (1 to 64 characters, three of them letters or digits; all users of the provider may see it), or not at all, and
   * then the server keeps no name. BAD_ARGUMENT, OFFLINE, NOT_CONFIRMED, REJECTED (RATE_LIMITED: ten names in ten days). */
  setListing(choice: 'yes' | 'no', name?: string): Promise<void>;
}

/** What the directory needs: requests that are not repeated by themselves, since a person waits in front of them. */
export interface DirectoryPorts {
  readonly user: string;
  readonly primitives: Pick<Primitives, 'sha256'>;
  request<Case extends ServerBody['$case']>(body: ClientBody, expect: Case): Promise<AnswerOf<Case>>;
  confirmed(): boolean;
}

const { LISTING_CHOICE_YES, LISTING_CHOICE_NO } = ListingChoice;

export class Directory implements DirectoryApi {
  readonly #ports: () => DirectoryPorts;

  constructor(ports: () => DirectoryPorts) {
    this.#ports = ports;
  }

  async search(text: string): Promise<readonly DirectoryFind[]> {
    const { user, primitives, request } = this.#ports();
    const contact = findContact(text, parseUserId(user)?.provider ?? '', primitives);
    if (contact !== null) return [{ ...contact, name: '', bot: false }];
    if (!isSearchText(text))
      throw new ClientError('BAD_ARGUMENT', `Give ${limits.listingLettersLeast} letters of the name at least.`);
    const { hits } = await request({ $case: 'searchDirectory', value: { text } }, 'directoryHits');
    // What is handed on is what was asked for and no more: a server could send anything.
    const provider = parseUserId(user)?.provider;
    const people = hits.filter((hit) => parseUserId(hit.user)?.provider === provider && isListingName(hit.name));
    return people.slice(0, limits.searchHitsMax).map(({ user: found, name, bot }) => ({ user: found, name, bot }));
  }

  async listing(): Promise<ListingInfo> {
    const { choice, name } = await this.#ports().request({ $case: 'readListing', value: {} }, 'listing');
    if (choice === LISTING_CHOICE_YES) return { choice: 'yes', name };
    return { choice: choice === LISTING_CHOICE_NO ? 'no' : 'unasked', name: '' };
  }

  async setListing(choice: 'yes' | 'no', name = ''): Promise<void> {
    const given = name.normalize('NFC').trim().replace(/\s+/gu, ' ');
    if (choice === 'yes' && !isListingName(given)) {
      const { listingNameCharactersMax: max, listingLettersLeast: least } = limits;
      throw new ClientError('BAD_ARGUMENT', `A name has 1 to ${max} characters, ${least} of them letters or digits.`);
    }
    if (!this.#ports().confirmed())
      throw new ClientError('NOT_CONFIRMED', 'Confirm this device from another one first.');
    const value =
      choice === 'yes' ? { choice: LISTING_CHOICE_YES, name: given } : { choice: LISTING_CHOICE_NO, name: '' };
    await this.#ports().request({ $case: 'setListing', value }, 'done');
  }
}
