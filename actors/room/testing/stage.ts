// A room under test: users with devices who submit real events, and a log in memory whose coverage is held back or let go by the test.
// Effects come back as data, pushed frames decoded. Cryptography is handed in. Not part of the server.
import type { Effect } from '#actors/kernel/effects.ts';
import type { Requester, RoomMessage } from '#actors/kernel/messages.ts';
import { ServerFrame, Submit } from '#proto/gen/client.ts';
import type { Rejection } from '#proto/gen/codes.ts';
import {
  Algorithm,
  ControlBody,
  ControlEntry,
  ControlKind,
  type Credential,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  type Person,
  Role,
  type RoomPolicy,
  SlotWrite,
} from '#proto/gen/record.ts';
import { asciiBytes, noBytes, utf8Bytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHash, controlTextToSign } from '#proto/rules/bytes/hash.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { directRoomId, groupRoomId } from '#proto/rules/ids.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { RoomOptions } from '../context.ts';
import { defaultRoomLimits, type RoomLimits } from '../limits.ts';
import { Room } from '../room.ts';
import type { RoomState } from '../state/room-state.ts';
import { StageLog } from './stage-log.ts';

/** A user with keys, as `proto/golden/cast.ts` makes them. */
export interface StageUser {
  readonly user: string;
  readonly commitment: Uint8Array;
  readonly master: { readonly publicKey: Uint8Array };
  person(member: number): Person;
  credential(member: number, device: number): Credential;
  device(number: number): { readonly keys: { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array } };
}

/** What came out: answers in order, pushed frames decoded with their bytes, everything else as it is. */
export interface Seen {
  readonly effects: Effect[];
  readonly answers: { readonly request: number; readonly body: ServerFrame['body'] }[];
  readonly pushed: { readonly body: ServerFrame['body']; readonly frame: Uint8Array }[];
}

/** A plain group. */
export const policy: RoomPolicy = {
  direct: false,
  history: 0,
  inviteRole: 0,
  slotRole: 0,
  postRole: 0,
  membersMax: 0,
};

type Wish = Partial<ControlBody> & { readonly kind: ControlKind };

/** One room, its log and its users. */
export class Stage {
  readonly room: string;
  readonly log = new StageLog();
  readonly options: RoomOptions;
  actor: Room;
  now = 1_700_000_000_000;
  /** Cover appends at once; false = only by `cover`. */
  covers = true;
  /** Turns by which the actor went on by itself. */
  turns = 0;
  /** What sessions say of their users. */
  mayEnter = true;
  mayInvite = true;
  #request = 0;
  readonly #sendIds = new Map<string, number>();
  #seen: Seen = { effects: [], answers: [], pushed: [] };

  constructor(room: string, primitives: Primitives, limits: Partial<RoomLimits> = {}) {
    this.room = room;
    const provider = room.slice(room.indexOf(':') + 1);
    this.options = {
      provider,
      primitives,
      limits: { ...defaultRoomLimits, ...limits },
      providerOf: () => undefined,
      incarnation: 1,
      isBot: (user) => user.startsWith('@bot'),
    };
    this.actor = new Room(room, this.options);
  }

  /** A group founded by `owner`, genesis covered. */
  static group(
    owner: StageUser,
    primitives: Primitives,
    given: { policy?: Partial<RoomPolicy>; limits?: Partial<RoomLimits> } = {},
  ): Stage {
    const provider = owner.user.slice(owner.user.indexOf(':') + 1);
    const body = genesisBody(owner, '', { ...policy, ...given.policy }, provider);
    const entry = sign(body, owner, primitives);
    const stage = new Stage(groupRoomId(controlHash(entry.signed, primitives), provider), primitives, given.limits);
    stage.mustAccept(stage.submitControl(owner, entry, { member: 1, person: owner.person(1) }));
    return stage;
  }

  /** A 1:1 room that does not exist yet. */
  static direct(one: StageUser, other: StageUser, primitives: Primitives): Stage {
    return new Stage(directRoomId(one.user, other.user, primitives), primitives);
  }

  /** `one` starts the 1:1 room with `other`. */
  start(one: StageUser, other: StageUser): Seen {
    const { primitives, provider } = this.options;
    const body = genesisBody(one, this.room, { ...policy, direct: true }, provider);
    const parts = { member: 1, person: one.person(1), partner: other.user };
    return this.submitControl(one, sign(body, one, primitives), parts);
  }

  get state(): RoomState {
    return this.actor.context.state;
  }

  /** The member number of a user. */
  memberOf(user: StageUser): number {
    return this.state.people.numberOf(user.user) ?? 0;
  }

  /** Gives the actor a message and lets the log work. */
  tell(message: RoomMessage): Seen {
    this.#seen = { effects: [], answers: [], pushed: [] };
    this.#receive(message);
    this.#settle();
    return this.#seen;
  }

  /** Covers what was held back, as one run. */
  cover(throughSeq?: number): Seen {
    this.#seen = { effects: [], answers: [], pushed: [] };
    this.log.cover(throughSeq);
    this.#settle(false);
    return this.#seen;
  }

