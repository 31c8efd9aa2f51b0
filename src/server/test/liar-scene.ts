// The people of the lying server's tests: Alice, who sits behind the liar, and Bob, Eve and Dora, who don't. Every lie gets a room of its own.

import type { Alarm } from '#client/alarms.ts';
import {
  type Author,
  controlBytes,
  describePerson,
  type Statement,
  signControl,
} from '#client/chain/control-author.ts';
import type { ClientOptions } from '#client/client-options.ts';
import { openEngine } from '#client/crypto/olm-engine.ts';
import type { Known } from '#client/devices/known.ts';
import { LuxchatClient } from '#client/luxchat-client.ts';
import { portablePrimitives } from '#client/primitives.ts';
import { MemoryStore } from '#client/store/memory-store.ts';
import { storeLedger } from '#client/store/store-ledger.ts';
import {
  Algorithm,
  ControlBody,
  type Credential,
  type Event,
  EventHeader,
  EventKind,
  MemberStatus,
  type Person,
  type Record,
} from '#proto/gen/record.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { eventually, type ProviderProcess } from './harness.ts';
import { rawLogin } from './hostile-socket.ts';
import { Liar } from './liar.ts';
import { engineWith, ledgerWith, primitivesWith } from './liar-doubles.ts';

/** The people. */
export interface Cast {
  readonly provider: ProviderProcess;
  readonly liar: Liar;
  /** Behind the liar, with defences that can be switched off. */
  readonly alice: LuxchatClient;
  readonly bob: LuxchatClient;
  readonly eve: LuxchatClient;
  readonly dora: LuxchatClient;
  readonly alarms: Alarm[];
  /** Hers. */
  readonly clock: Clock;
}

/** Milliseconds by which a clock goes before the true one. */
interface Clock {
  aheadMs: number;
}

/** A room of Bob (owner), Alice and Eve. */
export interface Scene extends Cast {
  readonly room: string;
  /** A second device of the owner. */
  readonly second?: LuxchatClient;
}

/** A device in memory, connected to `url` instead of the provider where one is given. */
export async function device(
  provider: ProviderProcess,
  user: string,
  url?: string,
  options: Pick<ClientOptions, 'passwordCost' | 'now'> = {},
): Promise<LuxchatClient> {
  const { userId, deviceNumber, deviceId, accessToken } = await rawLogin(provider, user);
  const store = new MemoryStore();
  const behind = url !== undefined;
  const client: LuxchatClient = new LuxchatClient({
    ...options,
    user: userId,
    device: deviceNumber,
    deviceId,
    store,
    primitives: behind ? primitivesWith(portablePrimitives) : portablePrimitives,
    openEngine: async (server) => {
      const ledger = behind ? ledgerWith(storeLedger(store)) : storeLedger(store);
      const engine = await openEngine({ user: userId, device: deviceId, server, ledger });
      return behind ? engineWith(engine, () => everything(client)) : engine;
    },
    login: { server: `http://127.0.0.1:${provider.port}` },
    connection: {
      url: url ?? `ws://127.0.0.1:${provider.port}/ws`,
      client: 'liar test',
      accessToken: async () => accessToken,
      backoffMaxMs: 50,
    },
  });
  await client.start();
  await client.synced();
  return client;
}

function everything(client: LuxchatClient) {
  const users = client.held.all().flatMap(({ replica }) => replica.members().map((member) => member.user));
  return { rooms: client.rooms().map(({ room }) => room), users: [...new Set(users)] };
}

let casts = 0;

/** Logs everyone in, people whom nobody has met. */
export async function gather(provider: ProviderProcess): Promise<Cast> {
  const liar = await Liar.start(provider);
  const alarms: Alarm[] = [];
  casts += 1;
  const clock = { aheadMs: 0 };
  const alice = await device(provider, `alice${casts}`, liar.url, { now: () => Date.now() + clock.aheadMs });
  alice.on('alarm', (alarm) => alarms.push(alarm));
  const [bob, eve, dora] = [
    await device(provider, `bob${casts}`),
    await device(provider, `eve${casts}`),
    await device(provider, `dora${casts}`),
  ];
  return { provider, liar, alice, bob, eve, dora, alarms, clock };
}

