// Own read positions on their way to one's other devices, encrypted, so that unread counts agree everywhere and no server knows what was read.
// A position that moved is noted durably until it was sent; what piles up goes as one message. A device that was just confirmed is told
// everything, with the names of rooms whose slots were written before it had keys.
import { Content } from '#proto/gen/content.ts';
import { SlotWrite } from '#proto/gen/record.ts';
import { fromBase64, toBase64 } from '#proto/rules/base.ts';
import type { DeviceMessage, PrivateMessage } from './crypto/engine.ts';
import type { Parts } from './parts.ts';
import type { RoomReplica } from './room.ts';
import { adoptSlot } from './room-slots.ts';
import type { Rooms } from './rooms.ts';
import { type LocalChange, prefixRange } from './store.ts';

/** Type of the device message. */
const messageType = 'lu.luxchat.rooms';
/** Milliseconds between two messages: reading fast must not fill the other devices' inboxes. */
const intervalMs = 2_000;
/** Rooms in one message; with names of full length still below the size of a device message. */
const roomsPerMessage = 40;
const keyPrefix = 'read ';
const earlyMax = 1_000;

/** What the positions need of the client. */
export interface PositionsPorts {
  readonly parts: () => Parts;
  readonly rooms: () => Rooms;
  /** Ids of one's other devices in the newest manifest. */
  readonly otherDevices: () => readonly string[];
  /** Stores encrypted device messages in their inboxes. Rejects as requests do. */
  readonly send: (messages: readonly DeviceMessage[]) => Promise<void>;
}

interface Told {
  readonly room: string;
  readonly seq: number;
  readonly count: number;
  readonly slots: readonly { readonly slot: string; readonly version: number; readonly content: string }[];
}

/** Read positions of this user. */
export class Positions {
  #ports: PositionsPorts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Said of rooms that this device does not hold yet. */
  #early = new Map<string, unknown>();
  #closed = false;

  constructor(ports: PositionsPorts) {
    this.#ports = ports;
  }

  /** The row that notes a moved position, to be written with the room's own. */
  note(room: string): LocalChange {
    return { table: 'account', key: `${keyPrefix}${room}`, value: Uint8Array.of(1) };
  }

  /** Sends what is noted: at once, or when the interval is over. */
  kick(): void {
    if (this.#timer !== undefined || this.#closed || !this.#ports.parts().live()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // What was noted while this was on its way.
      this.#ports.parts().background(() => this.#flush());
    }, intervalMs);
    this.#ports.parts().background(() => this.#flush());
  }

  /** Tells a device of this user everything. Rejects as requests do. */
  async tellAll(device: string): Promise<void> {
    const rooms = this.#ports.rooms().all();
    await this.#send(
      rooms.map(({ replica }) => told(replica, true)),
      [device],
    );
  }

  /** Takes what another own device says; anything else is left alone. */
  async take(message: PrivateMessage): Promise<void> {
    if (message.type !== messageType || message.sender !== this.#ports.parts().user) return;
    const { rooms } = message.content as { rooms?: unknown };
    for (const said of Array.isArray(rooms) ? rooms : []) await this.#adopt(said);
  }

  /** A room is here now: what was said of it before is taken. */
  seen(room: string): void {
    const said = this.#early.get(room);
    if (said === undefined || !this.#ports.rooms().get(room)) return;
    this.#early.delete(room);
    this.#ports.parts().background(() => this.#adopt(said));
  }

  /** Ends what waits for its time; it is noted. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #flush(): Promise<void> {
    const { store } = this.#ports.parts();
    const devices = this.#ports.otherDevices();
    const noted = await store.list('account', { ...prefixRange(keyPrefix), limit: 10_000 });
    if (noted.length === 0) return;
    const replicas = noted.flatMap(({ key }) => this.#ports.rooms().get(key.slice(keyPrefix.length))?.replica ?? []);
    const positions = replicas.map((replica) => told(replica, false));
    if (devices.length > 0) await this.#send(positions, devices);
    const unmoved = new Set(
      replicas.filter((replica, at) => replica.local.readSeq === positions[at]?.seq).map(({ room }) => room),
    );
    const done = noted.filter(({ key }) => unmoved.has(key.slice(keyPrefix.length)));
    await store.write(done.map(({ key }) => ({ table: 'account', key, value: undefined })));
  }

  async #send(rooms: readonly Told[], devices: readonly string[]): Promise<void> {
    const { engine, user } = this.#ports.parts();
    for (let at = 0; at < rooms.length; at += roomsPerMessage) {
      const content = { rooms: rooms.slice(at, at + roomsPerMessage) };
      const messages = await engine.sealForDevices(messageType, content, [{ user, devices }]);
      if (messages.length > 0) await this.#ports.send(messages);
    }
  }

  async #adopt(said: unknown): Promise<void> {
    if (typeof said !== 'object' || said === null) return;
    const { room, seq, count, slots } = said as Record<string, unknown>;
    const replica = typeof room === 'string' ? this.#ports.rooms().get(room)?.replica : undefined;
    if (!replica) {
      if (typeof room === 'string' && this.#early.size < earlyMax) this.#early.set(room, said);
      return;
    }
    if (isCount(seq) && isCount(count) && replica.readTo(seq, count)) {
      await replica.save();
      replica.ports.changed(replica);
    }
    for (const one of Array.isArray(slots) ? slots : []) {
      const { slot, version, content } = one as Record<string, unknown>;
      const bytes = typeof content === 'string' ? fromBase64(content) : null;
      if (typeof slot !== 'string' || !isCount(version) || !bytes) continue;
      await adoptSlot(replica, slot, version, Content.decode(bytes));
    }
  }
}

function told(replica: RoomReplica, withSlots: boolean): Told {
  const { room, local } = replica;
  const slots = local.slots.flatMap(({ slot, content }) => {
    if (!slot || !content) return [];
    const write = SlotWrite.decode(slot.write);
    const named = write.slot === 'name' || write.slot === 'topic';
    return named
      ? [{ slot: write.slot, version: write.version, content: toBase64(Content.encode(content).finish()) }]
      : [];
  });
  return { room, seq: local.readSeq, count: local.readCount, slots: withSlots ? slots : [] };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
