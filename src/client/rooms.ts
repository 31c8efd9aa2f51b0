// All rooms of a device: the list compared with the server's at each login, live subscriptions, and what is pushed, brought to its room.
// Heads are the truth: after `sync` every room holds everything up to the head that the server named, or says why not.
import type { RoomEntry } from '#proto/gen/client.ts';
import { ControlKind, EventKind, MemberStatus } from '#proto/gen/record.ts';
import type { ServerBody } from './connection.ts';
import { ClientError } from './errors.ts';
import type { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';
import { type RoomPorts, RoomReplica } from './room.ts';
import { RoomSender } from './sending.ts';
import { prefixRange } from './store.ts';

// More rooms with the longest ids would not fit the frame of the answer.
const subscribeMax = 150;
// How many rooms fetch at once: more would only fill the window of requests.
const roomsAtOnce = 8;

/** A room with its writing side. */
export interface HeldRoom {
  readonly replica: RoomReplica;
  readonly sender: RoomSender;
}

/** The rooms of this device. */
export class Rooms {
  #parts: () => Parts;
  #outbox: () => Outbox;
  #held = new Map<string, HeldRoom>();
  #invited = new Set<string>();

  constructor(parts: () => Parts, outbox: () => Outbox) {
    this.#parts = parts;
    this.#outbox = outbox;
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

  /** A room by id. Throws UNKNOWN. */
  need(room: string): HeldRoom {
    const held = this.#held.get(room);
    if (!held) throw new ClientError('UNKNOWN', 'There is no such room on this device.');
    return held;
  }

  /** The room, made empty where it is new. */
  hold(room: string): HeldRoom {
    const known = this.#held.get(room);
    if (known) return known;
    const ports: RoomPorts = {
      parts: this.#parts(),
      membersChanged: (replica, change) => this.#membersChanged(replica, change),
      changed: (replica) => this.#changed(replica),
      ownRecord: () => {},
    };
    const replica = new RoomReplica(room, ports);
    const held = { replica, sender: new RoomSender(replica) };
    this.#held.set(room, held);
    return held;
  }

  /** Compares all rooms with the server's list and subscribes. Rejects as requests do. */
  async sync(): Promise<void> {
    const entries: RoomEntry[] = [];
    for (let after = ''; ; ) {
      const page = await this.#parts().request({ $case: 'listRooms', value: { after } }, 'roomList');
      entries.push(...page.rooms);
      after = page.next;
      if (after === '') break;
    }
    const joined = entries
      .filter((entry) => entry.status === MemberStatus.MEMBER_STATUS_JOINED)
      .map((entry) => entry.room);
    const fresh = new Map(entries.map((entry) => [entry.room, entry] as const));
    for (const entry of await this.#subscribe(joined)) fresh.set(entry.room, { ...fresh.get(entry.room), ...entry });
    await eachOf([...fresh.values()], roomsAtOnce, (entry) => this.#compare(entry));
  }

  /** Looks one room up in the server's list and takes what it says: new rooms, invitations, departures. Rejects as requests do. */
  async list(room: string): Promise<void> {
    for (let after = ''; ; ) {
      const page = await this.#parts().request({ $case: 'listRooms', value: { after } }, 'roomList');
      const entry = page.rooms.find((one) => one.room === room);
      if (entry) {
        if (entry.status === MemberStatus.MEMBER_STATUS_JOINED) await this.#subscribe([room]);
        return this.#compare(entry);
      }
      after = page.next;
      if (after === '') return;
    }
  }

  /** A pushed frame about a room. */
  async pushed(body: ServerBody): Promise<void> {
    if (body.$case === 'roomRecords') {
      const held = this.#held.get(body.value.room);
      await held?.replica.push(body.value.records, body.value);
    } else if (body.$case === 'headMoved') {
      await this.#held.get(body.value.room)?.replica.catchUp();
    } else if (body.$case === 'slotChanged' && body.value.slot) {
      await this.#held.get(body.value.room)?.replica.takeSlot(body.value.slot);
    } else if (body.$case === 'ephemeral') {
      this.#ephemeral(body.value.room, body.value.member, body.value.kind);
    }
  }

  async #subscribe(rooms: readonly string[]): Promise<RoomEntry[]> {
    const entries: RoomEntry[] = [];
    for (let at = 0; at < rooms.length; at += subscribeMax) {
      const some = rooms.slice(at, at + subscribeMax);
      const answer = await this.#parts().request({ $case: 'subscribe', value: { rooms: some } }, 'subscribed');
      entries.push(...answer.rooms);
    }
    return entries;
  }

  async #compare(entry: RoomEntry): Promise<void> {
    const { replica } = this.hold(entry.room);
    const firstSight = replica.chain.number === 0;
    await replica.compare(entry);
    if (entry.status === MemberStatus.MEMBER_STATUS_INVITED) this.#tellInvitation(replica);
    else this.#invited.delete(entry.room);
    if (firstSight && replica.joined) await this.#readSlots(replica);
    this.#outbox().kick(entry.room);
  }

  async #readSlots(replica: RoomReplica): Promise<void> {
    const read = { room: replica.room, fromControl: 0, slots: true, stateOffset: 0, afterSlot: '' };
    const { slots } = await this.#parts().request({ $case: 'readRoom', value: read }, 'roomSnapshot');
    for (const slot of slots) await replica.takeSlot(slot);
  }

  #tellInvitation(replica: RoomReplica): void {
    if (this.#invited.has(replica.room)) return;
    this.#invited.add(replica.room);
    this.#parts().emit('invitation', replica.info());
  }

  #changed(replica: RoomReplica): void {
    this.#parts().emit('room', replica.info());
  }

  #membersChanged(replica: RoomReplica, change: { kind: ControlKind; target: number; live: boolean }): void {
    this.#outbox().kick(replica.room);
    if (change.live && change.kind === ControlKind.CONTROL_KIND_ACCEPT) this.#greet(replica, change.target);
  }

  /** Whoever let a member in posts the slots again, under keys that the newcomer has. */
  #greet(replica: RoomReplica, newcomer: number): void {
    const inviter = replica.chain.state?.members.get(newcomer)?.invitedBy;
    if (inviter !== replica.own || newcomer === replica.own) return;
    for (const name of ['name', 'topic', 'picture', 'pins']) {
      const held = replica.slot(name);
      if (held?.content) void this.putSlot(replica.room, name, held.content);
    }
  }

  /** Writes an ordered slot through the outbox. */
  async putSlot(
    room: string,
    slot: string,
    content: NonNullable<ReturnType<RoomReplica['slot']>>['content'],
  ): Promise<void> {
    const { replica } = this.need(room);
    if (!content) return;
    const outbox = this.#outbox();
    const waiting = outbox
      .waiting(room)
      .filter((send) => send.slot === slot)
      .map((send) => send.slotVersion);
    const slotVersion = Math.max(replica.slotVersion(slot), ...waiting) + 1;
    await outbox.add({ room, kind: EventKind.EVENT_KIND_SLOT, content, counts: false, slot, slotVersion });
  }

  #ephemeral(room: string, member: number, kind: number): void {
    const user = this.#held.get(room)?.replica.chain.user(member);
    if (user && user !== this.#parts().user && (kind === 1 || kind === 2))
      this.#parts().emit('typing', { room, user, typing: kind === 1 });
  }
}

async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
