// How fast a user may do what costs others, and how fast others may fill this user's inbox: one bucket per matter, filled with time. A bucket is one
// number, the time at which it is full again. Where the buckets are kept is for their owner: those of the account are rows, since whoever could
// wait until they are forgotten would have no limit; the others are memory, which half a minute without work empties and so fills them.
import type { FillingBucket } from '#proto/gen/account.ts';
import { userLimits } from '../limits.ts';

/** What is metered. `standing`: by who changed how this user stands in a room. */
export type Metered = 'manifest' | 'claim' | 'stranger' | 'standing' | 'invite' | 'inviteYoung';

const rates: Readonly<Record<Metered, { readonly burst: number; readonly everyMs: number }>> = {
  manifest: { burst: userLimits.manifestBurst, everyMs: userLimits.manifestEveryMs },
  claim: { burst: userLimits.claimBurst, everyMs: userLimits.claimEveryMs },
  stranger: { burst: userLimits.strangerBurst, everyMs: userLimits.strangerEveryMs },
  standing: { burst: userLimits.standingBurst, everyMs: userLimits.standingEveryMs },
  invite: { burst: userLimits.inviteBurst, everyMs: userLimits.inviteEveryMs },
  inviteYoung: { burst: userLimits.inviteYoungBurst, everyMs: userLimits.inviteYoungEveryMs },
};

/** Those of the user's own doings are never forgotten for those that others fill. */
const own: ReadonlySet<string> = new Set<Metered>(['stranger', 'invite', 'inviteYoung']);

/** Some of the buckets of one user. At most 128: the one that is full soonest is forgotten. */
export class Buckets {
  readonly #fullMs = new Map<string, number>();

  /** From a row. */
  constructor(row: readonly FillingBucket[] = []) {
    for (const { name, fullMs } of row) this.#fullMs.set(name, fullMs);
  }

  /** 0 = it holds so much; else how many milliseconds until it does. More than the whole burst never fits. */
  waitMs(metered: Metered, amount: number, { now, of }: { now: number; of?: string }): number {
    const { burst, everyMs } = rates[metered];
    const full = this.#fullMs.get(nameOf(metered, of)) ?? 0;
    // A clock that went back makes nobody wait longer than an empty bucket does.
    const fillsMs = Math.min(Math.max(0, full - now), burst * everyMs);
    return Math.max(0, fillsMs + (amount - burst) * everyMs);
  }

  /** Takes so much out, whether it holds it or not. */
  charge(metered: Metered, amount: number, { now, of }: { now: number; of?: string }): void {
    const { burst, everyMs } = rates[metered];
    const name = nameOf(metered, of);
    const full = Math.min(Math.max(now, this.#fullMs.get(name) ?? 0), now + burst * everyMs);
    this.#fullMs.set(name, full + amount * everyMs);
    if (this.#fullMs.size > userLimits.bucketsMax) this.#forgetOne(name);
  }

  /** Takes so much out, if it holds it: 0, or how many milliseconds to wait. */
  take(metered: Metered, amount: number, now: number): number {
    const waitMs = this.waitMs(metered, amount, { now });
    if (waitMs === 0) this.charge(metered, amount, { now });
    return waitMs;
  }

  /** For a row: those that are not full by then, in order of name, so that equal contents are equal bytes. */
  toRow(now: number): FillingBucket[] {
    const filling = [...this.#fullMs].filter(([, fullMs]) => fullMs > now);
    return filling.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fullMs]) => ({ name, fullMs }));
  }

  #forgetOne(except: string): void {
    const [soonest] = [...this.#fullMs]
      .filter(([name]) => name !== except && !own.has(name))
      .sort(([a, left], [b, right]) => left - right || (a < b ? -1 : 1));
    if (soonest !== undefined) this.#fullMs.delete(soonest[0]);
  }
}

function nameOf(metered: Metered, of: string | undefined): string {
  return of === undefined ? metered : `${metered}/${of}`;
}
