// Which identity of a person counts: the one seen first, or another that somebody approved, compared, or signed in where a room's chain says so.
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import type { DeviceParts } from '../device-parts.ts';
import { ClientError } from '../errors.ts';
import { hasStartedOver, type Known, shownIdentity } from './known.ts';
import type { KnownPeople } from './known-people.ts';

/** See above. */
export class Approvals {
  #parts: () => DeviceParts;
  #known: KnownPeople;

  constructor(parts: () => DeviceParts, known: KnownPeople) {
    this.#parts = parts;
    this.#known = known;
  }

  /** Accepts this identity of a user, the one that a person saw and nothing else, also one that this device never knew otherwise. False where it was accepted
   * before, or the user never had another. Rejects with UNTRUSTED where the user has another one by now, with OFFLINE where the engine can't have it. */
  async approve(user: string, identity: Uint8Array): Promise<boolean> {
    const known = this.#shown(user, identity);
    if (!known || !hasStartedOver(known) || (known.approved && known.changedTo.length === 0)) return false;
    if (!(await this.#pin(user, identity)))
      throw new ClientError('OFFLINE', 'The keys of this identity could not be had now. Try again.');
    // A newer list may have come meanwhile.
    const { row } = this.#shown(user, identity) ?? known;
    await this.#known.keep({ ...row, fingerprint: identity, changedTo: new Uint8Array(), approved: true });
    return true;
  }

  /** The person at this device compared this identity of a user, or had it from their contact link. True where it is the one that is trusted; elsewhere
   * nothing is noted. */
  async noteCompared(user: string, identity: Uint8Array): Promise<boolean> {
    const known = this.#known.get(user);
    if (!known || known.changedTo.length > 0 || !equalBytes(known.fingerprint, identity)) return false;
    if (!known.compared) await this.#known.keep({ ...known.row, compared: true });
    return true;
  }

  /** A room's chain commits this user to an identity: where that is the changed one of the newest manifest, the engine is told to work with it. What it may
   * read and write is then decided room by room, and nobody is approved by it anywhere else. True where it works with it. */
  async meetCommitted(user: string, committed: Uint8Array, room: string): Promise<boolean> {
    const changedTo = this.#known.get(user)?.changedTo ?? noBytes;
    if (changedTo.length === 0 || !equalBytes(changedTo, committed)) return false;
    return this.#pin(user, committed, room);
  }

  /** Has the engine work with exactly this identity. False where it has another one, also after a look at the server. */
  async #pin(user: string, identity: Uint8Array, room?: string): Promise<boolean> {
    const { engine } = this.#parts();
    const present = await engine.identity(user);
    const isPresent = present !== undefined && equalBytes(present.masterKey, identity);
    if (isPresent && !present.changed) return true;
    if (!isPresent) await engine.refresh([user], room);
    return (await engine.identity(user)) !== undefined && engine.approveIdentity(user, identity);
  }

  /** The user, if known. Throws UNTRUSTED where they are shown with another identity than this one. */
  #shown(user: string, identity: Uint8Array): Known | undefined {
    const known = this.#known.get(user);
    if (known && !equalBytes(shownIdentity(known), identity))
      throw new ClientError('UNTRUSTED', 'This person has yet another identity by now: compare that one with them.');
    return known;
  }
}
