// The shape of requests about the directory, before anything is asked of a store. What the user chose before, and how much they searched, is for whoever
// serves them to look at.
import type { AboutDirectory } from '#actors/kernel/messages.ts';
import { ListingChoice } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { isListingName, isSearchText } from '#proto/rules/directory.ts';

/** Why a request about the directory is refused as it stands; null = it may be served. */
export function directoryFault(body: AboutDirectory): Rejection | null {
  return isWellFormed(body) ? null : Rejection.REJECTION_BAD_REQUEST;
}

function isWellFormed(body: AboutDirectory): boolean {
  switch (body.$case) {
    case 'readListing':
      return true;
    case 'setListing': {
      const { choice, name } = body.value;
      if (choice === ListingChoice.LISTING_CHOICE_NO) return name === '';
      return choice === ListingChoice.LISTING_CHOICE_YES && isListingName(name);
    }
    case 'searchDirectory':
      return isSearchText(body.value.text);
  }
}
