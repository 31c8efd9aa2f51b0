// One room as this device holds it: a verified copy of chain and log, contiguous from `low` to the head, and how far it is to be trusted.
// Guarantees: work on a room runs one at a time; what contradicts the copy freezes sending and raises an alarm. How the copy grows stands in the files that take
// it as an argument (room-intake.ts, room-fetch.ts, room-slots.ts, room-emptying.ts, room-witness.ts, ../chain/room-control.ts), and is set off in room.ts.
import { LocalRoom } from '#proto/gen/local.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { isJoined } from '#proto/rules/control/state.ts';
import type { AlarmCode } from '../alarms.ts';
import { Chain } from '../chain/chain.ts';
import { ClientError } from '../errors.ts';
import { Lock } from '../lock.ts';
import type { Parts } from '../parts.ts';
import type { Outbox } from '../sending/outbox.ts';
import type { RoomInfo } from '../shown.ts';
import { type LocalChange, prefixRange } from '../store/store.ts';
import type { Folding } from '../timeline/timeline.ts';

/** A change of members. */
export interface MemberChange {
  readonly kind: ControlKind;
  /** Who signed it. */
  readonly actor: number;
  readonly target: number;
  /** False for entries read at the first sight of the room. */
  readonly news: boolean;
}

/** What a room tells those around it. */
export interface RoomPorts {
  readonly parts: Parts;
  /** Members changed: sending may go on, or slots must be posted again for a newcomer. */
  readonly membersChanged: (change: MemberChange) => void;
  readonly changed: () => void;
  /** What waits to go out from this device. */
  readonly outbox: Pick<Outbox, 'waiting' | 'stands' | 'localId' | 'arriving' | 'prepare'>;
}

/** So many members who contradict what is held here freeze a group. */
const voicesToFreeze = 2;

/** Rows live this long at least, in milliseconds: 24 months less the weeks that a store needs to let them go in time, less one more. */
const expiryMs = 715 * 86_400_000;

/** What is held of a room on this device. */
export class RoomCopy {
  readonly room: string;
  readonly ports: RoomPorts;
  readonly chain: Chain;
  local: LocalRoom;
  /** Member number -> seq up to which that member has read. */
  readonly receipts = new Map<number, number>();
  /** Message id -> how many events this device wrote to empty its late edits: see deleting.ts. */
  readonly lateEmptyings = new Map<string, number>();
  /** Did the server's list have it when it was looked at last? */
  listed = true;
  readonly #work = new Lock();

  constructor(room: string, ports: RoomPorts) {
    this.room = room;
    this.ports = ports;
    this.chain = new Chain(room, ports.parts.primitives);
    this.local = LocalRoom.decode(new Uint8Array());
    this.local.room = room;
  }

  /** Reads what is kept of the room. */
  async load(row: Uint8Array): Promise<void> {
    this.local = LocalRoom.decode(row);
    const rows = await this.ports.parts.store.list('control', { ...prefixRange(`${this.room} `), limit: 100_000 });
    this.chain.restore(rows.map(({ value }) => value));
  }

  /** Runs work on this room alone: nothing else of the room is taken in meanwhile. Work must not call and await `exclusive` itself. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#work.run(work);
  }

  get own(): number {
    // The chain knows; before it is here, the number is only what this device or the server expects.
    return this.chain.state ? this.chain.memberOf(this.ports.parts.user) : this.local.member;
  }

  /** Is this user joined, as the chain says, and has the server not said otherwise since? */
  get joined(): boolean {
    const { state } = this.chain;
    return state !== null && mayBeIn(this.local.status) && isJoined(state, this.chain.memberOf(this.ports.parts.user));
  }

  /** As whom the chain knows this user: the identity of now, one of before, which somebody has to replace, or one that was never theirs. */
  get identity(): 'own' | 'former' | 'foreign' {
    const { people, user } = this.ports.parts;
    const self = people.get(user);
    const named = this.chain.person(this.chain.memberOf(user))?.fingerprint;
    if (!self || !named || equalBytes(named, self.fingerprint)) return 'own';
    return self.manifest.body.formerKeys.some((key) => equalBytes(key, named)) ? 'former' : 'foreign';
  }

