// Being found by name, as the contract says (proto/client.proto, "directory"): what a user chose, and searches among those who said yes. Guarantees: who said
// no, or was never asked, is not in the store, so that no answer, however it is made or timed (steps.ts), tells them from nobody; a name is gone when its owner's NO is
// answered; whatever two devices choose at once, on any nodes, one choice is in force. It keeps nothing in memory but counts of searches.

import { rejected } from '#actors/kernel/effects.ts';
import type { AboutDirectory, AnswerBody } from '#actors/kernel/messages.ts';
import { ListingChoice, type SetListing } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { foldName } from '#proto/rules/directory.ts';
import { limits } from '#proto/rules/limits.ts';
import type { DirectoryStore, KeptListing } from '../storage/directory.ts';
import { Outcomes } from '../telemetry/outcomes.ts';
import { Searches, type SearchLimits } from './searches.ts';
import { inSteps, systemWait, type Wait } from './steps.ts';

/** Who asks for what; the user was proven by the session's token, and the body's shape was looked at. */
export interface DirectoryRequest {
  readonly user: string;
  readonly body: AboutDirectory;
}

export interface DirectoryOptions {
  readonly store: DirectoryStore;
  readonly isBot: (user: string) => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How much may be searched, unless a test or a bench has other limits. */
  readonly searches?: SearchLimits;
  /** Until answers leave, unless a test or a bench does not wait. */
  readonly wait?: Wait;
}

/** Names are counted for so long as their deletions weigh on searches: `gc_grace_seconds` of ../storage/cassandra/schema.cql. */
const namesMs = 10 * 86_400_000;
/** Changes of one listing that others come before. More: somebody changes it without pause, and the request fails as the store would. */
const triesMax = 10;

const done: AnswerBody = { $case: 'done', value: {} };
const { LISTING_CHOICE_UNSPECIFIED, LISTING_CHOICE_YES, LISTING_CHOICE_NO } = ListingChoice;

export class Directory {
  readonly counts = new Outcomes();
  readonly #options: DirectoryOptions;
  readonly #searches: Searches;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#searches = new Searches(options.searches);
  }

  /** Rejects where the store fails: what was asked may have been done. */
  async serve(request: DirectoryRequest): Promise<AnswerBody> {
    return await this.counts.counted(request.body, () => this.#serve(request));
  }

  /** An account is erased: nothing of it is left here. Safe to repeat. */
  async erase(user: string): Promise<void> {
    const { store } = this.#options;
    await this.#insist(async () => {
      const kept = await store.readListing(user);
      return kept === null || (await store.removeListing(user, kept.version));
    });
  }

  #serve({ user, body }: DirectoryRequest): Promise<AnswerBody> {
    switch (body.$case) {
      case 'readListing':
        return this.#read(user);
      case 'setListing':
        return this.#set(user, body.value);
      case 'searchDirectory':
        return this.#search(user, body.value.text);
    }
  }

  async #read(user: string): Promise<AnswerBody> {
    const kept = await this.#options.store.readListing(user);
    if (kept === null) return { $case: 'listing', value: { choice: LISTING_CHOICE_UNSPECIFIED, name: '' } };
    const choice = kept.isListed ? LISTING_CHOICE_YES : LISTING_CHOICE_NO;
    return { $case: 'listing', value: { choice, name: kept.name } };
  }

  async #set(user: string, { choice, name }: SetListing): Promise<AnswerBody> {
    const { store, now } = this.#options;
    const isListed = choice === LISTING_CHOICE_YES;
    let answer = done;
    await this.#insist(async () => {
      const kept = await store.readListing(user);
      const atMs = now();
      // Those far ahead are of a clock that was set back: they must not keep anyone out.
      let namedMs = (kept?.namedMs ?? []).filter((ms) => Math.abs(atMs - ms) < namesMs);
      if (isListed && kept?.name !== name) {
        if (namedMs.length >= limits.listingNamesMax) {
          answer = rejected(Rejection.REJECTION_RATE_LIMITED, untilNext(namedMs, atMs));
          return true;
        }
        namedMs = [...namedMs, atMs];
      }
      // The same again is written again, too: that mends what a crash left half done.
      const listing: KeptListing = { version: versionAfter(kept, atMs), isListed, name, namedMs };
      return await store.changeListing(user, listing, kept?.version ?? 0);
    });
    return answer;
  }

  async #search(user: string, text: string): Promise<AnswerBody> {
    const { store, isBot, now, wait = systemWait } = this.#options;
    const waitMs = this.#searches.take(user, now());
    if (waitMs > 0) return rejected(Rejection.REJECTION_RATE_LIMITED, waitMs);
    const found = await inSteps(() => store.find(foldName(text)), wait);
    return { $case: 'directoryHits', value: { hits: found.map((hit) => ({ ...hit, bot: isBot(hit.user) })) } };
  }

  /** Again where somebody else wrote between reading and writing. */
  async #insist(attempt: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < triesMax; tries++) if (await attempt()) return;
    throw new Error('Others change the same listing without pause');
  }
}

/** The time in microseconds, where that is above the one before. */
function versionAfter(kept: KeptListing | null, atMs: number): number {
  return Math.max((kept?.version ?? 0) + 1, atMs * 1_000);
}

function untilNext(namedMs: readonly number[], atMs: number): number {
  return Math.max(1, Math.min(namesMs, Math.min(...namedMs) + namesMs - atMs));
}