  /** The actor is gone; rows that were never covered stay in the log or are lost. The next message opens it anew. */
  crash(keepUncovered = true): void {
    this.log.crash(keepUncovered);
    this.actor = new Room(this.room, this.options);
    this.covers = true;
  }

  /** The log seals its segment; the keys of the state rows that were written since it was sealed before. */
  seal(): string[] {
    const { commands } = this.log;
    const since = commands.findLastIndex(({ kind }) => kind === 'sealed') + 1;
    this.log.seal();
    this.cover(this.state.head.seq);
    const written = commands.slice(since).flatMap((command) => ('changes' in command ? command.changes : []));
    return [...new Set(written.map(({ key }) => key))];
  }

  /** Stops the actor cleanly and makes the next one. */
  passivate(): Seen {
    const seen = this.tell({ kind: 'timer', name: 'passivate' });
    this.log.reopen();
    this.actor = new Room(this.room, this.options);
    return seen;
  }

  from(user: StageUser, device = 1): Requester {
    this.#request++;
    const { mayEnter, mayInvite } = this;
    return { session: 1000 + device, request: this.#request, user: user.user, device, mayEnter, mayInvite };
  }

  /** What a device would sign next, by what is covered or ahead. */
  entry(user: StageUser, wish: Wish, device = 1): ControlEntry {
    const chain = this.state.chainAhead;
    const body: ControlBody = {
      ...blankBody,
      room: this.room,
      number: (chain?.number ?? 0) + 1,
      previousHash: chain?.hash ?? zeroHash,
      actor: this.memberOf(user),
      device,
      deviceKey: user.device(device).keys.publicKey,
      signedMs: this.now,
      ...wish,
    };
    return sign(body, user, this.options.primitives, device);
  }

  /** Submits a control entry. */
  control(user: StageUser, wish: Wish, parts: { person?: Person; device?: number } = {}): Seen {
    const device = parts.device ?? 1;
    const member = wish.actor ?? this.memberOf(user);
    return this.submitControl(user, this.entry(user, wish, device), { member, ...parts });
  }

  submitControl(
    user: StageUser,
    entry: ControlEntry,
    parts: { member: number; person?: Person; device?: number; partner?: string },
    credential?: Credential,
  ): Seen {
    const device = parts.device ?? 1;
    const event = { kind: EventKind.EVENT_KIND_CONTROL, algorithm: Algorithm.ALGORITHM_NONE, commitment: noBytes };
    const body = ControlEntry.encode(entry).finish();
    const submit = this.event(user, body, {
      ...event,
      member: parts.member,
      device,
      counts: false,
      control: undefined,
    });
    const { person, partner = '' } = parts;
    const given = credential ?? user.credential(parts.member, device);
    return this.send(user, { ...submit, person, credential: given, partner }, device);
  }

  /** Invites and lets accept. Returns the number. */
  join(by: StageUser, newcomer: StageUser, role: Role = this.#plainRole()): number {
    const target = this.invite(by, newcomer, role);
    this.mustAccept(this.control(newcomer, { kind: ControlKind.CONTROL_KIND_ACCEPT, target }));
    return target;
  }

  invite(by: StageUser, newcomer: StageUser, role: Role = this.#plainRole()): number {
    const target = (this.state.chainAhead?.members.size ?? 0) + 1;
    const wish = { kind: ControlKind.CONTROL_KIND_INVITE, target, role, person: newcomer.commitment };
    this.mustAccept(this.control(by, wish, { person: newcomer.person(target) }));
    return target;
  }

  /** A message of this many bytes. */
  say(user: StageUser, text = 'hello', given: Partial<EventHeader> = {}): Seen {
    return this.send(user, this.event(user, utf8Bytes(text), given), given.device);
  }

  slot(user: StageUser, slot: string, version: number, value = 'sealed'): Seen {
    const body = slotWrite(slot, version, value);
    return this.send(user, this.event(user, body, { kind: EventKind.EVENT_KIND_SLOT, counts: false }));
  }

  empty(user: StageUser, seqs: readonly number[], cause: EmptyingCause = EmptyingCause.EMPTYING_CAUSE_AUTHOR): Seen {
    return this.send(user, this.emptying(user, { cause, seqs: [...seqs] }));
  }

  emptying(user: StageUser, parts: Partial<Emptying>): Submit {
    const body = Emptying.encode({ ...Emptying.decode(noBytes), ...parts }).finish();
    const event = { kind: EventKind.EVENT_KIND_EMPTYING, algorithm: Algorithm.ALGORITHM_NONE, commitment: noBytes };
    return this.event(user, body, { ...event, counts: false });
  }

  /** A submit with the next send id of the device. */
  event(user: StageUser, body: Uint8Array, given: Partial<EventHeader> = {}): Submit {
    const device = given.device ?? 1;
    const key = `${user.user}/${device}`;
    const sendId = given.sendId ?? (this.#sendIds.get(key) ?? 0) + 1;
    this.#sendIds.set(key, Math.max(sendId, this.#sendIds.get(key) ?? 0));
    const { primitives } = this.options;
    const chain = this.actor.context.state.chainAhead;
    const header: EventHeader = {
      room: this.room,
      member: this.memberOf(user),
      device,
      sendId,
      kind: EventKind.EVENT_KIND_CONTENT,
      algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
      bodySize: body.length,
      bodyHash: primitives.sha256(body),
      control: chain === null ? undefined : controlHead(chain),
      counts: true,
      expiryDay: 0,
      commitment: zeroHash,
      ...given,
    };
    return { ...Submit.decode(noBytes), room: this.room, event: { header: EventHeader.encode(header).finish(), body } };
  }

  send(user: StageUser, submit: Submit, device = 1): Seen {
    return this.tell({ kind: 'submit', from: this.from(user, device), submit });
  }

  /** The user actor has kept how its user stands, and says which identity that is today. */
  kept({ user }: { readonly user: string }, controlNumber: number, fingerprint: Uint8Array = noBytes): Seen {
    return this.tell({ kind: 'standingKept', user, controlNumber, fingerprint, erased: false });
  }

  /** The user actor says that its user published a manifest under this identity. */
  moved({ user, master }: StageUser): Seen {
    const head = { version: 1, hash: master.publicKey };
    return this.tell({ kind: 'identityMoved', user, fingerprint: master.publicKey, head });
  }

  fetch(user: StageUser, given: { from?: number; through?: number; limit?: number; newest?: boolean } = {}): Seen {
    const { from = 0, through = 0, limit = 0, newest = false } = given;
    const fetch = { room: this.room, fromSeq: from, throughSeq: through, limit, newestFirst: newest };
    return this.tell({ kind: 'fetch', from: this.from(user), fetch });
  }

  mustAccept(seen: Seen): void {
    const [code] = seen.answers.map((answer) => codeOf(answer.body));
    if (code !== undefined && code !== 'accepted') throw new Error(`refused: ${code}`);
  }

  #plainRole(): Role {
    return this.state.chainAhead?.policy.direct ? Role.ROLE_ADMIN : Role.ROLE_MEMBER;
  }

  #receive(message: RoomMessage): void {
    const effects = this.actor.receive(message, this.now);
    for (const effect of effects) {
      if (effect.kind === 'startTimer' && effect.delayMs === 0) {
        this.turns++;
        this.#receive({ kind: 'timer', name: effect.name });
        continue;
      }
      if (effect.kind === 'log') this.log.command(effect.command);
      // What it makes wait comes in the same call.
      if (effect.kind === 'log' && effect.command.kind === 'confirm') continue;
      this.#seen.effects.push(effect);
      if (effect.kind === 'answer') this.#seen.answers.push(asSent(effect));
      if (effect.kind === 'deliver') {
        this.#seen.pushed.push({ body: ServerFrame.decode(effect.frame).body, frame: effect.frame });
      }
      if (effect.kind !== 'stop') continue;
      // Ended: what comes next finds a new one.
      this.log.reopen();
      this.actor = new Room(this.room, this.options);
    }
  }

