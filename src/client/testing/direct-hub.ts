// For tests: a provider of 1:1 rooms in memory, as honest as can be, and an engine that signs as the person and seals nothing. It orders what is submitted,
// reads it back, and knows the people whom the test names. What a device asks for, how often, and what it makes of the answers is at stake.
import { type RoomEntry, Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import {
  ControlBody,
  ControlEntry,
  ControlKind,
  type Credential,
  type DeviceManifest,
  type Event,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  MemberStatus,
  type Person,
} from '#proto/gen/record.ts';
import { type Actor, makeActor, signManifest } from '#proto/golden/cast.ts';
import { noBytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHash, manifestHash } from '#proto/rules/bytes/hash.ts';
import { type LogHead, stampEvent } from '#proto/rules/record/record.ts';
import type { ClientBody, ServerBody } from '../connection/connection.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodePrimitives as primitives } from '../node/node-primitives.ts';
import type { LocalStore } from '../store/store.ts';
import { idleEngine, ScriptedSession, told } from './scripted-session.ts';

/** What the hub holds of a room. */
export interface HubRoom {
  readonly records: LogRecord[];
  readonly control: { readonly seq: number; readonly entry: ControlEntry }[];
  readonly persons: Person[];
  readonly credentials: Credential[];
  head: LogHead;
  /** Of `@me:localhost`. */
  status: MemberStatus;
}

/** What goes beside a control entry. */
export interface Beside {
  readonly person?: Person;
  readonly credential?: Credential;
}

/** A provider, the device of `@me:localhost` on it, and everybody else. */
export class DirectHub {
  readonly me = makeActor('@me:localhost');
  readonly rooms = new Map<string, HubRoom>();
  nowMs = Date.now();
  readonly #people = new Map<string, Actor>([[this.me.user, this.me]]);
  /** Of those who started over. */
  readonly #lists = new Map<string, DeviceManifest>();
  #session: ScriptedSession | undefined;
  readonly #subscribed = new Set<string>();

  /** A person whom the provider knows. */
  person(user: string): Actor {
    const known = this.#people.get(user) ?? makeActor(user);
    this.#people.set(user, known);
    return known;
  }

  /** A person begins another identity, as whom the provider shows them from now on, with one device of number 2. */
  startsOver(user: string): Actor {
    const before = this.person(user);
    const anew = makeActor(user, 2);
    const previousHash = manifestHash(this.manifest(before).signed, primitives);
    const list = { version: 2, devices: [2], previousHash, formerKeys: [before.master.publicKey] };
    this.#lists.set(user, signManifest(anew, list, 2));
    this.#people.set(user, anew);
    return anew;
  }

  /** A person's next list, of the same device. */
  listsAnew(user: string): void {
    const actor = this.person(user);
    const previousHash = manifestHash(this.manifest(actor).signed, primitives);
    this.#lists.set(user, signManifest(actor, { version: 2, devices: [1], previousHash }));
  }

  /** The device, in a session with this provider, in step. Close its `client` at the end. */
  async session(store?: LocalStore): Promise<ScriptedSession> {
    const script = (asked: ClientBody) => this.#answer(asked);
    const engine = this.#engine();
    const { id: deviceId } = this.me.device(1);
    this.#subscribed.clear();
    this.#session = new ScriptedSession(script, { engine, deviceId, primitives, ...(store ? { store } : {}) });
    await this.#session.client.start();
    await this.#session.client.synced();
    return this.#session;
  }

  /** A room, empty at first. */
  room(room: string): HubRoom {
    const held = this.rooms.get(room) ?? {
      ...{ records: [], control: [], persons: [], credentials: [] },
      head: { incarnation: 1, seq: 0, acceptedMs: 0, count: 0, hash: zeroHash },
      status: MemberStatus.MEMBER_STATUS_JOINED,
    };
    this.rooms.set(room, held);
    return held;
  }

  /** The newest control entry. */
  control(room: string): { number: number; hash: Uint8Array } {
    const signed = this.room(room).control.at(-1)?.entry.signed;
    if (!signed) return { number: 0, hash: zeroHash };
    return { number: ControlBody.decode(signed).number, hash: controlHash(signed, primitives) };
  }

  /** Takes an event of somebody else, as if they had submitted it, and pushes it. */
  add(room: string, event: Event, beside: Beside = {}): void {
    this.#submit({ ...Submit.decode(noBytes), room, event, ...beside });
    this.#push(room, this.room(room).records.slice(-1));
  }

  #push(room: string, records: readonly LogRecord[]): void {
    const { persons, credentials } = this.room(room);
    if (this.#subscribed.has(room)) this.#session?.push(told('roomRecords', { room, persons, credentials, records }));
  }

  /** Who has which devices. */
  manifest(actor: Actor): DeviceManifest {
    return this.#lists.get(actor.user) ?? signManifest(actor, { version: 1, devices: [1] });
  }

  #answer(asked: ClientBody): ServerBody | undefined {
    switch (asked.$case) {
      case 'queryKeys':
        return told('keysAnswer', { users: asked.value.users.flatMap((user) => this.#keysOf(user)) });
      case 'submit': {
        const { room } = asked.value;
        if (isGenesis(asked.value) && this.rooms.get(room)?.control.length) return roomExists;
        const accepted = this.#submit(asked.value);
        const records = this.room(room).records.slice(-1);
        queueMicrotask(() => this.#push(room, records));
        return told('accepted', accepted);
      }
      case 'listRooms': {
        const { room, after } = asked.value;
        const listed = room === '' ? [...this.rooms.keys()].filter((each) => each > after).sort() : [room];
        return told('roomList', { rooms: listed.flatMap((each) => this.#entry(each)) });
      }
      case 'subscribe':
        for (const room of asked.value.rooms) this.#subscribed.add(room);
        return told('subscribed', { rooms: asked.value.rooms.flatMap((each) => this.#entry(each)) });
      case 'readRoom': {
        const { control, persons, credentials } = this.room(asked.value.room);
        const from = control.slice(Math.max(0, asked.value.fromControl - 1));
        return told('roomSnapshot', { control: from, persons, credentials, head: this.control(asked.value.room) });
      }
      case 'fetchRecords': {
        const { records, head } = this.room(asked.value.room);
        const page = records.slice(Math.max(0, asked.value.fromSeq - 1));
        return told('recordPage', { records: page, headSeq: head.seq, readableFrom: 1 });
      }
      default:
        return undefined;
    }
  }

  #submit({ room, event, person, credential }: Submit): object {
    if (!event) throw new Error('a submit without an event');
    const held = this.room(room);
    const { kind, counts, member } = EventHeader.decode(event.header);
    const { record, head } = stampEvent(held.head, event, { counts, now: this.nowMs, primitives });
    held.records.push(record);
    held.head = head;
    if (person) held.persons.push(person);
    if (credential) held.credentials.push(credential);
    if (kind === EventKind.EVENT_KIND_CONTROL) {
      const entry = ControlEntry.decode(event.body);
      held.control.push({ seq: head.seq, entry });
      const { kind: what, actor } = ControlBody.decode(entry.signed);
      const isMine = held.persons.some(({ user, member: known }) => user === this.me.user && known === actor);
      if (what === ControlKind.CONTROL_KIND_ACCEPT && isMine && member === actor)
        held.status = MemberStatus.MEMBER_STATUS_JOINED;
    }
    return { seq: head.seq, acceptedMs: head.acceptedMs, hash: head.hash, control: this.control(room) };
  }

  #entry(room: string): RoomEntry[] {
    const { head, control, status, persons } = this.room(room);
    if (control.length === 0) return [];
    const member = persons.find(({ user }) => user === this.me.user)?.member ?? 1;
    const inviter = persons.find(({ user }) => user !== this.me.user);
    const isIn = status === MemberStatus.MEMBER_STATUS_JOINED;
    const seen = isIn
      ? { headSeq: head.seq, headCount: head.count, headHash: head.hash, readableFrom: 1, control: this.control(room) }
      : { headSeq: 0, headCount: 0, headHash: noBytes, readableFrom: 0, control: undefined };
    const invitedBy = isIn ? '' : (inviter?.user ?? '');
    const invitedByBot = !isIn && (inviter?.bot ?? false);
    const invitation = { invitedBy, invitedByBot, invitedMs: 0 };
    return [{ room, member, role: 0, status, direct: true, ...seen, name: undefined, ...invitation }];
  }

  #keysOf(user: string): object[] {
    const actor = this.#people.get(user);
    if (!actor) return [];
    const { number: device, id: deviceId, deviceJson } = actor.device(1);
    const manifest = this.manifest(actor);
    const { selfSigningJson } = actor;
    const keys = {
      masterJson: noBytes,
      selfSigningJson,
      userSigningJson: noBytes,
      manifest,
      manifests: [],
      bot: false,
    };
    return [{ user, devices: [{ device, deviceId, deviceJson }], ...keys }];
  }

  /** Bodies are their plaintexts; whoever the log names has sent them, from their first device. */
  #engine(): CryptoEngine {
    const { keys, identityKey, deviceJson } = this.me.device(1);
    const { selfSigningJson } = this.me;
    const sessionId = 'none';
    return idleEngine({
      ownKeys: async () => ({ ed25519: keys.publicKey, curve25519: identityKey, deviceJson }),
      certificate: async () => ({ deviceJson, selfSigningJson, masterJson: noBytes }),
      sign: async (text: string) => keys.sign(new TextEncoder().encode(text)),
      encrypt: async ({ plaintext }: { plaintext: Uint8Array }) => ({ body: plaintext, sessionId, excluded: [] }),
      decrypt: async ({ sender, body }: { sender: string; body: Uint8Array }) => {
        const device = this.#people.get(sender)?.device(1).id;
        return { ok: true, plaintext: body, sender, device, trust: 'crossSigned', sessionId, index: 0 };
      },
      identity: async (user: string) => {
        const masterKey = this.#people.get(user)?.master.publicKey ?? noBytes;
        return { masterKey, changed: false, verified: false };
      },
      sealForDevices: async () => [],
    });
  }
}

const roomExists: ServerBody = {
  $case: 'rejected',
  value: { code: Rejection.REJECTION_ROOM_EXISTS, retryAfterMs: 0, control: undefined, manifest: undefined },
};

function isGenesis({ event }: Submit): boolean {
  if (!event || EventHeader.decode(event.header).kind !== EventKind.EVENT_KIND_CONTROL) return false;
  return ControlBody.decode(ControlEntry.decode(event.body).signed).kind === ControlKind.CONTROL_KIND_CREATE;
}
