// For tests: a hub with one group whose chain is told step by step, which forgets people as an erasure asks and hands out its newest CHECKPOINT; and devices
// that read there. Each answer can be replaced by a lie.
import type { ReadRoom } from '#proto/gen/client.ts';
import { RoomSnapshot } from '#proto/gen/client.ts';
import { ControlBody, ControlEntry, ControlKind } from '#proto/gen/record.ts';
import { type Actor, testPrimitives } from '#proto/golden/cast.ts';
import { Story } from '#proto/golden/story.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { controlHead, encodeState, hashState } from '#proto/rules/control/state.ts';
import type { Statement } from '../chain/control-author.ts';
import { nothingBeside, syncChain, takeControl } from '../chain/room-control.ts';
import type { Parts } from '../parts.ts';
import { RoomReplica } from '../room/room.ts';
import { MemoryStore } from '../store/memory-store.ts';

/** What the hub says instead of the truth. */
export type Lie = (truth: RoomSnapshot, read: ReadRoom) => RoomSnapshot;

/** One group, and who is behind its numbers. */
export class CheckpointHub {
  readonly story: Story;
  readonly asked: ReadRoom[] = [];
  lie: Lie = (truth) => truth;
  /** When entries are signed, as their authors say. */
  signedMs = 0;
  /** Entries below this are gone. */
  first = 1;
  /** Bytes of a state in one answer. */
  pieceBytes = 300;
  #actors: Actor[];
  #forgotten = new Set<number>();
  #states: Uint8Array[] = [];

  constructor(owner: Actor) {
    this.story = Story.group(owner);
    this.#actors = [owner];
  }

  /** Somebody is invited and joins. */
  join(by: number, newcomer: Actor, role?: Parameters<Story['join']>[2]): number {
    this.#actors.push(newcomer);
    return this.story.join(by, newcomer, role);
  }

  /** Somebody is invited. */
  invite(by: number, newcomer: Actor): number {
    this.#actors.push(newcomer);
    return this.story.invite(by, newcomer);
  }

  /** An entry without more than its kind. */
  do(actor: number, kind: ControlKind, target = actor): void {
    this.story.do(actor, { kind, target, signedMs: this.signedMs });
  }

  /** A member signs the state as it is. */
  checkpoint(by: number): void {
    const { state } = this.story;
    if (!state) throw new Error('no room yet');
    this.signs(by, { kind: ControlKind.CONTROL_KIND_CHECKPOINT, stateHash: hashState(state, testPrimitives) });
  }

  /** A member signs a CHECKPOINT; one of another state is an error. */
  signs(by: number, { kind, stateHash = noBytes }: Pick<Statement, 'kind' | 'stateHash'>): void {
    const { state } = this.story;
    if (!state) throw new Error('no room yet');
    this.#states[state.number + 1] = encodeState(state);
    this.story.do(by, { kind, target: 0, stateHash });
  }

  /** Nobody is told any more who this was. */
  forget(member: number): void {
    this.#forgotten.add(member);
  }

  /** The state before a CHECKPOINT, encoded. */
  stateBefore(number: number): Uint8Array {
    return this.#states[number] ?? noBytes;
  }

  answer(read: ReadRoom): RoomSnapshot {
    this.asked.push(read);
    return this.lie(this.#truth(read), read);
  }

  #truth({ fromControl, stateOffset }: ReadRoom): RoomSnapshot {
    const { entries, state } = this.story;
    const number = this.#states.length - 1;
    const isGone = fromControl > 0 && fromControl < this.first;
    const head = controlHead(state);
    const none = { ...RoomSnapshot.decode(noBytes), room: this.story.room, head };
    if (stateOffset === 0 && !isGone) return { ...none, ...this.#from(fromControl) };
    if (number < 1) return { ...none, ...this.#from(1) };
    const offset = Math.max(0, stateOffset - 1);
    const whole = this.stateBefore(number);
    const checkpointState = whole.subarray(offset, offset + this.pieceBytes);
    const isLast = offset + checkpointState.length >= whole.length;
    const persons = [...(state?.members ?? [])].flatMap((member) => this.#person(member.number));
    const rest =
      isLast && entries.length >= number ? this.#from(number) : { control: [], credentials: [], persons: [] };
    const checkpoint = { checkpointState, checkpointNumber: number, checkpointStateSize: whole.length };
    return { ...none, ...rest, ...checkpoint, persons: [...persons, ...rest.persons] };
  }

  #from(number: number) {
    const control = this.story.entries.slice(Math.max(0, number - 1)).map(({ seq, entry }) => ({ seq, entry }));
    const bodies = control.map(({ entry }) => ControlBody.decode(entry.signed));
    return {
      control: number > 0 ? control : [],
      persons: bodies.flatMap(({ person, target }) => (person.length > 0 ? this.#person(target) : [])),
      credentials: bodies.flatMap(({ actor, device }) => {
        const found = this.#forgotten.has(actor) ? undefined : this.#actors[actor - 1];
        return found ? [found.credential(actor, device)] : [];
      }),
    };
  }

  #person(number: number) {
    const actor = this.#forgotten.has(number) ? undefined : this.#actors[number - 1];
    return actor ? [actor.person(number)] : [];
  }
}

/** A device of somebody that reads at a hub; it knows the identities of `knows`, its own included, which was one of `former` before. */
export class ReadingDevice {
  readonly room: RoomReplica;
  readonly alarms: string[] = [];
  readonly hub: CheckpointHub;
  rotated = 0;

  constructor(
    hub: CheckpointHub,
    actor: Actor,
    {
      device = 1,
      knows = [],
      former = [],
      store = new MemoryStore(),
    }: { device?: number; knows?: Actor[]; former?: readonly Actor[]; store?: MemoryStore } = {},
  ) {
    this.hub = hub;
    const known = new Map([actor, ...knows].map(({ user, master }) => [user, master.publicKey]));
    const manifest = { body: { formerKeys: former.map(({ master }) => master.publicKey) } };
    const parts = {
      ...{ user: actor.user, device, store, primitives: testPrimitives },
      engine: { rotate: async () => void this.rotated++ },
      people: {
        get: (user: string) => (known.has(user) ? { user, fingerprint: known.get(user), manifest } : undefined),
        refresh: async () => {},
      },
      profiles: { info: () => ({ name: '', picture: false }) },
      alarm: ({ code }: { code: string }) => this.alarms.push(code),
      emit() {},
      count() {},
      request: async ({ value }: { value: ReadRoom }) => hub.answer(value),
    } as unknown as Parts;
    this.room = new RoomReplica(hub.story.room, { parts, membersChanged() {}, changed() {} } as never);
  }

  /** Reads what is new in the chain. */
  async sync(): Promise<this> {
    await this.room.exclusive(() => syncChain(this.room));
    return this;
  }

  /** The entry `number` comes as a record. */
  comes(number: number, seq?: number): Promise<boolean> {
    const placed = this.hub.story.entries[number - 1];
    if (!placed) throw new Error('no such entry');
    const body = ControlEntry.encode(placed.entry).finish();
    return takeControl(this.room, { seq: seq ?? placed.seq, body, ...nothingBeside }, []);
  }

  /** The room as another run of the program finds it. */
  async again(): Promise<RoomReplica> {
    const { store } = this.room.ports.parts;
    const room = new RoomReplica(this.room.room, this.room.ports);
    await room.load((await store.get('rooms', room.room)) ?? noBytes);
    return room;
  }
}
