// One device that keeps itself connected to some node of a list, holds its rooms complete and sends what it is given, whatever happens to the nodes.
// The protocol without ciphers: the server never looks into one. Everything that it does and hears is recorded; it checks nothing itself.
import type { Answer } from '#bench/lib/raw-client.ts';
import { refreshTokens, type Tokens } from '#client/connection/login.ts';
import type { Submit, Welcome } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import type { ControlHead } from '#proto/gen/record.ts';
import { deviceKey, type Placed } from '../events.ts';
import type { Recorder } from '../recorder.ts';
import { backOff, type Waited } from './back-off.ts';
import type { Chance } from './chance.ts';
import { Connection, type NodeAddress, type Patience, Refused } from './connection.ts';
import type { Frames, RoomFrame } from './frames.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { Recovery } from './recovery.ts';
import { View } from './view.ts';

/** What all talkers of a test share. */
export interface Stage {
  readonly nodes: readonly NodeAddress[];
  readonly recorder: Recorder;
  readonly frames: Frames;
  readonly patience: Patience;
  readonly chance: Chance;
}

/** A place in a room. */
export interface RoomSeat {
  readonly room: string;
  readonly member: number;
  /** First seq that may be read. */
  readonly from: number;
  readonly control: ControlHead;
  /** Last send id that was used there. */
  readonly sendId: number;
}

export class Talker {
  readonly key: string;
  readonly #stage: Stage;
  readonly #views = new Map<string, View>();
  readonly #outboxes = new Map<string, Outbox>();
  readonly #inbox: Inbox;
  readonly #waited: Waited;
  #tokens: Tokens;
  #next: number;
  #connection: Connection | null = null;
  #node = '';
  #recovery: Recovery | null = null;
  #stopped = false;
  #ended: Promise<void> = Promise.resolve();

  /** `at` is the place in the list of nodes where it connects first. */
  constructor(tokens: Tokens, stage: Stage, at = 0) {
    this.key = deviceKey(tokens.userId, tokens.deviceNumber);
    this.#tokens = tokens;
    this.#stage = stage;
    this.#next = at;
    this.#waited = backOff(stage.chance.numbers());
    this.#inbox = new Inbox(tokens, { recorder: stage.recorder, waited: this.#waited });
  }

  /** Takes a seat: before `start`, or whenever it came into a room. */
  enter(seat: RoomSeat): void {
    const { room, from } = seat;
    this.approach(seat);
    this.#stage.recorder.note({ kind: 'joined', device: this.key, room, from });
    this.#views.set(room, new View(room, from - 1));
    this.#recovery?.enter(room);
  }