/** Sends everyone home. */
export async function dismiss({ liar, alice, bob, eve, dora }: Cast): Promise<void> {
  await Promise.allSettled([alice, bob, eve, dora].map((client) => client.close()));
  liar.close();
}

/** A fresh room in which all have heard each other, and the liar honest again. */
export async function newRoom(cast: Cast, owner = cast.bob): Promise<Scene> {
  cast.liar.repent();
  const { alice, eve } = cast;
  const room = await owner.createGroup({ name: 'garden', invite: [alice.user, eve.user] });
  for (const guest of [alice, eve]) await join(guest, room);
  for (const each of [owner, alice, eve]) await eventually('all three are in', () => joined(each, room) === 3);
  // Who only reads asks for nobody's devices yet: Alice is one who is about to write.
  await alice.people.refresh([owner.user, eve.user], room);
  await says(owner, room, 'welcome');
  for (const each of [owner, alice, eve]) await reads(each, room, 'welcome');
  // Whoever let a guest in writes the name again: nothing of the owner's may be under way when the lie begins.
  const heads = () => new Set([owner, alice, eve].map((each) => each.held.need(room).replica.headSeq));
  await eventually('nothing is under way', () => owner.outbox.waiting(room).length === 0 && heads().size === 1);
  return { ...cast, bob: owner, room };
}

/** A fresh room of Bob and Eve that Alice is not in. */
export async function roomWithoutAlice(cast: Cast): Promise<Scene> {
  cast.liar.repent();
  const room = await cast.bob.createGroup({ name: 'shed', invite: [cast.eve.user] });
  await join(cast.eve, room);
  await eventually('both are in', () => joined(cast.bob, room) === 2);
  return { ...cast, room };
}

let newcomers = 0;

/** A person whom nobody has met. */
export function newPerson({ provider }: Cast): Promise<LuxchatClient> {
  newcomers += 1;
  return device(provider, `bea${newcomers}`);
}

/** Confirms a second device of a person by seven emoji. */
export async function secondDevice({ provider }: Cast, older: LuxchatClient): Promise<LuxchatClient> {
  const newer = await device(provider, `bea${newcomers}`);
  const id = await newer.requestVerification(older.deviceId);
  const state = (client: LuxchatClient) => client.verifications().find((each) => each.id === id)?.state;
  await eventually('the older device is asked', () => state(older) !== undefined);
  await older.acceptVerification(id);
  for (const client of [older, newer]) await eventually('both show emoji', () => state(client) === 'emoji');
  for (const client of [older, newer]) await client.confirmVerification(id);
  for (const { ownDevices } of [older, newer]) await eventually('both are listed', () => ownDevices.confirmed);
  await eventually('both are listed', () => older.people.get(older.user)?.manifest.body.devices.length === 2);
  await eventually('the newer one knows that it is signed', () => newer.parts.engine.confirmed());
  return newer;
}

/** Resolves when Alice holds this version of a person's manifest. */
export function hasManifest({ alice }: Cast, user: string, version: number): Promise<void> {
  return eventually(`manifest ${version} came`, () => alice.people.get(user)?.manifest.body.version === version);
}

/** What Alice holds of the room's owner: manifest, and the row it is kept in. */
export const manifestOf = ({ alice, bob }: Scene) => alice.people.get(bob.user) as Known;

/** Accepts an invitation once it came. */
export async function join(guest: LuxchatClient, room: string): Promise<void> {
  const invited = () =>
    guest.rooms().some((each) => each.room === room && each.status === MemberStatus.MEMBER_STATUS_INVITED);
  await eventually('the guest is invited', invited);
  await guest.accept(room);
}

/** Alice's connection breaks, she comes back and is told how everything stands. */
export async function comesBack({ alice, liar }: Cast): Promise<void> {
  const again = alice.once('synced');
  liar.cut();
  await again;
}

