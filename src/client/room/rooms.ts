// All rooms of a device: the list compared with the server's at each login, live subscriptions, and what is pushed, brought to its room.
// Heads are the truth: after `sync` every room holds everything up to the head that the server named, or is asked for again until it does.
import { EphemeralKind, type RoomEntry } from '#proto/gen/client.ts';
import type { Content } from '#proto/gen/content.ts';
import { ControlKind, EventKind, MemberStatus } from '#proto/gen/record.ts';
import { isJoined as isJoinedThere } from '#proto/rules/control/state.ts';
import { directRoomId, isUserId } from '#proto/rules/ids.ts';
import { partings } from '../chain/partings.ts';
import type { ServerBody } from '../connection/connection.ts';
import { pause } from '../connection/requests.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { Outbox } from '../sending/outbox.ts';
import { RoomSender } from '../sending/sending.ts';
import { prefixRange } from '../store/store.ts';
import { RoomReplica } from './room.ts';
import { isIn, type MemberChange, type RoomPorts } from './room-copy.ts';
import type { Marks } from './room-fetch.ts';
import { readSlots, slotNamed, slotVersion } from './room-slots.ts';

// More rooms with the longest ids would not fit the frame of the answer.
const subscribeMax = 150;
const subscribeTries = 4;
// How many rooms fetch at once: more would only fill the window of requests.
const roomsAtOnce = 8;
/** Milliseconds until a room that could not be brought up to date is tried again; doubles up to the longest. */
const behindFirstMs = 500;
const behindLongestMs = 60_000;
const orderedSlots = ['name', 'topic', 'picture', 'pins'] as const;

/** A room with its writing side. */
export interface HeldRoom {
  readonly replica: RoomReplica;
  readonly sender: RoomSender;
}

/** Somebody's new identity was signed in there. */
type IdentitySigned = (replica: RoomReplica, user: string) => void;