  /** It can send to a room where it has a number, and reads nothing there yet: what it sends is that it accepts. */
  approach({ room, member, control, sendId }: Omit<RoomSeat, 'from'>): void {
    if (this.#outboxes.has(room)) return;
    const { recorder } = this.#stage;
    const place = { room, member, device: this.#tokens.deviceNumber, control };
    const outbox = new Outbox(place, { device: this.key, recorder, waited: this.#waited, sendId });
    this.#outboxes.set(room, outbox);
    if (this.#connection !== null) outbox.resume(this.#connection);
  }

  /** It left a room or was removed by the event at `through`, and had been owed everything up to `owed`. */
  leave(room: string, { through, owed }: { readonly through: number; readonly owed: number }): void {
    this.#stage.recorder.note({ kind: 'left', device: this.key, room, through, owed });
    this.#views.delete(room);
    this.#recovery?.leave(room);
  }

  /** Tries to read what came after a seq in a room that it is out of; where it has no connection it does not. */
  async peek(room: string, after: number): Promise<void> {
    await this.#recovery?.peek(room, after);
  }

  /** Connects, and again whenever it has to. */
  start(): void {
    this.#ended = this.#run();
  }

  /** The newest ones that it has. */
  get tokens(): Tokens {
    return this.#tokens;
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  /** Name of the node that it is connected to, or was last. */
  get node(): string {
    return this.#node;
  }

  /** Connected, and has everything up to the heads that the node named. */
  get live(): boolean {
    return this.#recovery?.done === true;
  }

  get rooms(): readonly string[] {
    return [...this.#views.keys()];
  }

  /** Newest seq of a room up to which it has all. */
  position(room: string): number {
    return this.#views.get(room)?.position ?? 0;
  }

  /** Messages without an answer for good. */
  get waiting(): number {
    return [...this.#outboxes.values()].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Sends a message of such bytes; resolves when it was accepted, however long that takes. Rejects when it was refused for good. */
  send(room: string, body: Uint8Array): Promise<Placed> {
    const outbox = this.#outboxes.get(room);
    return outbox === undefined ? Promise.reject(new Error(`not in ${room}`)) : outbox.send(body);
  }

  /** Sends an entry of the control chain, made for a send id; as `send`. */
  sendControl(room: string, make: (sendId: number) => Submit): Promise<Placed> {
    const outbox = this.#outboxes.get(room);
    return outbox === undefined ? Promise.reject(new Error(`not in ${room}`)) : outbox.sendControl(make);
  }

  /** Sends a device message through a room that both are in; resolves when it is stored. */
  letter(room: string, to: Talker, id: string): Promise<void> {
    return this.#inbox.send(room, to.#tokens, id);
  }

  /** Gets new tokens from a node. */
  renew(port: number): Promise<void> {
    return this.#refresh({ name: '', port });
  }

  /** Loses its connection without a word, and comes back. */
  cut(): void {
    this.#connection?.cut();
  }

  /** Reads nothing and says nothing any more, and stays connected; without a connection it does not. */
  stall(): void {
    this.#connection?.stall();
  }

  /** Reads on, or finds that it was cut off meanwhile, and comes back. */
  unstall(): void {
    this.#connection?.unstall();
  }

  /** Ends it; nothing is recorded any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.cut();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { nodes, recorder } = this.#stage;
    for (let tries = 1; !this.#stopped; tries++) {
      const node = nodes[this.#next++ % nodes.length] as NodeAddress;
      let retryAfterMs = 0;
      try {
        const { connection, welcome } = await Connection.open(node, this.#tokens.accessToken, this.#parts());
        const number = recorder.opened(this.key, node.name);
        this.#node = node.name;
        this.#connected(connection, number, welcome);
        const end = await connection.ended;
        this.#disconnected();
        if (this.#stopped) return;
        recorder.note({ kind: 'closed', connection: number, code: end.code });
        ({ retryAfterMs } = end);
        tries = 0;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const { code } = error.end;
        recorder.note({ kind: 'refused', device: this.key, node: node.name, code });
        ({ retryAfterMs } = error.end);
        if (code === Disconnect.DISCONNECT_TOKEN_EXPIRED) await this.#refresh(node);
      }
      if (!this.#stopped) await this.#waited(tries + 1, retryAfterMs);
    }
  }

  #parts() {
    const { patience, frames } = this.#stage;
    const records = (frame: RoomFrame) => this.#recovery?.pushed(frame);
    const pushed = (body: Answer) => this.#heard(body);
    return { patience, frames, hearing: { records, pushed } };
  }

  #connected(connection: Connection, number: number, welcome: Welcome): void {
    const { recorder } = this.#stage;
    this.#connection = connection;
    const views = this.#views;
    this.#recovery = new Recovery({ connection, number, device: this.key, views, recorder, waited: this.#waited });
    this.#recovery.start();
    this.#inbox.resume(connection, welcome);
    for (const outbox of this.#outboxes.values()) outbox.resume(connection);
  }

  #disconnected(): void {
    this.#connection = null;
    this.#recovery = null;
    this.#inbox.pause();
    for (const view of this.#views.values()) view.forget();
    for (const outbox of this.#outboxes.values()) outbox.pause();
  }

  #heard(body: Answer): void {
    if (body.$case === 'headMoved') this.#recovery?.headMoved(body.value.room, body.value.headSeq);
    else if (body.$case === 'inboxMoved') this.#inbox.moved(body.value.head);
  }

  /** Where the node does not answer either, the next one is tried with the old token and says so again. */
  async #refresh({ port }: NodeAddress): Promise<void> {
    const at = { server: `http://127.0.0.1:${port}`, timeoutMs: this.#stage.patience.answerMs };
    this.#tokens = await refreshTokens(at, this.#tokens.refreshToken).catch(() => this.#tokens);
  }
}
