// A server that lies: a man in the middle between one device and a real provider, who reads every frame and makes of it what a script says. Being
// the hub for that device it stamps records anew, so that its history is whole in itself: a lie is never found out by a clumsy hash.
import { type WebSocket as Socket, WebSocket, WebSocketServer } from 'ws';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import { ClientFrame, type RoomEntry, type RoomRecords, ServerFrame } from '#proto/gen/client.ts';
import { type Event, EventHeader, type Record, Stamp } from '#proto/gen/record.ts';
import { joinFrames, splitFrames } from '#proto/rules/bytes/frames.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { type LogHead, stampEvent } from '#proto/rules/record/record.ts';

type Asked = NonNullable<ClientFrame['body']>;
type Told = NonNullable<ServerFrame['body']>;

/** What the hub's part of the liar makes of a record that the true hub ordered: nothing, itself, or others in its place. */
export type Edit = (record: Record, header: EventHeader) => readonly Pick<Record, 'header' | 'body' | 'emptiedBy'>[];

/** A man in the middle for one device. */
export class Liar {
  readonly url: string;
  /** Every request of the device, also those that went no further. */
  readonly asked: Asked[] = [];
  /** Every message that the provider sent, as it came. */
  readonly told: Uint8Array[] = [];
  /** Makes something else of an answer or push. */
  down: (told: Told, asked: Asked | undefined) => Told = (told) => told;
  /** Answers a request in the provider's place; undefined lets it through. */
  up: (asked: Asked) => Told | undefined = () => undefined;
  readonly #histories = new Map<string, History>();
  readonly #server: WebSocketServer;
  #device: Socket | undefined;