function joined(client: LuxchatClient, room: string): number {
  if (!client.rooms().some((each) => each.room === room)) return 0;
  return client.members(room).filter(({ status }) => status === MemberStatus.MEMBER_STATUS_JOINED).length;
}

/** Texts that a client shows in a room, in order, each with its author. */
export async function texts(
  client: LuxchatClient,
  room: string,
): Promise<{ text: string; sender: string; id: string }[]> {
  return (await client.timeline(room)).flatMap(({ kind, content, sender, id }) =>
    kind === 'message' && content?.body?.$case === 'text' ? [{ text: content.body.value.text, sender, id }] : [],
  );
}

/** Resolves when the client shows this text. */
export function reads(client: LuxchatClient, room: string, text: string): Promise<void> {
  return eventually(`${text} is read`, async () => (await texts(client, room)).some((line) => line.text === text));
}

/** Says something and waits until the hub has it. */
export async function says(client: LuxchatClient, room: string, text: string): Promise<void> {
  await client.send(room, text);
  await client.flushed(10_000);
}

/** Member number of a user as Alice knows it. */
export function numberOf({ alice, room }: Scene, { user }: { readonly user: string }): number {
  return alice.held.need(room).replica.chain.memberOf(user);
}

/** Are these devices among those to which Alice would send the room's keys? */
export function sharesWith({ alice, room }: Scene, user: string, deviceId?: string): boolean {
  const { recipients } = alice.held.need(room).sender.place(1);
  return recipients.some((one) => one.user === user && (deviceId === undefined || one.devices.includes(deviceId)));
}

/** The record as Alice was told it, of the message with this text. */
export async function recordOf(scene: Scene, text: string): Promise<Record> {
  const line = (await texts(scene.bob, scene.room)).find((each) => each.text === text);
  const [member, number, sendId] = (line?.id ?? '').split('.').map(Number);
  const found = scene.liar
    .history(scene.room)
    .find((header) => header.member === member && header.device === number && header.sendId === sendId);
  if (!found) throw new Error(`no record of ${text}`);
  return found;
}

let sendId = 5_000;

/** An event that holds a control entry, as the hub would have taken it from this device. */
export function controlEvent(scene: Scene, member: number, deviceNumber: number, body: Uint8Array): Event {
  const { chain } = scene.alice.held.need(scene.room).replica;
  const header = EventHeader.encode({
    room: scene.room,
    member,
    device: deviceNumber,
    sendId: ++sendId,
    kind: EventKind.EVENT_KIND_CONTROL,
    algorithm: Algorithm.ALGORITHM_NONE,
    bodySize: body.length,
    bodyHash: portablePrimitives.sha256(body),
    control: controlHead(chain.state),
    counts: false,
    expiryDay: 0,
    commitment: new Uint8Array(),
  });
  return { header: header.finish(), body };
}

/** An entry that a client's own device truly signs, whatever the chain says to it. */
export async function signedEntry(
  scene: Scene,
  by: LuxchatClient,
  statement: Statement,
): Promise<{ event: Event; credential: Credential; body: ControlBody }> {
  const { chain } = scene.alice.held.need(scene.room).replica;
  const { number = 0, hash = new Uint8Array() } = controlHead(chain.state);
  const author: Author = { engine: by.parts.engine, primitives: portablePrimitives, device: by.device, now: Date.now };
  const actor = numberOf(scene, by);
  const place = { room: scene.room, number: number + 1, previousHash: hash, actor };
  const { entry, credential } = await signControl(author, place, statement);
  const event = controlEvent(scene, actor, by.device, controlBytes(entry));
  return { event, credential, body: ControlBody.decode(entry.signed) };
}

/** Someone who is in no room: as good as any name that a liar invents. */
export function stranger(member: number): Person {
  return describePerson('@mallory0000:localhost', crypto.getRandomValues(new Uint8Array(32)), member);
}
