// The SDK put together: stores, engine, connection, people, rooms, outbox, inbox. `api.ts` says what each method does; this file only wires the
// parts and says what follows from what.
import type { Accepted, Welcome } from '#proto/gen/client.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import type { Alarm } from './alarms.ts';
import type { Counters } from './api.ts';
import { Newcomers } from './bots/newcomers.ts';
import { Checkpoints } from './chain/checkpoints.ts';
import { Vouching } from './chain/vouching.ts';
import { Chores } from './chores.ts';
import type { ClientOptions } from './client-options.ts';
import { Connection, type ServerBody } from './connection/connection.ts';
import { InStep } from './connection/in-step.ts';
import { Inbox } from './connection/inbox.ts';
import { patiently } from './connection/requests.ts';
import { createCryptoServer } from './crypto/crypto-server.ts';
import type { CryptoEngine, CryptoServer, DeviceMessage } from './crypto/engine.ts';
import type { RoomKey } from './crypto/ids.ts';
import { Blocks } from './devices/blocks.ts';
import { Devices, describeVerification } from './devices/devices.ts';
import { People } from './devices/people.ts';
import { Positions } from './devices/positions.ts';
import { ProfileSharing } from './devices/profile-sharing.ts';
import { Profiles } from './devices/profiles.ts';
import { removalGraceMs } from './devices/taken-off.ts';
import { AlarmNotes } from './doubts.ts';
import { Emitter } from './emitter.ts';
import { ClientError } from './errors.ts';
import type { ClientEvents } from './events.ts';
import { SessionKeys } from './keys/session-keys.ts';
import type { Parts } from './parts.ts';
import { Repairs } from './repairs.ts';
import type { RoomReplica } from './room/room.ts';
import { Rooms } from './room/rooms.ts';
import { Security } from './security/security.ts';
import { usualRotation } from './sending/content.ts';
import { Outbox } from './sending/outbox.ts';
import type { SendChange } from './sending/waiting.ts';
import { foldChanged } from './timeline/timeline.ts';

// A second more than the grace: what comes from above the heads that are seen then is of nobody who was taken off.
const lookAfterRemovalMs = removalGraceMs + 1_000;

const pushedCases: ReadonlySet<ServerBody['$case']> = new Set([
  'roomRecords',
  'headMoved',
  'slotChanged',
  'ephemeral',
  'inboxMoved',
]);

/** The wired parts of a logged-in device; `LuxchatClient` adds the public methods. */
export class WiredParts extends Emitter<ClientEvents> {
  readonly options: ClientOptions;
  readonly connection: Connection;
  readonly people: People;
  readonly held: Rooms;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly ownDevices: Devices;
  readonly positions: Positions;
  readonly blocks: Blocks;
  readonly vouching: Vouching;
  readonly checkpoints: Checkpoints;
  readonly profiles: Profiles;
  readonly profileSharing: ProfileSharing;
  /** See Luxchat.security. */
  readonly security: Security;
  readonly newcomerNotes: Newcomers;
  readonly sessionKeys: SessionKeys;
  readonly alarmNotes = new AlarmNotes(() => this.parts);
  #chores: Chores;
  #repairs: Repairs;
  #inStep: InStep;
  #parts: Parts | undefined;
  #server: CryptoServer | undefined;
  #ended: ClientError | undefined;
  #closed = false;