  #settle(covers = this.covers): void {
    for (;;) {
      if (covers) this.log.cover();
      const answer = this.log.answers.shift();
      if (answer === undefined) return;
      this.#receive({ kind: 'log', answer });
    }
  }
}

/** The answer as the device decodes it. */
function asSent({ request, body }: Effect & { kind: 'answer' }): { request: number; body: ServerFrame['body'] } {
  return { request, body: ServerFrame.decode(ServerFrame.encode({ request, body }).finish()).body };
}

/** The name of an answer: its case, or the code of the refusal. */
export function codeOf(body: ServerFrame['body']): string | Rejection | undefined {
  return body?.$case === 'rejected' ? body.value.code : body?.$case;
}

/** Encoded SlotWrite. */
export function slotWrite(slot: string, version: number, value = 'sealed'): Uint8Array {
  const algorithm = Algorithm.ALGORITHM_MEGOLM_V1;
  return SlotWrite.encode({ slot, version, algorithm, value: utf8Bytes(value) }).finish();
}

const blankBody = ControlBody.decode(noBytes);

function genesisBody(owner: StageUser, room: string, of: RoomPolicy, provider: string): ControlBody {
  return {
    ...blankBody,
    room,
    number: 1,
    previousHash: zeroHash,
    kind: ControlKind.CONTROL_KIND_CREATE,
    actor: 1,
    device: 1,
    deviceKey: owner.device(1).keys.publicKey,
    target: 1,
    person: owner.commitment,
    role: of.direct ? Role.ROLE_ADMIN : Role.ROLE_OWNER,
    policy: of,
    hub: { provider, epoch: 1 },
    nonce: owner.commitment.slice(0, 16),
    signedMs: 1_700_000_000_000,
  };
}

function sign(body: ControlBody, user: StageUser, primitives: Primitives, device = 1): ControlEntry {
  const signed = ControlBody.encode(body).finish();
  const text = asciiBytes(controlTextToSign(signed, primitives));
  return { signed, signature: user.device(device).keys.sign(text) };
}
