// The SDK put together: stores, engine, connection, people, rooms, outbox, inbox. `api.ts` says what each method does; this file only wires the
// parts and says what follows from what.
import type { Accepted, Welcome } from '#proto/gen/client.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { Alarm, ClientEvents, Counters, TroubleCause } from './api.ts';
import { Connection, type ConnectionOptions, type ServerBody } from './connection.ts';
import type { CryptoEngine, CryptoServer, RoomKey } from './crypto/engine.ts';
import { createCryptoServer } from './crypto-server.ts';
import { Devices, describeVerification } from './devices.ts';
import { Emitter } from './emitter.ts';
import { ClientError } from './errors.ts';
import { InStep } from './in-step.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';
import { People } from './people.ts';
import { Positions } from './positions.ts';
import { patiently } from './requests.ts';
import { Rooms } from './rooms.ts';
import type { LocalStore } from './store.ts';
import { acceptedLine, foldWaiting, messageId } from './timeline.ts';
import type { SendChange } from './waiting.ts';

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

const pushedCases: ReadonlySet<ServerBody['$case']> = new Set([
  'roomRecords',
  'headMoved',
  'slotChanged',
  'ephemeral',
  'inboxMoved',
]);
/** Causes that a look at the sender's keys may undo. */
const deviceCauses: ReadonlySet<TroubleCause> = new Set(['UNKNOWN_DEVICE', 'NOT_CROSS_SIGNED', 'IDENTITY_CHANGED']);
const flushAgainMs = 1_500;
// A device whose inbox was full gets the next session key: not sooner or more often than this, since it may stay away.
const renewKeyMs = 10 * 60_000;

/** The wired parts of a logged-in device; `LuxchatClient` adds the public methods. */
export class ClientCore extends Emitter<ClientEvents> {
  readonly options: ClientOptions;
  readonly connection: Connection;
  readonly people: People;
  readonly held: Rooms;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly ownDevices: Devices;
  readonly positions: Positions;
  #inStep: InStep;
  #parts: Parts | undefined;
  #server: CryptoServer | undefined;
  #counters = new Map<string, number>();
  #retriedAll = false;
  #ended: ClientError | undefined;
  #closed = false;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #renewed = new Map<string, number>();

