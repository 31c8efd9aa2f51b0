// Own read positions on their way to one's other devices, encrypted, so that unread counts agree everywhere and no server knows what was read.
// A position that moved is noted durably until it was sent; what piles up goes as one message. A device that was just confirmed is told
// everything, with the names of rooms whose slots were written before it had keys.
// What comes is durable before the inbox moves on. A crash in between takes the message away, since its ratchet was turned already: a device that
// finds a message of its own user that it can't open any more asks, and is told everything again.
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import type { DeviceMessage, PrivateMessage } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';
import type { Rooms } from '../room/rooms.ts';
import { type LocalChange, prefixRange } from '../store/store.ts';
import { adoptTold, joinTold, positionMessageType, readTold, type Told, tellOf } from './position-message.ts';

/** Milliseconds between two messages: reading fast must not fill the other devices' inboxes. */
const intervalMs = 2_000;
/** Milliseconds between two questions of this device. */
const askAgainMs = 10 * 60_000;
/** Rooms in one message; with names of full length still below the size of a device message. */
const roomsPerMessage = 40;
const earlyMax = 1_000;
// Rows of the account, by what stands before the room or device.
const movedPrefix = 'read ';
const earlyPrefix = 'early ';
const tellPrefix = 'tell ';
const askKey = 'ask positions';

/** What the positions need of the client. */
export interface PositionsPorts {
  readonly parts: () => Parts;
  readonly rooms: () => Pick<Rooms, 'get' | 'all'>;
  /** Ids of one's other devices in the newest manifest. */
  readonly otherDevices: () => readonly string[];
  /** Stores encrypted device messages in their inboxes. Rejects as requests do. */
  readonly send: (messages: readonly DeviceMessage[]) => Promise<void>;
  /** A device that lost messages was told everything about rooms: what else it may have missed. Rejects as requests do. */
  readonly askedBy: (deviceId: string) => Promise<void>;
}

/** Read positions of this user. */
export class Positions {
  #ports: PositionsPorts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rooms of which something was said before this device held them; what it was lies in the store. */
  #early = new Set<string>();
  #askedMs = 0;
  #closed = false;

  constructor(ports: PositionsPorts) {
    this.#ports = ports;
  }

  /** Reads what is kept. To be called when the rooms are there. */
  async load(): Promise<void> {
    const { store } = this.#ports.parts();
    for (const { key } of await store.list('account', { ...prefixRange(earlyPrefix), limit: earlyMax })) {
      const room = key.slice(earlyPrefix.length);
      this.#early.add(room);
      // A crash came between the room and this.
      this.seen(room);
    }
  }

  /** The row that notes a moved position, to be written with the room's own. */
  note(room: string): LocalChange {
    return row(`${movedPrefix}${room}`, Uint8Array.of(1));
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
      rooms.map(({ replica }) => tellOf(replica, true)),
      [device],
    );
  }

  /** Messages may be lost: own devices are asked, now or when there is a connection. Durable when it resolves. */
  async ask(): Promise<void> {
    const now = this.#ports.parts().now();
    if (now - this.#askedMs < askAgainMs) return;
    this.#askedMs = now;
    await this.#ports.parts().store.write([row(askKey, Uint8Array.of(1))]);
    this.kick();
  }

  /** Takes what another own device says; anything else is left alone. Durable when it resolves. */
  async take({ type, sender, device, content }: PrivateMessage): Promise<void> {
    const { user, store, count } = this.#ports.parts();
    if (type !== positionMessageType || sender !== user) return;
    // Signed by its owner is not enough: a device that was taken off says nothing any more.
    if (device === undefined || !this.#ports.otherDevices().includes(device)) return count('positions.refused');
    if (isQuestion(content)) {
      await store.write([row(`${tellPrefix}${device}`, Uint8Array.of(1))]);
      this.kick();
    }
    for (const told of readTold(content)) await this.#adopt(told);
  }

  /** A room is here now: what was said of it before is taken. */
  seen(room: string): void {
    if (!this.#early.has(room) || !this.#ports.rooms().get(room)) return;
    this.#early.delete(room);
    this.#ports.parts().background(async () => {
      const { store } = this.#ports.parts();
      const key = `${earlyPrefix}${room}`;
      const kept = await store.get('account', key);
      for (const told of readRow(kept)) await this.#adopt(told);
      await store.write([row(key)]);
    });
  }

  /** Ends what waits for its time; it is noted. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #flush(): Promise<void> {
    const { store } = this.#ports.parts();
    await this.#flushMoved();
    if (await store.get('account', askKey)) {
      await this.#seal({ ask: true }, this.#ports.otherDevices());
      await store.write([row(askKey)]);
    }
    for (const { key } of await store.list('account', prefixRange(tellPrefix))) {
      const device = key.slice(tellPrefix.length);
      if (this.#ports.otherDevices().includes(device)) {
        await this.tellAll(device);
        await this.#ports.askedBy(device);
      }
      await store.write([row(key)]);
    }
  }

  async #flushMoved(): Promise<void> {
    const { store } = this.#ports.parts();
    const devices = this.#ports.otherDevices();
    const noted = await store.list('account', { ...prefixRange(movedPrefix), limit: 10_000 });
    if (noted.length === 0) return;
    const replicas = noted.flatMap(({ key }) => this.#ports.rooms().get(key.slice(movedPrefix.length))?.replica ?? []);
    const positions = replicas.map((replica) => tellOf(replica, false));
    await this.#send(positions, devices);
    const unmoved = new Set(
      replicas.filter((replica, at) => replica.local.readSeq === positions[at]?.seq).map(({ room }) => room),
    );
    const done = noted.filter(({ key }) => unmoved.has(key.slice(movedPrefix.length)));
    await store.write(done.map(({ key }) => row(key)));
  }

  async #send(rooms: readonly Told[], devices: readonly string[]): Promise<void> {
    for (let at = 0; at < rooms.length; at += roomsPerMessage)
      await this.#seal({ rooms: rooms.slice(at, at + roomsPerMessage) }, devices);
  }

  async #seal(content: object, devices: readonly string[]): Promise<void> {
    if (devices.length === 0) return;
    const { engine, user } = this.#ports.parts();
    const messages = await engine.sealForDevices(positionMessageType, content, [{ user, devices }]);
    if (messages.length > 0) await this.#ports.send(messages);
  }

  async #adopt(told: Told): Promise<void> {
    const replica = this.#ports.rooms().get(told.room)?.replica;
    if (replica) return adoptTold(replica, told);
    if (!this.#early.has(told.room) && this.#early.size >= earlyMax) return;
    const { store } = this.#ports.parts();
    const key = `${earlyPrefix}${told.room}`;
    const [before] = readRow(await store.get('account', key));
    await store.write([row(key, utf8Bytes(JSON.stringify({ rooms: [before ? joinTold(before, told) : told] })))]);
    this.#early.add(told.room);
    // The room may have come meanwhile.
    this.seen(told.room);
  }
}

function isQuestion(content: unknown): boolean {
  return typeof content === 'object' && content !== null && 'ask' in content && content.ask === true;
}

function readRow(value: Uint8Array | undefined): readonly Told[] {
  return value ? readTold(JSON.parse(new TextDecoder().decode(value))) : [];
}

function row(key: string, value?: Uint8Array): LocalChange {
  return { table: 'account', key, value };
}
