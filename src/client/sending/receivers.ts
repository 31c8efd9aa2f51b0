// Who is given the keys of what is written in a room: the devices in the newest manifests of members that the chain calls joined, and nobody else.
// Guarantees: nobody is left out for another identity without an alarm, and in a 1:1 room nothing goes out that the other can't be given the key of.
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, type Person } from '#proto/gen/record.ts';
import { identityIn, unheardIn } from '../chain/room-identity.ts';
import type { Exclusion, Recipient } from '../crypto/engine.ts';
import { ClientError } from '../errors.ts';
import type { RoomCopy } from '../room/room-copy.ts';

/** Refusals to share a key that a fresh look at the receiver's keys may undo. */
const incomplete: ReadonlySet<Exclusion['reason']> = new Set([
  'UNKNOWN',
  'NO_IDENTITY',
  'NOT_CROSS_SIGNED',
  'IDENTITY_CHANGED',
]);
// So often a message waits for the keys of one device; then it goes out without it, so that nobody can hold a room up.
const incompleteTries = 3;

/** The receivers of one room. */
export class Receivers {
  #replica: RoomCopy;
  #known: { chain: number; people: number; list: readonly Recipient[] } | undefined;
  #waitedFor = new Map<string, number>();
  #swapped = new Set<string>();

  constructor(replica: RoomCopy) {
    this.#replica = replica;
  }

  /** The same array while nothing changed. */
  list(): readonly Recipient[] {
    const { chain, ports } = this.#replica;
    const { people } = ports.parts;
    const known = this.#known;
    if (known && known.chain === chain.number && known.people === people.version) return known.list;
    const list: Recipient[] = [];
    for (const member of chain.state?.members ?? []) {
      if (member.status !== MemberStatus.MEMBER_STATUS_JOINED) continue;
      const person = chain.person(member.number);
      const recipient = person && people.recipient(person.user, identityIn(this.#replica, person));
      if (recipient) list.push(recipient);
      else if (person) this.#leaveOut(person);
    }
    this.#known = { chain: chain.number, people: people.version, list };
    this.#waitedFor.clear();
    return list;
  }

  /** Everyone who is joined must be known, or a message would silently go without their keys, and whose new identity was signed in here must be so to the
   * engine. In a 1:1 room the other's newest list is asked for again where it is kept back. Rejects as requests do. */
  async meet(): Promise<void> {
    const { chain, ports } = this.#replica;
    const { people } = ports.parts;
    const isDirect = chain.state?.policy.direct === true;
    const asked: string[] = [];
    for (const member of chain.state?.members ?? []) {
      const person = member.status === MemberStatus.MEMBER_STATUS_JOINED ? chain.person(member.number) : undefined;
      if (!person) continue;
      const known = people.get(person.user);
      // Of nobody else: there may be a thousand.
      if (!known || (isDirect && known.withheld)) asked.push(person.user);
      else if (known.changedTo.length > 0)
        await people.approvals.meetCommitted(person.user, identityIn(this.#replica, person), this.#replica.room);
    }
    if (asked.length > 0) await people.refresh(asked, this.#replica.room);
  }

  /** In a 1:1 room, is there nobody but this user's own devices to be given the key? `excluded`: those whom the engine gave none. */
  lacksOther(excluded: readonly Exclusion[] = []): boolean {
    const { user } = this.#replica.ports.parts;
    if (this.#replica.chain.state?.policy.direct !== true) return false;
    const isSwapped = (one: string) => excluded.some((each) => each.user === one && each.reason === 'IDENTITY_CHANGED');
    return !this.list().some((recipient) => recipient.user !== user && !isSwapped(recipient.user));
  }

  /** A listed device was left out for want of its keys: they are fetched, and the message is sealed once more. Rejects with REJECTED BUSY then, and as requests
   * do. */
  async complete(excluded: readonly Exclusion[]): Promise<void> {
    const { parts } = this.#replica.ports;
    const lacking = excluded.filter(({ user, device, reason }) => {
      const tries = this.#waitedFor.get(`${user} ${device}`) ?? 0;
      return incomplete.has(reason) && tries < incompleteTries;
    });
    if (lacking.length === 0) return this.#tellSwapped(excluded);
    parts.count('keys.lacking', lacking.length);
    const users = [...new Set(lacking.map(({ user }) => user))];
    await parts.people.refresh(users, this.#replica.room);
    await parts.engine.refresh(users, this.#replica.room);
    // Counted only where the server answered: a lost connection is no proof that there are no keys.
    for (const { user, device } of lacking) {
      const name = `${user} ${device}`;
      this.#waitedFor.set(name, (this.#waitedFor.get(name) ?? 0) + 1);
    }
    const rejection = Rejection.REJECTION_BUSY;
    throw new ClientError('REJECTED', 'The keys of a receiver are not here yet.', { rejection, retryAfterMs: 100 });
  }

  /** A joined member who gets no keys: without a manifest, or with another identity than the one that counts here. */
  #leaveOut(person: Person): void {
    this.#replica.ports.parts.count('receiver.none');
    if (unheardIn(this.#replica, person) === 'IDENTITY_CHANGED') this.#alarm(person.user);
  }

  /** The engine was shown another identity than the list of devices is of. */
  #tellSwapped(excluded: readonly Exclusion[]): void {
    for (const { user, reason } of excluded) if (reason === 'IDENTITY_CHANGED') this.#alarm(user);
  }

  /** Once for each, as long as this device runs. */
  #alarm(user: string): void {
    if (this.#swapped.has(user)) return;
    this.#swapped.add(user);
    this.#replica.ports.parts.alarm({ code: 'IDENTITY_SWAPPED', room: this.#replica.room, user });
  }
}
