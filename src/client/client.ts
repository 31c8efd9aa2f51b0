// The SDK put together: stores, engine, connection, people, rooms, outbox, inbox. `api.ts` says what each method does; this file only wires the
// parts and orders what happens when a session begins.
import type { Accepted, Welcome } from '#proto/gen/client.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { EventKind } from '#proto/gen/record.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { Alarm, ClientEvents, Counters, VerificationInfo } from './api.ts';
import { Connection, type ConnectionOptions, type ServerBody } from './connection.ts';
import type { CryptoEngine, CryptoServer, DeviceMessage, PrivateMessage, Verification } from './crypto/engine.ts';
import { createCryptoServer } from './crypto-server.ts';
import { Devices, describeVerification } from './devices.ts';
import { Emitter } from './emitter.ts';
import { ClientError } from './errors.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';
import { People } from './people.ts';
import { Rooms } from './rooms.ts';
import type { LocalStore } from './store.ts';
import { foldWaiting } from './timeline.ts';

/** What a client is made of. */
export interface ClientOptions {
  readonly user: string;
  readonly device: number;
  readonly deviceId: string;
  readonly store: LocalStore;
  readonly primitives: Primitives;
  /** Opens the engine over the given port to the server. */
  readonly openEngine: (server: CryptoServer) => Promise<CryptoEngine>;
  readonly connection: Pick<
    ConnectionOptions,
    'url' | 'accessToken' | 'client' | 'openSocket' | 'backoffMaxMs' | 'requestTimeoutMs'
  >;
  readonly now?: () => number;
  readonly random?: () => number;
}

const pushOrder: ReadonlySet<ServerBody['$case']> = new Set([
  'roomRecords',
  'headMoved',
  'slotChanged',
  'ephemeral',
  'inboxMoved',
]);

/** The wired parts of a logged-in device; `LuxchatClient` adds the public methods. */
export class ClientCore extends Emitter<ClientEvents> {
  readonly options: ClientOptions;
  readonly connection: Connection;
  readonly people: People;
  readonly held: Rooms;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly ownDevices: Devices;
  #parts: Parts | undefined;
  #counters = new Map<string, number>();
  #synced = false;
  #syncing: Promise<void> | undefined;
  #ended: ClientError | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #server: CryptoServer | undefined;

  constructor(options: ClientOptions) {
    super();
    this.options = options;
    const parts = () => this.parts;
    this.connection = new Connection(options.connection);
    this.people = new People(parts);
    this.outbox = new Outbox({
      store: options.store,
      live: () => this.#synced,
      submit: (room, event) => this.#submit(room, event),
      room: (room) => this.held.get(room)?.sender,
      changed: (send, accepted) => this.#sendChanged(send, accepted),
      now: () => parts().now(),
      random: () => parts().random(),
      count: (name) => parts().count(name),
    });
    this.held = new Rooms(parts, () => this.outbox);
    this.ownDevices = new Devices(parts, () => this.#confirmed());
    this.inbox = new Inbox({
      parts,
      roomKeys: (keys) =>
        this.#retryRooms(new Set(keys.map((key) => key.sessionId)), new Set(keys.map((key) => key.room))),
      standing: (room) => this.#quietly(() => this.#followStanding(room)),
      manifest: (user) => this.#manifestMoved(user),
      devices: () => this.#quietly(() => this.ownDevices.refresh()),
      privateMessage: (message) => this.#privateMessage(message),
      fullSync: async () => this.parts.count('inbox.fullSync'),
    });
  }

  /** The shared parts. Throws STORE before `start`. */
  get parts(): Parts {
    if (!this.#parts) throw new ClientError('STORE', 'The client was not started.');
    return this.#parts;
  }

  /** Opens stores and engine, shows what is kept, starts connecting. */
  async start(): Promise<void> {
    const { options } = this;
    const early: Pick<Parts, 'request' | 'user' | 'deviceId' | 'primitives' | 'count'> = {
      user: options.user,
      deviceId: options.deviceId,
      primitives: options.primitives,
      request: (body, expect) => this.connection.request(body, expect),
      count: (name, by) => this.#count(name, by),
    };
    const server = createCryptoServer({ parts: () => early, sharedRoom: (user) => this.#sharedRoom(user) });
    this.#server = server;
    const engine = await options.openEngine(server);
    this.#parts = {
      ...early,
      device: options.device,
      store: options.store,
      engine,
      people: this.people,
      live: () => this.connection.state === 'live',
      confirmed: () => this.ownDevices.confirmed,
      emit: (name, value) => this.emit(name, value),
      alarm: (alarm) => this.#alarm(alarm),
      now: options.now ?? (() => Date.now()),
      random: options.random ?? Math.random,
    };
    await this.people.load();
    await this.held.load();
    await this.outbox.load();
    await this.inbox.load();
    this.#listen(engine);
    this.emit('ready', undefined);
    this.connection.start();
  }

  /** See Luxchat.synced. */
  synced(): Promise<void> {
    if (this.#synced) return Promise.resolve();
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const stops = [this.on('synced', () => done(resolve)), this.on('ended', (error) => done(() => reject(error)))];
      const done = (settle: () => void) => {
        for (const stop of stops) stop();
        settle();
      };
    });
  }

  /** See Luxchat.close. */
  async close(): Promise<void> {
    clearTimeout(this.#retryTimer);
    this.#synced = false;
    this.outbox.close();
    this.connection.close();
    await this.#syncing?.catch(() => {});
    await this.#parts?.engine.close();
    await this.options.store.close();
  }

  /** Stores encrypted device messages in their inboxes. Rejects as requests do. */
  protected async sendToDevices(messages: readonly DeviceMessage[]): Promise<void> {
    await this.#server?.sendDeviceMessages(crypto.randomUUID(), [...messages]);
  }

  /** See Luxchat.counters. */
  counters(): Counters {
    return Object.fromEntries(this.#counters);
  }

  #listen(engine: CryptoEngine): void {
    this.connection.on('state', (state) => {
      if (state !== 'live') this.#synced = false;
      this.emit('connection', state);
    });
    this.connection.on('welcome', (welcome) => this.#resume(welcome));
    this.connection.on('pushed', (body) => this.#pushed(body));
    this.connection.on('ended', (error) => {
      this.#ended = error;
      this.emit('ended', error);
    });
    engine.on('verification', (verification) => this.#verification(verification));
    engine.on(
      'roomKeys',
      (keys) =>
        void this.#quietly(() =>
          this.#retryRooms(new Set(keys.map((key) => key.sessionId)), new Set(keys.map((key) => key.room))),
        ),
    );
    engine.on('flushNeeded', () => {
      if (this.connection.state === 'live') void engine.flush();
    });
  }

  #resume(welcome: Welcome): void {
    const syncing = this.#sync(welcome).catch((error) => {
      if (!(error instanceof ClientError)) throw error;
      this.#count('sync.failed');
      // A lost connection brings the next welcome; anything else is tried again on this one.
      if (this.connection.state !== 'live') return;
      this.#retryTimer = setTimeout(
        () => this.connection.state === 'live' && this.#resume(welcome),
        1000 * (1 + this.parts.random()),
      );
    });
    this.#syncing = syncing;
  }

  /** The order matters: keys before people, people before rooms, rooms before what waits to go out. */
  async #sync(welcome: Welcome): Promise<void> {
    await this.ownDevices.welcome(welcome);
    await this.inbox.read();
    await this.held.sync();
    this.#synced = true;
    this.emit('synced', undefined);
    this.outbox.kickAll();
    // Whatever could not be decrypted gets another chance with what came meanwhile.
    await this.#retryRooms(undefined, undefined);
  }

