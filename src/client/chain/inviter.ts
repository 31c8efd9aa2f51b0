// Whom an ACCEPT says yes to: in a 1:1 room the other person, in a group whoever invited. The chain names an identity of theirs, and nobody vouches for it
// but themselves. Where this device knows them under another one, a person must approve that first: from their consent on, keys go to whom the chain names.
// Does not: judge somebody whom this device has never met. They are taken as they come, as at every first contact.
import type { Person } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import type { Known } from '../devices/known.ts';
import { ClientError } from '../errors.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import { isSignedInHere } from './room-identity.ts';

/** Asks for the newest list of those whom this device knows otherwise: they may have approved ones by now. */
export async function meetInviter(replica: RoomCopy): Promise<void> {
  const { people } = replica.ports.parts;
  for (const { user } of strange(replica)) await people.tryRefresh(user, replica.room);
}

/** Throws UNTRUSTED where the chain names whoever invited by an identity that is not the one trusted here. */
export function needInviter(replica: RoomCopy): void {
  if (strange(replica).length === 0) return;
  throw new ClientError(
    'UNTRUSTED',
    'Whoever invited you has another identity there than you know them by: compare it with them, and approve it first.',
  );
}

function strange(replica: RoomCopy): Person[] {
  const { people } = replica.ports.parts;
  return inviters(replica).filter(
    (person) => isStrange(person, people.get(person.user)) && !isSignedIn(replica, person.user),
  );
}

function inviters({ chain, own }: RoomCopy): Person[] {
  const { state } = chain;
  const others = [...(state?.members ?? [])].map(({ number }) => number).filter((number) => number !== own);
  const numbers = state?.policy.direct ? others : [state?.members.get(own)?.invitedBy ?? 0];
  return numbers.flatMap((number) => chain.person(number) ?? []);
}

function isStrange({ fingerprint }: Person, known: Known | undefined): boolean {
  if (!known || equalBytes(fingerprint, known.fingerprint)) return false;
  // Who was approved here says by which other keys they went before: they wait to be signed in.
  return !(known.approved && known.manifest.body.formerKeys.some((key) => equalBytes(key, fingerprint)));
}

/** Of a 1:1 room that one has left: another own device signed them in. */
function isSignedIn(replica: RoomCopy, user: string): boolean {
  return replica.chain.state?.policy.direct === true && isSignedInHere(replica, user);
}
