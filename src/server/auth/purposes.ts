// What a step-up may be for: a closed list. A grant serves the one purpose that the person was told of when they logged in for it, and no other.

/** `backup`: create, fetch or drop the backup. `identity`: replace the cross-signing keys. `deactivate`, `erase`: close the account. Names are API and never
 * change. */
export const purposes = ['backup', 'identity', 'deactivate', 'erase'] as const;
/** One of these. */
export type Purpose = (typeof purposes)[number];