  constructor(options: ClientOptions) {
    super();
    this.options = options;
    const parts = () => this.parts;
    this.connection = new Connection(options.connection);
    this.people = new People(parts);
    this.outbox = this.#makeOutbox();
    this.held = new Rooms(parts, () => this.outbox);
    this.ownDevices = new Devices({
      parts,
      confirmed: (listed) => this.#confirmed(listed),
      listed: (device) => this.positions.tellAll(device),
    });
    this.positions = new Positions({
      parts,
      rooms: () => this.held,
      otherDevices: () => this.#otherDevices(),
      send: async (messages) => this.#server?.sendDeviceMessages(crypto.randomUUID(), [...messages]),
    });
    this.inbox = this.#makeInbox();
    this.#inStep = new InStep({
      live: () => this.connection.state === 'live' && !this.#closed,
      round: (welcome) => this.#round(welcome),
      done: () => this.#inStepNow(),
      fault: (error) => this.#fault(error),
      count: (name) => this.#count(name),
      sleep: (ms) => this.#sleep(ms),
      random: () => this.#random(),
    });
    this.on('room', ({ room }) => this.positions.seen(room));
  }

  /** The shared parts. Throws STORE before `start`. */
  get parts(): Parts {
    if (!this.#parts) throw new ClientError('STORE', 'The client was not started.');
    return this.#parts;
  }

  /** See Luxchat.start. */
  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      // Nobody closes what did not start: the stores would stay locked.
      await this.close();
      throw error;
    }
    this.connection.start();
  }

  /** What else is read before the connection begins. */
  protected async loadMore(): Promise<void> {}

  async #open(): Promise<void> {
    const { user, deviceId, device, primitives, store, openEngine } = this.options;
    const early: Pick<Parts, 'request' | 'user' | 'deviceId' | 'primitives' | 'count'> = {
      user,
      deviceId,
      primitives,
      request: (body, expect) => patiently(this.connection, body, expect, () => this.#random()),
      count: (name, by) => this.#count(name, by),
    };
    const server = createCryptoServer({
      parts: () => early,
      sharedRoom: (other) => this.#sharedRoom(other),
      now: () => this.#now(),
      laneFull: (room) => this.#renewKey(room),
    });
    this.#server = server;
    const engine = await openEngine(server);
    this.#parts = {
      ...early,
      device,
      store,
      engine,
      people: this.people,
      live: () => this.connection.state === 'live',
      whenLive: (ms) => this.#whenLive(ms),
      confirmed: () => this.ownDevices.confirmed,
      emit: (name, value) => this.emit(name, value),
      alarm: (alarm) => this.#alarm(alarm),
      background: (work) => this.#background(work),
      now: () => this.#now(),
      random: () => this.#random(),
    };
    await this.people.load();
    await this.ownDevices.load();
    await this.held.load();
    await this.outbox.load();
    await this.inbox.load();
    await this.positions.load();
    await this.loadMore();
    this.#listen(engine);
    this.emit('ready', undefined);
  }

  /** See Luxchat.synced. */
  synced(): Promise<void> {
    if (this.#inStep.synced) return Promise.resolve();
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
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#inStep.end();
    this.outbox.close();
    this.positions.close();
    this.held.close();
    this.connection.close();
    this.#end(new ClientError('CLOSED', 'The client was closed.'));
    await this.#inStep.settled();
    await this.#parts?.engine.close();
    await this.options.store.close();
  }

  /** See Luxchat.counters. */
  counters(): Counters {
    return Object.fromEntries(this.#counters);
  }

  #makeOutbox(): Outbox {
    return new Outbox({
      store: this.options.store,
      live: () => this.#inStep.synced,
      submit: (room, event) => this.#submit(room, event),
      room: (room) => this.held.get(room)?.sender,
      staleManifest: () => this.#quietly(() => this.ownDevices.refresh()),
      changed: (send, change) => this.#sendChanged(send, change),
      background: (work) => this.#background(work),
      now: () => this.#now(),
      random: () => this.#random(),
      count: (name) => this.#count(name),
    });
  }

  #makeInbox(): Inbox {
    return new Inbox({
      parts: () => this.parts,
      roomKeys: (keys) => this.#keysCame(keys),
      standing: (room, status) =>
        this.#quietly(() => this.#inStep.follow(room, () => this.held.standing(room, status))),
      manifest: (user) => this.#manifestMoved(user),
      devices: () => this.#quietly(() => this.ownDevices.refresh()),
      privateMessage: (message) => this.positions.take(message),
      lost: () => this.positions.ask(),
      fullSync: () => this.#fullSync(),
    });
  }

  #listen(engine: CryptoEngine): void {
    this.connection.on('state', (state) => {
      if (state !== 'live') this.#inStep.end();
      this.emit('connection', state);
    });
    this.connection.on('welcome', (welcome) => this.#inStep.begin(welcome));
    this.connection.on('pushed', (body) => this.#pushed(body));
    this.connection.on('silent', () => this.#background(() => this.inbox.read()));
    this.connection.on('ended', (error) => this.#end(error));
    engine.on('verification', (verification) => {
      this.emit('verification', describeVerification(this.options.user, verification));
      if (verification.state.phase === 'done') this.#background(() => this.ownDevices.verified(verification));
    });
    engine.on('roomKeys', (keys) => this.#background(() => this.#keysCame(keys)));
    engine.on('flushNeeded', () => this.#background(() => this.#flushEngine()));
  }

  /** The order matters: keys before people, people before rooms. */
  async #round(welcome: Welcome): Promise<void> {
    await this.ownDevices.welcome(welcome);
    await this.inbox.read();
    this.#inStep.askedAnew();
    await this.held.sync();
  }

  async #inStepNow(): Promise<void> {
    this.emit('synced', undefined);
    this.outbox.kickAll();
    this.positions.kick();
    // A crash may have come between a key and what waited for it: once a run everything is tried.
    const all = !this.#retriedAll;
    this.#retriedAll = true;
    await this.#retryRooms((cause) => all || deviceCauses.has(cause));
  }

  #pushed(body: ServerBody): void {
    if (!pushedCases.has(body.$case)) return;
    this.#background(() => (body.$case === 'inboxMoved' ? this.inbox.read() : this.held.pushed(body)));
  }

  #submit(room: string, event: NonNullable<LocalSend['event']>): Promise<Accepted> {
    const value = { room, event, person: undefined, credential: undefined, partner: '' };
    return this.connection.request({ $case: 'submit', value }, 'accepted');
  }

  #sendChanged(send: LocalSend, change: SendChange): void {
    const replica = this.held.get(send.room)?.replica;
    const line = replica && foldWaiting(send, replica.folding);
    if (!line) return;
    const { localId } = send;
    if (change.to === 'discarded') this.emit('item', { ...line, localId, kind: 'deleted' });
    else if (change.to !== 'accepted') this.emit('item', { ...line, localId });
    else if (change.accepted) {
      const id = messageId({ member: replica.own, device: this.options.device, sendId: send.sendId });
      this.emit('item', { ...line, localId, ...acceptedLine(id, change.accepted) });
    }
  }

  async #manifestMoved(user: string): Promise<void> {
    const room = this.#sharedRoom(user);
    if (user === this.options.user) await this.#quietly(() => this.ownDevices.refresh());
    else if (room !== '') await this.people.tryRefresh(user, room);
    await this.#quietly(() => this.#retryRooms((cause) => deviceCauses.has(cause)));
  }

  #keysCame(keys: readonly RoomKey[]): Promise<void> {
    const sessions = new Set(keys.map((key) => key.sessionId));
    const rooms = new Set(keys.map((key) => key.room));
    return this.#quietly(() => this.#retryRooms((_, session) => session === '' || sessions.has(session), rooms));
  }

  async #retryRooms(
    test: (cause: TroubleCause, session: string) => boolean,
    rooms?: ReadonlySet<string>,
  ): Promise<void> {
    for (const { replica } of this.held.all()) if (!rooms || rooms.has(replica.room)) await replica.retry(test);
  }

  async #confirmed(listed: boolean): Promise<void> {
    this.emit('devices', await this.ownDevices.list());
    if (!listed) return;
    this.outbox.kickAll();
    this.#background(() => this.#retryRooms(() => true));
  }

  /** Keys may have been lost on their way here. What the server still has is compared; senders renew a key whose inbox was full by themselves. */
  async #fullSync(): Promise<void> {
    this.#count('inbox.fullSync');
    await this.positions.ask();
    await this.ownDevices.refresh();
    await this.#inStep.follow('', () => this.held.sync());
  }

  /** A device did not get the key of this room: a later message goes under a fresh one. */
  #renewKey(room: string): void {
    const now = this.#now();
    if (now - (this.#renewed.get(room) ?? 0) < renewKeyMs) return;
    this.#renewed.set(room, now);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#background(() => this.parts.engine.rotate(room));
    }, renewKeyMs);
    this.#timers.add(timer);
  }

  async #flushEngine(): Promise<void> {
    if (this.connection.state !== 'live') return;
    const { failed } = await this.parts.engine.flush();
    if (failed === 0) return;
    await this.#sleep(flushAgainMs * (1 + this.#random()));
    if (this.connection.state === 'live') await this.parts.engine.flush();
  }

  #otherDevices(): string[] {
    const listed = this.people.get(this.options.user)?.manifest.body.devices ?? [];
    return listed.filter((device) => device.number !== this.options.device).map((device) => device.id);
  }

  /** A room in which this user and another both are. */
  #sharedRoom(user: string): string {
    const { MEMBER_STATUS_JOINED, MEMBER_STATUS_INVITED } = MemberStatus;
    const shared = this.held.all().find(({ replica: { joined, chain } }) => {
      const status = chain.state?.members.get(chain.memberOf(user))?.status;
      return joined && (status === MEMBER_STATUS_JOINED || status === MEMBER_STATUS_INVITED);
    });
    return shared?.replica.room ?? '';
  }

  async #whenLive(ms: number): Promise<boolean> {
    const until = this.#now() + ms;
    while (this.connection.state !== 'live' && this.connection.state !== 'ended' && this.#now() < until)
      await this.#sleep(until - this.#now());
    return this.connection.state === 'live';
  }

  /** Resolves after so long, or when the connection changes. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stop();
        clearTimeout(timer);
        this.#timers.delete(timer);
        resolve();
      };
      const stop = this.connection.on('state', done);
      const timer = setTimeout(done, ms);
      this.#timers.add(timer);
    });
  }

  #background(work: () => Promise<void>): void {
    this.#quietly(work).catch((error) => this.#fault(error));
  }

  /** Work that a lost connection may end: the next session does it again. */
  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#count(`later.${error.code}`);
      if (error.code === 'STORE' && !this.#closed) this.#fault(error);
    }
  }

  #fault(error: unknown): void {
    this.#count('fault');
    this.emit('fault', error instanceof Error ? error : new Error(String(error)));
  }

  #end(error: ClientError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.emit('ended', error);
  }

  #alarm(alarm: Alarm): void {
    this.#count(`alarm.${alarm.code}`);
    this.emit('alarm', alarm);
  }

  #count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  #now(): number {
    return (this.options.now ?? Date.now)();
  }

  #random(): number {
    return (this.options.random ?? Math.random)();
  }
}