  private constructor(server: WebSocketServer, provider: string) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as { port: number }).port}/ws`;
    server.on('connection', (device) => this.#bridge(device, provider));
  }

  /** Starts one in front of a provider. */
  static async start(provider: { readonly port: number }): Promise<Liar> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    return new Liar(server, `ws://127.0.0.1:${provider.port}/ws`);
  }

  /** From here on the device hears what `edit` makes of the room's records, in a history of its own. */
  rewrite(room: string, edit: Edit): void {
    const history = this.history(room);
    history.edit = edit;
    history.lying = true;
  }

  /** Adds an event to the device's history, as accepted at `nowMs`, and pushes it. The seq that it got. */
  add(room: string, event: Event, beside: Partial<RoomRecords> = {}, nowMs = Date.now()): number {
    const history = this.history(room);
    history.lying = true;
    const record = history.append({ ...event, emptiedBy: 0 }, nowMs);
    this.push({ $case: 'roomRecords', value: { room, persons: [], credentials: [], ...beside, records: [record] } });
    return history.head.seq;
  }

  /** What the device was told of a room so far. */
  history(room: string): History {
    const known = this.#histories.get(room) ?? new History();
    this.#histories.set(room, known);
    return known;
  }

  /** A pushed frame. */
  push(told: Told): void {
    this.#tell({ request: 0, body: told });
  }

  /** Breaks the connection: the device comes back. */
  cut(): void {
    this.#device?.terminate();
  }

  /** Tells the truth again, from the next room on. */
  repent(): void {
    this.down = (told) => told;
    this.up = () => undefined;
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #bridge(device: Socket, provider: string): void {
    this.#device = device;
    const upstream = new WebSocket(provider, 'luxchat.1');
    const waiting: Uint8Array[] = [];
    const asked = new Map<number, Asked>();
    device.on('message', (data: Buffer) => {
      for (const bytes of splitFrames(new Uint8Array(data))) {
        const frame = ClientFrame.decode(bytes);
        if (frame.body) {
          asked.set(frame.request, frame.body);
          this.asked.push(frame.body);
        }
        const answer = frame.body && (this.up(frame.body) ?? this.#ownAnswer(frame.body));
        if (answer) this.#tell({ request: frame.request, body: answer });
        else if (upstream.readyState === WebSocket.OPEN) upstream.send(join(bytes));
        else waiting.push(bytes);
      }
    });
    upstream.on('open', () => {
      for (const bytes of waiting) upstream.send(join(bytes));
    });
    upstream.on('message', (data: Buffer) => {
      this.told.push(data);
      for (const bytes of splitFrames(new Uint8Array(data))) {
        const { request, body } = ServerFrame.decode(bytes.slice());
        const question = asked.get(request);
        asked.delete(request);
        const told = body && this.down(this.#asHub(body), question);
        if (!told || !isEmpty(told)) this.#tell({ request, body: told }, device);
      }
    });
    upstream.on('close', (code) => close(device, code));
    upstream.on('error', () => device.terminate());
    device.on('close', () => upstream.terminate());
  }

  /** The hub's part: records and heads of rooms that have a history of their own. */
  #asHub(told: Told): Told {
    switch (told.$case) {
      case 'roomRecords':
        return { ...told, value: { ...told.value, records: this.#records(told.value.room, told.value.records) } };
      case 'recordPage':
        return { ...told, value: { ...told.value, records: this.#records(told.value.room, told.value.records) } };
      case 'roomList':
      case 'subscribed':
        return {
          ...told,
          value: { ...told.value, rooms: told.value.rooms.map((entry) => this.#entry(entry)) },
        } as Told;
      default:
        return told;
    }
  }

  #records(room: string, records: readonly Record[]): Record[] {
    const ascending = [...records].sort((a, b) => Stamp.decode(a.stamp).seq - Stamp.decode(b.stamp).seq);
    return ascending.flatMap((record) => this.history(room).take(record));
  }

  #entry(entry: RoomEntry): RoomEntry {
    const { head, lying } = this.history(entry.room);
    return lying ? { ...entry, headSeq: head.seq, headCount: head.count, headHash: head.hash } : entry;
  }

  /** Pages of a history of its own. */
  #ownAnswer(asked: Asked): Told | undefined {
    if (asked.$case !== 'fetchRecords') return undefined;
    const { room, fromSeq, throughSeq } = asked.value;
    const { lying, records, head } = this.history(room);
    if (!lying) return undefined;
    const within = records.filter((record) => {
      const { seq } = Stamp.decode(record.stamp);
      return seq >= fromSeq && seq <= (throughSeq || head.seq);
    });
    const value = { room, records: within, headSeq: head.seq, readableFrom: 1, nextSeq: 0 };
    return { $case: 'recordPage', value };
  }

  #tell(frame: ServerFrame, device = this.#device): void {
    if (device?.readyState === WebSocket.OPEN) device.send(join(ServerFrame.encode(frame).finish()));
  }
}

/** A room's log as one device was told it. */
export class History {
  readonly records: Record[] = [];
  head: LogHead = { incarnation: 1, seq: 0, acceptedMs: 0, count: 0, hash: new Uint8Array(32) };
  lying = false;
  edit: Edit = (record) => [record];
  #last = 0;

  /** What the device hears in place of a record of the true hub. */
  take(record: Record): Record[] {
    const stamp = Stamp.decode(record.stamp);
    const header = EventHeader.decode(record.header);
    if (stamp.seq <= this.#last) return this.lying ? [] : [record];
    this.#last = stamp.seq;
    if (this.lying) return this.edit(record, header).map((event) => this.append(event, stamp.acceptedMs));
    const { incarnation, seq, acceptedMs, count } = stamp;
    this.records.push(record);
    this.head = { incarnation, seq, acceptedMs, count, hash: recordHash(record.stamp, record.header, primitives) };
    return [record];
  }

  /** Gives an event the next place of this history. */
  append({ header, body, emptiedBy }: Pick<Record, 'header' | 'body' | 'emptiedBy'>, now: number): Record {
    const { counts } = EventHeader.decode(header);
    const stamped = stampEvent(this.head, { header, body }, { counts, now, primitives });
    const record = { ...stamped.record, emptiedBy };
    this.records.push(record);
    this.head = stamped.head;
    return record;
  }

  /** The place of an event, told or withheld, by what its header says. */
  find(test: (header: EventHeader) => boolean): Record | undefined {
    return this.records.findLast((record) => test(EventHeader.decode(record.header)));
  }
}

/** A header with some parts changed. */
export function changed(header: Uint8Array, over: Partial<EventHeader>): Uint8Array {
  return EventHeader.encode({ ...EventHeader.decode(header), ...over }).finish();
}

function isEmpty(told: Told): boolean {
  return told.$case === 'roomRecords' && told.value.records.length === 0;
}

function join(frame: Uint8Array): Uint8Array {
  const [message] = joinFrames([frame]);
  return message as Uint8Array;
}

function close(device: Socket, code: number): void {
  if (code >= 4000 && code < 5000) device.close(code);
  else device.terminate();
}
