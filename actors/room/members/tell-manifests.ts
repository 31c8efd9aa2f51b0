// Tells the members of a room that one of them published a manifest: the newest of each publisher, so many at a time, for in a large room everyone hears of
// everyone. Best effort: the truth travels in payloads, and what is left when the actor goes is lost.
import { userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import { type ManifestHead, MemberStatus } from '#proto/gen/record.ts';
import type { RoomContext } from '../context.ts';

/** Name of the timer after which more are told. */
export const manifestsTimer = 'manifests';

interface Notice {
  readonly head: ManifestHead;
  /** Member number to go on with. */
  next: number;
}

/** The notices of one room that are not out yet. */
export class ManifestNotices {
  readonly #context: RoomContext;
  /** By member number of the publisher. */
  readonly #notices = new Map<number, Notice>();
  #isTicking = false;

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** Nothing is left to be told. */
  get done(): boolean {
    return this.#notices.size === 0;
  }

  /** A member published: the others hear of it, at once where no tick is under way. */
  add(publisher: number, head: ManifestHead): readonly Effect[] {
    this.#notices.delete(publisher);
    this.#notices.set(publisher, { head, next: 1 });
    return this.#isTicking ? [] : this.tick();
  }

  /** The timer fired. */
  tick(): readonly Effect[] {
    const { noticesPerTick, noticeTickMs } = this.#context.options.limits;
    const effects: Effect[] = [];
    for (const [publisher, notice] of this.#notices) {
      this.#tell(publisher, notice, { effects, max: noticesPerTick });
      if (effects.length === noticesPerTick) break;
      this.#notices.delete(publisher);
    }
    this.#isTicking = effects.length > 0;
    if (this.#isTicking) effects.push({ kind: 'startTimer', name: manifestsTimer, delayMs: noticeTickMs });
    return effects;
  }

  /** Tells as many as there is room for; the publisher and those who did not accept yet hear nothing. */
  #tell(publisher: number, notice: Notice, to: { readonly effects: Effect[]; readonly max: number }): void {
    const { state } = this.#context;
    const user = state.people.userOf(publisher);
    const members = state.chain?.members;
    if (user === undefined || members === undefined) return;
    const { head } = notice;
    for (; to.effects.length < to.max && notice.next <= members.size; notice.next++) {
      const other = notice.next === publisher ? undefined : state.people.userOf(notice.next);
      if (other === undefined || members.get(notice.next)?.status !== MemberStatus.MEMBER_STATUS_JOINED) continue;
      to.effects.push({ kind: 'send', to: userAddress(other), message: { kind: 'manifestMoved', user, head } });
    }
  }
}