/** The rooms of this device. */
export class Rooms {
  #parts: () => Parts;
  #outbox: () => Outbox;
  #identitySigned: IdentitySigned;
  #went: (replica: RoomReplica) => void;
  #held = new Map<string, HeldRoom>();
  #invited = new Set<string>();
  #slotsRead = new Set<string>();
  /** Tries of rooms that could not be brought up to date, and when the next one is due. */
  #behind = new Map<string, number>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** `went`: somebody went from there. */
  constructor(
    parts: () => Parts,
    outbox: () => Outbox,
    identitySigned: IdentitySigned = () => {},
    went: (replica: RoomReplica) => void = () => {},
  ) {
    this.#parts = parts;
    this.#outbox = outbox;
    this.#identitySigned = identitySigned;
    this.#went = went;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    for (const { key, value } of await this.#parts().store.list('rooms', { ...prefixRange('!'), limit: 100_000 })) {
      await this.hold(key).replica.load(value);
    }
  }

  /** All rooms held. */
  all(): HeldRoom[] {
    return [...this.#held.values()];
  }

  /** A room, if held. */
  get(room: string): HeldRoom | undefined {
    return this.#held.get(room);
  }

  /** The 1:1 room with a user, if held. */
  direct(user: string): HeldRoom | undefined {
    const { user: self, primitives } = this.#parts();
    return isUserId(user) && user !== self ? this.#held.get(directRoomId(self, user, primitives)) : undefined;
  }

  /** A room in which this user and another both are, or ''. */
  shared(user: string): string {
    const isShared = ({ replica: { joined, chain } }: HeldRoom) => {
      const status = chain.state?.members.get(chain.memberOf(user))?.status;
      return joined && (status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_INVITED);
    };
    // A bot has thousands of rooms, each with one person: theirs is looked at first.
    const direct = this.direct(user);
    const found = direct && isShared(direct) ? direct : this.all().find(isShared);
    return found?.replica.room ?? '';
  }

  /** Is this user in a room that is held here, was in one, or invites into one? */
  meets(user: string): boolean {
    return this.all().some(({ replica: { invitedBy, chain } }) => invitedBy === user || chain.memberOf(user) > 0);
  }

  /** A room by id; `hidden`: also one with somebody who is blocked. Throws UNKNOWN. */
  need(room: string, { hidden = false }: { readonly hidden?: boolean } = {}): HeldRoom {
    const held = this.#held.get(room);
    if (!held) throw new ClientError('UNKNOWN', 'There is no such room on this device.');
    if (!hidden && this.#parts().hidesRoom(room))
      throw new ClientError('UNKNOWN', 'You block this person: unblock them first.');
    return held;
  }

  /** The room, made empty where it is new. */
  hold(room: string): HeldRoom {
    const known = this.#held.get(room);
    if (known) return known;
    const ports: RoomPorts = {
      parts: this.#parts(),
      membersChanged: (change) => this.#membersChanged(replica, change),
      changed: () => this.#parts().emit('room', replica.info()),
      outbox: this.#outbox(),
    };
    const replica: RoomReplica = new RoomReplica(room, ports);
    const held = { replica, sender: new RoomSender(replica) };
    this.#held.set(room, held);
    return held;
  }

  /** Compares all rooms with the server's list and subscribes. Rejects as requests do; a single room that fails is tried again by itself. */
  async sync(): Promise<void> {
    const marks = new Map(this.all().map(({ replica }) => [replica.room, replica.marks()] as const));
    const nothingHeld = this.#nothingHeld();
    const entries = new Map<string, RoomEntry>();
    for (let after = ''; ; ) {
      const page = await this.#parts().request({ $case: 'listRooms', value: { after, room: '' } }, 'roomList');
      for (const entry of page.rooms) entries.set(entry.room, entry);
      if (page.next === '' || page.next <= after) break;
      after = page.next;
    }
    for (const { replica } of this.all()) replica.listed = entries.has(replica.room);
    const joined = [...entries.values()].filter(isJoined).map((entry) => entry.room);
    const { live, gone } = await this.#subscribe(joined);
    this.#doubt(gone);
    for (const entry of live) entries.set(entry.room, { ...entry, name: entry.name ?? entries.get(entry.room)?.name });
    for (const room of gone) entries.delete(room);
    await eachOf([...entries.values()], roomsAtOnce, (entry) =>
      this.#tryRoom(entry.room, () => this.#compare(entry, marks.get(entry.room) ?? nothingHeld)),
    );
  }

  /** Looks one room up in the server's list and takes what it says: new rooms, invitations, departures. Rejects as requests do. */
  async list(room: string): Promise<void> {
    const marks = this.#held.get(room)?.replica.marks() ?? this.#nothingHeld();
    // The list is ordered by id: to a server from before `room` this is right before it.
    const value = { after: room.slice(0, -1), room };
    const page = await this.#parts().request({ $case: 'listRooms', value }, 'roomList');
    const entry = page.rooms.find((one) => one.room === room);
    if (!entry) return;
    const { live, gone } = isJoined(entry) ? await this.#subscribe([room]) : noRooms;
    this.#doubt(gone);
    if (gone.length === 0) await this.#compare(live[0] ?? entry, marks);
  }

  #nothingHeld(): Marks {
    return { seq: 0, control: 0, askedMs: this.#parts().now() };
  }

  /** Has the server name the heads of rooms that this user is in: see RoomCopy.saw. */
  async look(user: string): Promise<void> {
    for (const { replica } of this.all()) {
      const { chain, joined, room } = replica;
      const isThere = joined && chain.state && isJoinedThere(chain.state, chain.memberOf(user));
      if (isThere && this.#parts().live()) await this.#tryRoom(room, () => this.list(room));
    }
  }

  /** A pushed frame about a room. What fails is tried again later. */
  async pushed(body: ServerBody): Promise<void> {
    if (body.$case === 'roomRecords') {
      const { room, records } = body.value;
      await this.#tryRoom(room, async () => this.#held.get(room)?.replica.push(records, body.value));
    } else if (body.$case === 'headMoved') {
      await this.#tryRoom(body.value.room, () => this.#moved(body.value.room));
    } else if (body.$case === 'slotChanged' && body.value.slot) {
      await this.#held.get(body.value.room)?.replica.takeSlot(body.value.slot);
    } else if (body.$case === 'ephemeral') {
      this.#ephemeral(body.value.room, body.value.member, body.value.kind);
    }
  }

  /** A standing came: a room to follow, to join, or to let go. Rejects as requests do. */
  async standing(room: string, status: MemberStatus): Promise<void> {
    await this.#held.get(room)?.replica.stand(status);
    await this.#tryRoom(room, () => this.list(room));
  }

  /** What people say in these rooms is shown again: what lies there by now counts as read, and nobody is told so. Rejects as requests do. */
  async back(rooms: readonly string[]): Promise<void> {
    await this.sync();
    for (const room of rooms) {
      const replica = this.#held.get(room)?.replica;
      const head = replica?.local.head;
      if (!replica || !head || !replica.readTo(head.seq, head.count)) continue;
      await replica.save();
      this.#parts().emit('room', replica.info());
    }
  }

  /** Writes an ordered slot through the outbox. Without content: what the slot holds is posted again, unless someone wrote it meanwhile. */
  async putSlot(room: string, slot: string, content: Content | undefined): Promise<void> {
    const { replica } = this.need(room);
    const send = { room, kind: EventKind.EVENT_KIND_SLOT, counts: false, slot };
    const version = slotVersion(replica.local.slots, slot);
    await this.#outbox().add(content ? { ...send, content } : { ...send, slotVersion: version });
  }

  /** Ends what waits for its time. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async #moved(room: string): Promise<void> {
    const held = this.#held.get(room);
    if (held?.replica.joined) await held.replica.catchUp();
    else await this.list(room);
  }

  /** Rooms that the list calls joined and their hub refuses. One that is shown here is looked up again until the two agree: the standing that says
   * how it is may be metered, or late. */
  #doubt(gone: readonly string[]): void {
    for (const room of gone) if (this.#held.has(room)) this.#later(room);
  }

  /** Subscribes. Rooms that the server put off are asked for again. `gone`: this user is not in them any more, whatever the list said; a standing will
   * say how it is. */
  async #subscribe(rooms: readonly string[]): Promise<Subscribed> {
    const live: RoomEntry[] = [];
    const gone: string[] = [];
    let waiting = [...rooms];
    for (let attempt = 0; waiting.length > 0; ) {
      const some = waiting.slice(0, subscribeMax);
      const answer = await this.#parts().request({ $case: 'subscribe', value: { rooms: some } }, 'subscribed');
      live.push(...answer.rooms);
      gone.push(...answer.refused);
      waiting = [...waiting.slice(some.length), ...answer.deferred];
      if (answer.deferred.length < some.length) continue;
      attempt += 1;
      if (attempt === subscribeTries) break;
      await pause(200 * attempt * (1 + this.#parts().random()));
    }
    // Busy still: looked up again later.
    for (const room of waiting) this.#later(room);
    return { live, gone };
  }

  async #compare(entry: RoomEntry, marks: Marks): Promise<void> {
    const { replica } = this.hold(entry.room);
    replica.listed = true;
    if (isJoined(entry) && entry.headSeq === 0) {
      // The server does not know the head just now.
      this.#later(entry.room);
      return;
    }
    await replica.compare(entry, marks);
    if (entry.status === MemberStatus.MEMBER_STATUS_INVITED) this.#tellInvitation(replica);
    else this.#invited.delete(entry.room);
    if (replica.joined && entry.name) await replica.takeSlot(entry.name);
    if (replica.joined && !this.#slotsRead.has(entry.room)) this.#readSlots(replica);
    this.#outbox().kick(entry.room);
  }

  /** Keys came with which more of a room's state can be read. */
  readSlots(room: string): void {
    const replica = this.#held.get(room)?.replica;
    if (replica?.joined) this.#readSlots(replica);
  }

  /** Receipts, and what others set before this device looked: once a run, since changes are pushed. */
  #readSlots(replica: RoomReplica): void {
    this.#slotsRead.add(replica.room);
    this.#parts().background(async () => {
      try {
        await replica.exclusive(() => readSlots(replica));
      } catch (error) {
        this.#slotsRead.delete(replica.room);
        throw error;
      }
    });
  }

  /** Runs work on a room. What the server refuses or does not hand out is tried again later; a lost connection brings the next `sync`. */
  async #tryRoom(room: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      // Not where the work itself asked for another look: pauses would never grow.
      if (!this.#timers.has(room)) this.#behind.delete(room);
    } catch (error) {
      if (!(error instanceof ClientError) || !retryHelps.has(error.code)) throw error;
      this.#parts().count('room.behind');
      this.#later(room);
    }
  }

  #later(room: string): void {
    if (this.#timers.has(room)) return;
    const tries = this.#behind.get(room) ?? 0;
    this.#behind.set(room, tries + 1);
    const ms = Math.min(behindFirstMs * 2 ** tries, behindLongestMs) * (1 + this.#parts().random() / 2);
    const timer = setTimeout(() => {
      this.#timers.delete(room);
      // Without a connection the next `sync` looks at every room.
      if (this.#parts().live()) this.#parts().background(() => this.#tryRoom(room, () => this.list(room)));
    }, ms);
    this.#timers.set(room, timer);
  }

  #tellInvitation(replica: RoomReplica): void {
    if (this.#invited.has(replica.room)) return;
    this.#invited.add(replica.room);
    this.#parts().emit('invitation', replica.info());
  }

  #membersChanged(replica: RoomReplica, change: MemberChange): void {
    this.#outbox().kick(replica.room);
    if (!change.news) return;
    if (partings.has(change.kind)) this.#went(replica);
    if (change.kind === ControlKind.CONTROL_KIND_ACCEPT)
      this.#greet(replica, change.target, replica.chain.state?.members.get(change.target)?.invitedBy);
    if (change.kind !== ControlKind.CONTROL_KIND_IDENTITY) return;
    this.#greet(replica, change.target, change.actor);
    this.#identitySigned(replica, replica.chain.user(change.target));
  }

  /** Whoever let a member in posts the slots again, under keys that the newcomer has. */
  #greet(replica: RoomReplica, newcomer: number, by: number | undefined): void {
    if (by !== replica.own || newcomer === replica.own) return;
    for (const name of orderedSlots) {
      if (!slotNamed(replica.local.slots, name)?.content) continue;
      this.#parts().background(() => this.putSlot(replica.room, name, undefined));
    }
  }

  #ephemeral(room: string, member: number, kind: number): void {
    const user = this.#held.get(room)?.replica.chain.user(member);
    if (!user || user === this.#parts().user || this.#parts().hides(user, this.#parts().now())) return;
    const { EPHEMERAL_KIND_TYPING, EPHEMERAL_KIND_TYPING_STOPPED, EPHEMERAL_KIND_ONLINE } = EphemeralKind;
    if (kind === EPHEMERAL_KIND_TYPING || kind === EPHEMERAL_KIND_TYPING_STOPPED)
      this.#parts().emit('typing', { room, user, typing: kind === EPHEMERAL_KIND_TYPING });
    else if (kind === EPHEMERAL_KIND_ONLINE) this.#parts().emit('online', { room, user });
  }
}

interface Subscribed {
  readonly live: readonly RoomEntry[];
  readonly gone: readonly string[];
}

const noRooms: Subscribed = { live: [], gone: [] };

/** Failures of one room that must not stop the others. */
const retryHelps: ReadonlySet<ClientError['code']> = new Set(['REJECTED', 'PROTOCOL']);

function isJoined(entry: RoomEntry): boolean {
  return isIn(entry.status);
}

async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
