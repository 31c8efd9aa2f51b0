// A room told step by step: keeps state and seq, signs each entry as the actor's device would. For tests and `make.ts` only.
import { type ControlEntry, ControlKind, HistoryFrom, Role, type RoomPolicy } from '../gen/record.ts';
import { noBytes } from '../rules/bytes/bytes.ts';
import { controlHash } from '../rules/bytes/hash.ts';
import { applyControl, type ControlContext, type ControlResult } from '../rules/control/chain.ts';
import type { ControlState } from '../rules/control/state.ts';
import { directRoomId, groupRoomId } from '../rules/ids.ts';
import { type Actor, bodyAfter, bytesOf, contextFor, signBody, testPrimitives, type Wish } from './cast.ts';

/** The policy of a plain group. */
export const groupPolicy: RoomPolicy = {
  direct: false,
  history: HistoryFrom.HISTORY_FROM_JOIN,
  inviteRole: 0,
  slotRole: 0,
  postRole: 0,
  membersMax: 0,
};

/** The policy of every 1:1 room. */
export const directPolicy: RoomPolicy = { ...groupPolicy, direct: true };

/** A room in the making. */
export class Story {
  readonly room: string;
  readonly context: ControlContext;
  state: ControlState | null = null;
  seq = 0;
  readonly entries: { readonly seq: number; readonly entry: ControlEntry }[] = [];
  readonly #byNumber = new Map<number, Actor>();

  private constructor(room: string) {
    this.room = room;
    this.context = contextFor(room, []);
  }

  /** A group created by `owner`, its provider the hub. */
  static group(owner: Actor, policy: RoomPolicy = groupPolicy): Story {
    const provider = owner.user.slice(owner.user.indexOf(':') + 1);
    const wish: Wish = {
      kind: ControlKind.CONTROL_KIND_CREATE,
      target: 1,
      person: owner.commitment,
      role: Role.ROLE_OWNER,
      policy,
      hub: { provider, epoch: 1 },
      nonce: bytesOf('nonce', 16),
    };
    const entry = signBody(bodyAfter(null, owner, wish), owner.device(1).keys);
    const story = new Story(groupRoomId(controlHash(entry.signed, testPrimitives), provider));
    story.know(1, owner);
    story.#must(story.offer(entry));
    return story;
  }

  /** The same, where another one is known who is not in it yet. */
  static acquainted(owner: Actor, other: Actor): Story {
    const story = Story.group(owner);
    story.know(2, other);
    return story;
  }

  /** The 1:1 room of two, created by `one`; the other is not invited yet. */
  static direct(one: Actor, other: Actor, history: HistoryFrom = HistoryFrom.HISTORY_FROM_START): Story {
    const story = new Story(directRoomId(one.user, other.user, testPrimitives));
    story.know(1, one);
    story.do(1, {
      kind: ControlKind.CONTROL_KIND_CREATE,
      room: story.room,
      target: 1,
      person: one.commitment,
      role: Role.ROLE_ADMIN,
      policy: { ...directPolicy, history },
      hub: { provider: story.room.slice(story.room.indexOf(':') + 1), epoch: 1 },
      nonce: bytesOf('nonce', 16),
    });
    return story;
  }

  /** Puts an actor's person and credential on the roll under this number; from now on he signs for it. */
  know(member: number, actor: Actor): void {
    this.#byNumber.set(member, actor);
    this.context.roll.addPerson(actor.person(member));
    this.context.roll.addCredential(actor.credential(member, 1));
  }

  /** Signs what `actor` wishes, without applying it. */
  sign(actor: number, wish: Wish): ControlEntry {
    const person = this.#byNumber.get(actor);
    if (person === undefined) throw new Error(`nobody plays member ${actor}`);
    return signBody(bodyAfter(this.state, person, { actor, ...wish }), person.device(1).keys);
  }

  /** Applies an entry if it is valid; the seq moves on either way. */
  offer(entry: ControlEntry, context: Partial<ControlContext> = {}): ControlResult {
    this.seq += 1;
    const result = applyControl(this.state, entry, { ...this.context, seq: this.seq, ...context });
    if (result.state !== undefined) {
      this.state = result.state;
      this.entries.push({ seq: this.seq, entry });
    }
    return result;
  }

  /** What `actor` wishes, tried: the fault or null. A valid entry is applied. */
  attempt(actor: number, wish: Wish): string | null {
    return this.offer(this.sign(actor, wish)).invalid ?? null;
  }

  /** The same, and it must be valid. */
  do(actor: number, wish: Wish): ControlState {
    return this.#must(this.offer(this.sign(actor, wish)));
  }

  /** Invites a newcomer by `by`; returns the number. */
  invite(
    by: number,
    newcomer: Actor,
    role: Role = this.state?.policy.direct ? Role.ROLE_ADMIN : Role.ROLE_MEMBER,
  ): number {
    const target = (this.state?.members.size ?? 0) + 1;
    this.know(target, newcomer);
    this.do(by, { kind: ControlKind.CONTROL_KIND_INVITE, target, person: newcomer.commitment, role });
    return target;
  }

  /** Invites and lets the newcomer accept. */
  join(by: number, newcomer: Actor, role?: Role): number {
    const member = this.invite(by, newcomer, role);
    this.do(member, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: member });
    return member;
  }

  /** An independent copy, to try one thing and forget it. */
  fork(): Story {
    const copy = new Story(this.room);
    for (const [member, actor] of this.#byNumber) copy.know(member, actor);
    copy.state = this.state;
    copy.seq = this.seq;
    return copy;
  }

  #must(result: ControlResult): ControlState {
    if (result.state === undefined) throw new Error(`invalid: ${result.invalid}`);
    return result.state;
  }
}

/** No person in an entry. */
export const nobody = noBytes;