  constructor(options: ClientOptions) {
    super();
    this.options = options;
    const parts = () => this.parts;
    const rooms = () => this.held;
    // What goes to single devices, encrypted.
    const privately = {
      parts,
      rooms,
      otherDevices: () => this.ownDevices.others,
      send: (messages: readonly DeviceMessage[]) => this.#sendPrivately(messages),
    };
    this.connection = new Connection(options.connection);
    this.#chores = new Chores({
      connection: this.connection,
      fault: (error) => this.emit('fault', error),
      now: () => this.#now(),
    });
    this.#repairs = new Repairs(parts, rooms, this.#chores);
    this.people = this.#makePeople();
    this.outbox = this.#makeOutbox();
    this.held = new Rooms(
      parts,
      () => this.outbox,
      (replica, user) => this.#chores.background(() => this.#identitySigned(replica, user)),
      (replica) => this.checkpoints.look(replica),
    );
    this.vouching = new Vouching(parts, rooms);
    this.checkpoints = new Checkpoints({
      ...{ parts, rooms, afterMs: options.checkpointAfterMs },
      later: (ms, work) => this.#chores.later(ms, work),
    });
    this.ownDevices = new Devices({
      parts,
      confirmed: (listed) => this.#confirmed(listed),
      listed: (device) => this.#tellNewDevice(device),
      settled: () => this.#chores.background(() => this.security.follow()),
      ending: (device) => this.emit('deviceEnding', device),
    });
    this.positions = new Positions({
      ...privately,
      askedBy: (device) => this.profileSharing.tell([device]),
    });
    this.profiles = new Profiles(parts);
    this.profileSharing = new ProfileSharing({
      ...privately,
      profiles: this.profiles,
      outbox: () => this.outbox,
    });
    this.security = new Security({
      ...privately,
      devices: this.ownDevices,
      inStep: () => this.#inStep.synced,
      keysCame: (keys) => this.#repairs.keysCame(keys),
      readSlots: (room) => this.held.readSlots(room),
      askPositions: () => this.positions.ask(),
      cost: options.passwordCost,
    });
    this.sessionKeys = new SessionKeys({
      ...privately,
      restoring: () => this.security.state().restore !== undefined,
      lookUp: (room) => this.security.want(room),
      keysCame: (keys) => this.#keysCame(keys),
      later: (ms, work) => this.#chores.later(ms, work),
    });
    this.newcomerNotes = new Newcomers(parts);
    this.blocks = new Blocks({ parts, rooms: this.held, changed: (back) => this.#blocksChanged(back) });
    this.inbox = this.#makeInbox();
    this.#inStep = new InStep({
      live: () => this.connection.state === 'live' && !this.#closed,
      round: (welcome) => this.#round(welcome),
      done: () => this.#inStepNow(),
      fault: (error) => this.#chores.fault(error),
      count: (name) => this.#chores.count(name),
      sleep: (ms) => this.#chores.sleep(ms),
      random: () => this.#random(),
    });
    this.on('room', ({ room }) => this.positions.seen(room));
    this.on('item', ({ own }) => own && this.security.look());
  }

  #makePeople(): People {
    return new People(
      () => this.parts,
      (user) => this.#personChanged(user),
      // Not all at once who heard of it together.
      (user) => this.#chores.later(lookAfterRemovalMs * (1 + this.#random()), () => this.held.look(user)),
    );
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
      count: (name, by) => this.#chores.count(name, by),
    };
    const server = createCryptoServer({
      parts: () => early,
      sharedRoom: (other) => this.held.shared(other),
      now: () => this.#now(),
      laneFull: (room) => this.#repairs.renewKey(room),
    });
    this.#server = server;
    const engine = await openEngine(server);
    this.#parts = {
      ...early,
      device,
      store,
      engine,
      people: this.people,
      profiles: this.profiles,
      live: () => this.connection.state === 'live',
      whenLive: (ms) => this.#chores.whenLive(ms),
      confirmed: () => this.ownDevices.confirmed,
      lacking: () => this.sessionKeys.look(),
      hides: (user, atMs) => this.blocks.hides(user, atMs),
      hidesRoom: (room) => this.#hidesRoom(room),
      emit: (name, value) => this.emit(name, value),
      alarm: (alarm) => this.#alarm(alarm),
      background: (work) => this.#chores.background(work),
      now: () => this.#now(),
      random: () => this.#random(),
      rotation: this.options.rotation ?? usualRotation,
    };
    await this.blocks.load();
    await this.people.load();
    await this.profiles.load();
    await this.ownDevices.load();
    await this.held.load();
    await this.outbox.load();
    await this.inbox.load();
    await this.positions.load();
    await this.security.load();
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

  /** Throws LOGIN_NEEDED once it is known that this device was logged out. */
  protected needLogin(): void {
    if (this.#ended?.code === 'LOGIN_NEEDED') throw this.#ended;
  }

  /** See Luxchat.close. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#chores.close();
    this.#inStep.end();
    this.outbox.close();
    this.positions.close();
    this.held.close();
    this.connection.close();
    this.#end(new ClientError('CLOSED', 'The client was closed.'));
    try {
      await this.#inStep.settled();
      await this.security.close();
      await this.#parts?.engine.close();
    } finally {
      // Whatever failed before: else nobody could open the device again.
      await this.options.store.close();
    }
  }

  /** See Luxchat.counters. */
  counters(): Counters {
    return this.#chores.counters();
  }

  #hidesRoom(room: string): boolean {
    const invitedBy = this.held.get(room)?.replica.invitedBy;
    return this.blocks.hidesRoom(room) || (invitedBy !== undefined && this.blocks.isBlocked(invitedBy));
  }

  #makeOutbox(): Outbox {
    return new Outbox({
      store: this.options.store,
      live: () => this.#inStep.synced,
      submit: (room, event) => this.#submit(room, event),
      room: (room) => this.held.get(room)?.sender,
      staleManifest: () => this.#chores.quietly(() => this.ownDevices.refresh()),
      changed: (send, change) => this.#sendChanged(send, change),
      background: (work) => this.#chores.background(work),
      now: () => this.#now(),
      random: () => this.#random(),
      count: (name) => this.#chores.count(name),
    });
  }

  #makeInbox(): Inbox {
    return new Inbox({
      parts: () => this.parts,
      roomKeys: (keys) => this.#keysCame(keys),
      standing: (room, status) =>
        this.#chores.quietly(() => this.#inStep.follow(room, () => this.held.standing(room, status))),
      manifest: (user) => this.#manifestMoved(user),
      devices: () => this.#chores.quietly(() => this.ownDevices.refresh()),
      blocks: () => this.#chores.quietly(() => this.blocks.refresh()),
      privateMessage: async (message) => {
        await this.positions.take(message);
        await this.profileSharing.take(message);
        await this.security.take(message);
        await this.sessionKeys.take(message);
      },
      newcomer: (user) => this.newcomerNotes.note(user),
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
    this.connection.on('silent', () => this.#chores.background(() => this.inbox.read()));
    this.connection.on('failed', (error) => this.#chores.background(() => Promise.reject(error)));
    this.connection.on('ended', (error) => this.#end(error));
    engine.on('verification', (verification) => {
      this.emit('verification', describeVerification(this.options.user, verification));
      if (verification.state.phase === 'done') this.#chores.background(() => this.ownDevices.verified(verification));
    });
    engine.on('roomKeys', (keys) => this.#chores.background(() => this.#keysCame(keys)));
    engine.on('fault', (error) => this.#chores.fault(error));
    engine.on('flushNeeded', () => this.#chores.background(() => this.#repairs.flush()));
  }

  /** The order matters: keys before people, people before rooms. */
  async #round(welcome: Welcome): Promise<void> {
    if (welcome.reactivated) this.emit('reactivated', undefined);
    await this.ownDevices.welcome(welcome);
    await this.inbox.read();
    await this.blocks.first();
    this.#inStep.askedAnew();
    await this.held.sync();
  }

  async #inStepNow(): Promise<void> {
    this.emit('synced', undefined);
    this.outbox.kickAll();
    this.positions.kick();
    this.#chores.background(() => this.profileSharing.flush());
    this.#chores.background(() => this.people.catchUp());
    await this.#repairs.inStep();
    this.sessionKeys.look();
    this.#chores.background(() => this.security.follow());
    this.#chores.background(() => this.vouching.follow());
    this.checkpoints.lookAtAll();
  }

  /** Of somebody else, or this user's own: what waited for it goes on. */
  async #identitySigned(replica: RoomReplica, user: string): Promise<void> {
    if (user === this.options.user) await this.vouching.followRoom(replica);
    else await this.vouching.followUser(user);
    await this.#repairs.devicesChanged();
    this.outbox.kickAll();
  }

  #pushed(body: ServerBody): void {
    if (!pushedCases.has(body.$case)) return;
    this.#chores.background(() => (body.$case === 'inboxMoved' ? this.inbox.read() : this.held.pushed(body)));
  }

  #keysCame(keys: readonly RoomKey[]): Promise<void> {
    this.security.look();
    return this.#repairs.keysCame(keys);
  }

  async #sendPrivately(messages: readonly DeviceMessage[]): Promise<void> {
    await this.#server?.sendDeviceMessages(crypto.randomUUID(), [...messages]);
  }

  #submit(room: string, event: NonNullable<LocalSend['event']>): Promise<Accepted> {
    const value = { room, event, person: undefined, credential: undefined, partner: '' };
    return this.connection.request({ $case: 'submit', value }, 'accepted');
  }

  #sendChanged(send: LocalSend, change: SendChange): void {
    const replica = this.held.get(send.room)?.replica;
    const line = replica && foldChanged(send, change, replica);
    if (line) this.emit('item', line);
  }

  async #manifestMoved(user: string): Promise<void> {
    const room = this.held.shared(user);
    if (user === this.options.user) await this.#chores.quietly(() => this.ownDevices.refresh());
    else if (room !== '') await this.people.moved(user, room);
    // Not awaited: the inbox would stand still until each room is written to.
    this.#chores.background(() => this.#followUser(user));
    await this.#repairs.devicesChanged();
  }

  /** Who is heard in which room may have changed with it. */
  #personChanged(user: string): void {
    for (const { replica } of this.held.all()) {
      if (replica.chain.memberOf(user) === 0) continue;
      this.emit('room', replica.info());
      this.outbox.kick(replica.room);
    }
  }

  async #followUser(user: string): Promise<void> {
    if (await this.vouching.followUser(user)) this.identityApproved();
  }

  /** What waited for that goes on, also where the chain named that identity already. */
  protected identityApproved(): void {
    this.#chores.background(() => this.#repairs.devicesChanged());
    this.outbox.kickAll();
  }

  async #confirmed(listed: boolean): Promise<void> {
    this.emit('devices', await this.ownDevices.list());
    if (!listed) return;
    this.outbox.kickAll();
    this.#repairs.confirmed();
    this.sessionKeys.look();
  }

  async #tellNewDevice(device: string): Promise<void> {
    await this.positions.tellAll(device);
    await this.profileSharing.tell([device]);
  }

  /** Keys may have been lost on their way here. What the server still has is compared; senders renew a key whose inbox was full by themselves. */
  async #fullSync(): Promise<void> {
    this.#chores.count('inbox.fullSync');
    await this.positions.ask();
    await this.ownDevices.refresh();
    await this.blocks.refresh();
    await this.#inStep.follow('', () => this.held.sync());
  }

  async #blocksChanged(back: readonly string[]): Promise<void> {
    if (back.length > 0) await this.#inStep.follow('', () => this.held.back(back));
    this.emit('blocks', this.blocks.list());
  }

  #end(error: ClientError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.emit('ended', error);
  }

  #alarm(alarm: Alarm): void {
    this.#chores.count(`alarm.${alarm.code}`);
    this.#chores.background(() => this.alarmNotes.note(alarm));
    this.emit('alarm', alarm);
  }

  #now(): number {
    return (this.options.now ?? Date.now)();
  }

  #random(): number {
    return (this.options.random ?? Math.random)();
  }
}