  get headSeq(): number {
    return this.local.head?.seq ?? 0;
  }

  /** Is it the room of two? */
  get direct(): boolean {
    return this.chain.state?.policy.direct ?? this.local.direct;
  }

  /** The other of this 1:1 room as the chain has them; nobody in groups, and before anybody was invited. */
  get other(): RoomInfo['other'] {
    const { chain, own } = this;
    const other = this.direct && [...(chain.state?.members ?? [])].find(({ number }) => number !== own);
    return other ? { user: chain.user(other.number), status: other.status } : undefined;
  }

  /** Is it a 1:1 room whose other left, or did not want it? Nothing goes out there before they are invited again. */
  get deserted(): boolean {
    return this.other !== undefined && isOut(this.other.status);
  }

  /** Whose invitation waits for an answer, as the server says. */
  get invitedBy(): string | undefined {
    return this.local.status === MemberStatus.MEMBER_STATUS_INVITED ? this.local.invitedBy : undefined;
  }

  /** Is it a 1:1 room with a bot? */
  get isWithBot(): boolean {
    const { chain, local } = this;
    if (!this.direct) return false;
    if (!chain.state) return local.invitedByBot;
    const { own } = this;
    return [...chain.state.members].some(({ number }) => number !== own && chain.person(number)?.bot);
  }

  /** What folding rows into lines needs. */
  get folding(): Folding {
    const { user, device } = this.ports.parts;
    return {
      room: this.room,
      user,
      device,
      person: (member) => this.chain.user(member),
      name: (of) => this.ports.parts.profiles.info(of).name,
      hides: (member, atMs) => this.ports.parts.hides(this.chain.user(member), atMs),
      moderates: (member, seq) => {
        const state = this.chain.isUntold(seq) ? this.chain.state : this.chain.stateAt(seq);
        return (state?.members.get(member)?.role ?? 0) >= Role.ROLE_MODERATOR;
      },
    };
  }

  /** May the seqs `from` to `through` be missing here: before the floor, or while this user was away? */
  mayMiss(from: number, through: number): boolean {
    if (from > through || !this.chain.mayReadAny(this.own, from, through)) return true;
    // A floor is the server's word. Above what is held it is believed only when that is so old that what came after may have expired as well.
    const { head } = this.local;
    const heldUntil = head && this.headSeq > 0 && from > this.headSeq ? head.acceptedMs : 0;
    const mayHaveExpired = heldUntil === 0 || this.ports.parts.now() - heldUntil > expiryMs;
    const readable = mayHaveExpired ? Math.max(from, this.local.readableFrom) : from;
    return readable > through || !this.chain.mayReadAny(this.own, readable, through);
  }

  /** The server named this head, of which all is held here; it was asked at `askedMs`, by this device's clock. The caller saves. */
  saw(seq: number, askedMs: number): void {
    const { local } = this;
    if (askedMs <= this.#seenMs()) return;
    local.seenSeq = seq;
    local.seenControl = this.chain.number;
    local.seenMs = askedMs;
  }

  /** No honest hub had accepted what is at this seq before that moment of this device's clock; 0 = not known. */
  acceptedAfterMs(seq: number): number {
    return seq > this.local.seenSeq ? this.#seenMs() : 0;
  }

  /** The same of the control entry with this number. */
  signedAfterMs(number: number): number {
    return number > this.local.seenControl ? this.#seenMs() : 0;
  }

  /** A clock that was ahead, and is set back since, has said nothing: else every loss of a device would come before all that follows. */
  #seenMs(): number {
    const { seenMs } = this.local;
    return seenMs > 0 && seenMs <= this.ports.parts.now() ? seenMs : 0;
  }

  /** Moves the own read position; never back. False = it stood there or further. The caller saves. */
  readTo(seq: number, count: number): boolean {
    if (seq <= this.local.readSeq) return false;
    this.local.readSeq = seq;
    this.local.readCount = count;
    return true;
  }

  /** The server contradicts itself or what people signed: ends sending here and says why. */
  async freeze(code: AlarmCode, user?: string): Promise<void> {
    this.ports.parts.alarm({ code, room: this.room, ...(user ? { user } : {}) });
    await this.stop(code, false);
  }