  #pushed(body: ServerBody): void {
    if (!pushOrder.has(body.$case)) return;
    void this.#quietly(() => (body.$case === 'inboxMoved' ? this.inbox.read() : this.held.pushed(body)));
  }

  async #submit(room: string, event: NonNullable<LocalSend['event']>): Promise<Accepted> {
    const value = { room, event, person: undefined, credential: undefined, partner: '' };
    return this.connection.request({ $case: 'submit', value }, 'accepted');
  }

  #sendChanged(send: LocalSend, accepted?: Accepted): void {
    const held = this.held.get(send.room);
    if (!held) return;
    const line = foldWaiting(send, held.replica.folding);
    if (!line || send.kind !== EventKind.EVENT_KIND_CONTENT) return;
    const id = accepted ? `${held.replica.own}.${this.options.device}.${send.sendId}` : line.id;
    this.emit('item', {
      ...line,
      id,
      localId: send.localId,
      ...(accepted ? { seq: accepted.seq, at: accepted.acceptedMs, sending: 'accepted' as const } : {}),
    });
  }

  async #followStanding(room: string): Promise<void> {
    const held = this.held.get(room);
    if (held?.replica.joined) await held.replica.catchUp();
    else await this.held.list(room);
  }

  async #manifestMoved(user: string): Promise<void> {
    const room = this.#sharedRoom(user);
    if (user === this.options.user) await this.#quietly(() => this.ownDevices.refresh());
    else if (room !== '') await this.people.tryRefresh(user, room);
    await this.#quietly(() => this.#retryRooms(undefined, undefined));
  }

  async #retryRooms(sessions: ReadonlySet<string> | undefined, rooms: ReadonlySet<string> | undefined): Promise<void> {
    for (const { replica } of this.held.all()) if (!rooms || rooms.has(replica.room)) await replica.retry(sessions);
  }

  async #confirmed(): Promise<void> {
    this.emit('devices', await this.ownDevices.list());
    this.outbox.kickAll();
    await this.#retryRooms(undefined, undefined);
  }

  #verification(verification: Verification): void {
    const info: VerificationInfo = describeVerification(this.options.user, verification);
    this.emit('verification', info);
    if (verification.state.phase === 'done') void this.#quietly(() => this.ownDevices.verified(verification));
  }

  async #privateMessage(message: PrivateMessage): Promise<void> {
    if (message.type !== readPositionType || message.sender !== this.options.user) return;
    const { room, seq, count } = message.content as { room?: unknown; seq?: unknown; count?: unknown };
    if (typeof room !== 'string' || !Number.isSafeInteger(seq) || !Number.isSafeInteger(count)) return;
    await this.held.get(room)?.replica.read(seq as number, count as number);
  }

  #sharedRoom(user: string): string {
    return (
      this.held.all().find(({ replica }) => replica.chain.memberOf(user) > 0 && replica.own > 0)?.replica.room ?? ''
    );
  }

  /** Work that a lost connection may end: the next session does it again. */
  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#count(`later.${error.code}`);
    }
  }

  #alarm(alarm: Alarm): void {
    this.#count(`alarm.${alarm.code}`);
    this.emit('alarm', alarm);
  }

  #count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }
}

/** Type of the device message that carries a read position to own devices. */
export const readPositionType = 'lu.luxchat.read';
