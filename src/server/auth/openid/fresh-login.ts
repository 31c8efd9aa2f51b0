// The fresh login of a step-up: what LuxID is asked for, and whether its answer is that. LuxID is not believed to have asked the person again only because
// it was told to: the time of the login must stand in the signed token, and be now.

/** What counts as fresh. */
export interface Freshness {
  /** How long the login may lie back, or ahead where clocks differ, in milliseconds. */
  readonly maxMs: number;
  /** Names that LuxID has for a login with a code by SMS, separated by spaces; empty = it asks for one at every login, and nothing is looked at. */
  readonly acr: string;
}

/** Why a login is not what a step-up needs: it was not just now, or without a code. */
export type FreshnessFault = 'stale' | 'weak';

/** What the request to LuxID says beside the ordinary. */
export function freshLoginParameters({ acr }: Freshness): Readonly<Record<string, string>> {
  return { max_age: '0', ...(acr === '' ? {} : { acr_values: acr }) };
}

/** Null = the person logged in just now, in the way that was asked for. */
export function freshnessFault(
  { auth_time, acr }: Readonly<Record<string, unknown>>,
  { maxMs, acr: wanted, nowMs }: Freshness & { readonly nowMs: number },
): FreshnessFault | null {
  // Ahead counts as stale, too: a time in other units, or of a broken clock, would be fresh for ever.
  if (typeof auth_time !== 'number' || !(Math.abs(nowMs - auth_time * 1000) <= maxMs)) return 'stale';
  if (wanted !== '' && !(typeof acr === 'string' && wanted.split(/\s+/).includes(acr))) return 'weak';
  return null;
}