  /** A message of this member contradicts what is held here: raises the alarm, and ends sending where that is enough. What the message is marked with. */
  async contradicted(code: AlarmCode, member: number): Promise<AlarmCode | ''> {
    const { local, chain } = this;
    const { alarm, user: self } = this.ports.parts;
    const user = chain.user(member);
    alarm({ code, room: this.room, user });
    // A person looked at what this one says and went on.
    if (local.overruled.includes(member)) return code;
    if (!local.contradicting.includes(member)) local.contradicting = [...local.contradicting, member];
    const isEnough = user === self || this.direct || local.contradicting.length >= voicesToFreeze;
    if (isEnough) await this.stop(code, true);
    return code;
  }

  /** Ends sending here, once. What authors say weighs less than what the server handed out. */
  async stop(code: AlarmCode, byAuthors: boolean): Promise<void> {
    const { local } = this;
    // That nobody stands for the chain's beginning weighs less than any contradiction: it may end by itself.
    const isFree = local.frozen === '' || local.frozen === 'CONTROL_UNVOUCHED';
    if (!isFree && (byAuthors || !local.frozenByAuthors)) return;
    local.frozen = code;
    local.frozenByAuthors = byAuthors;
    await this.save();
    this.ports.changed();
  }

  /** A person decided to go on: what is said so far freezes the room no more. */
  async acknowledge(): Promise<void> {
    const { local } = this;
    if (local.frozen === '') return;
    local.overruled = [...local.overruled, ...local.contradicting];
    local.contradicting = [];
    local.frozen = '';
    local.frozenByAuthors = false;
    await this.save();
    this.ports.changed();
  }

  /** Throws UNTRUSTED where sending is frozen. Who is thought to lie can be taken out, and one can leave, where no more than people's word stopped it. */
  needTrust(statement?: ControlKind): void {
    if (!this.trusts(statement)) throw new ClientError('UNTRUSTED', `Sending here is frozen: ${this.local.frozen}.`);
  }

  /** Does `needTrust` throw nothing? */
  trusts(statement?: ControlKind): boolean {
    const { frozen, frozenByAuthors } = this.local;
    return frozen === '' || (frozenByAuthors && statement !== undefined && neverHeldUp.has(statement));
  }

  /** Throws UNKNOWN where this user is out of the room. */
  needPresence(): void {
    if (isOut(this.local.status)) throw new ClientError('UNKNOWN', 'You are not in this room any more.');
  }

  /** Throws UNKNOWN where this is a 1:1 room whose other is gone. */
  needOther(): void {
    if (this.deserted)
      throw new ClientError(
        'UNKNOWN',
        'The other person left this chat: nobody would read it. Start it again to invite them.',
      );
  }

  /** Writes the room's row. */
  save(): Promise<void> {
    return this.ports.parts.store.write([this.row()]);
  }

  /** The room's row, to go with other changes. */
  row(): LocalChange {
    return { table: 'rooms', key: this.room, value: LocalRoom.encode(this.local).finish() };
  }
}

/** Statements that people's word alone does not hold up. */
const neverHeldUp: ReadonlySet<ControlKind> = new Set([
  ControlKind.CONTROL_KIND_REMOVE,
  ControlKind.CONTROL_KIND_BAN,
  ControlKind.CONTROL_KIND_LEAVE,
]);

const out: ReadonlySet<MemberStatus> = new Set([
  MemberStatus.MEMBER_STATUS_LEFT,
  MemberStatus.MEMBER_STATUS_DECLINED,
  MemberStatus.MEMBER_STATUS_REMOVED,
  MemberStatus.MEMBER_STATUS_BANNED,
]);

/** Only of one who is joined, be it under an identity of before, does the server not say something that the chain here can't know yet. */
export function mayBeIn(status: MemberStatus): boolean {
  return isIn(status) || status === MemberStatus.MEMBER_STATUS_UNSPECIFIED;
}

/** Does this standing let one read? */
export function isIn(status: MemberStatus): boolean {
  return status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_SUSPENDED;
}

/** Out of the room, whatever the chain that one could read last says. */
export function isOut(status: MemberStatus): boolean {
  return out.has(status);
}
