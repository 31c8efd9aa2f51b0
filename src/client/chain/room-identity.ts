// Which identity of a person counts in a room, for keys and for what is shown: the one that the chain names. In a group whoever let them in stands for it. In a
// 1:1 room there is nobody but this user to do so: whoever began it, or brought themselves in, named their own identity, and a server makes up both.
import type { Person } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import type { Parts } from '../parts.ts';
import type { Unheard } from '../shown.ts';
import type { Chain } from './chain.ts';

/** A room, as far as this looks at it. */
interface Place {
  readonly chain: Chain;
  readonly ports: { readonly parts: Pick<Parts, 'people' | 'user'> };
}

/** The identity that counts here. In a 1:1 room that is the one trusted of before, while nobody approved the changed one that the chain names, nor signed it in. */
export function identityIn(room: Place, { user, fingerprint }: Person): Uint8Array {
  const { chain, ports } = room;
  const known = chain.state?.policy.direct ? ports.parts.people.get(user) : undefined;
  if (!known || known.changedTo.length === 0 || !equalBytes(known.changedTo, fingerprint)) return fingerprint;
  return isSignedInHere(room, user) ? fingerprint : known.fingerprint;
}

/** Why this person is given no keys of what is written here, or ''. Of whom nothing is known yet that is not said: they are asked for when something is sent. */
export function unheardIn(room: Place, person: Person): Unheard {
  const { people, user: self } = room.ports.parts;
  const known = people.get(person.user);
  if (!known) return '';
  if (known.withheld) return 'MANIFEST_WITHHELD';
  if (equalBytes(known.manifest.body.masterKey, identityIn(room, person))) return '';
  // Of one whose new identity a person approved here the chain may still name the one of before: they wait to be signed in. Else only that identity says so of
  // itself; one's own says it of oneself.
  const isBelieved = known.approved || person.user === self;
  const wasTheirs = known.manifest.body.formerKeys.some((key) => equalBytes(key, person.fingerprint));
  return isBelieved && wasTheirs ? 'NOT_SIGNED_IN' : 'IDENTITY_CHANGED';
}

/** Did this user sign in the identity that the chain names of somebody, and under the identity that they have now? */
export function isSignedInHere({ chain, ports }: Place, user: string): boolean {
  const { people, user: self } = ports.parts;
  const own = people.get(self)?.fingerprint;
  const by = chain.renewedBy(chain.memberOf(user));
  const named = chain.person(chain.memberOf(self))?.fingerprint ?? noBytes;
  return own !== undefined && by?.user === self && equalBytes(by.fingerprint, own) && equalBytes(named, own);
}
