// One room as this device holds it: a verified copy of chain and log, contiguous from `low` to the head, with what decrypted.
// Guarantees: records are taken in order, each once, only when they continue what is held; members come from the chain alone; what contradicts
// it freezes sending and raises an alarm. How a record is taken stands in room-intake.ts, the chain in room-control.ts; sending in sending.ts.

import type { RoomEntry } from '#proto/gen/client.ts';
import type { MessageRef } from '#proto/gen/content.ts';
import { LocalRoom } from '#proto/gen/local.ts';
import { ControlKind, type Record as LogRecord, MemberStatus, Role, type Slot } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { isJoined } from '#proto/rules/control/state.ts';
import type { AlarmCode, TroubleCause } from '../alarms.ts';
import { Chain } from '../chain/chain.ts';
import { type Beside, syncChain } from '../chain/room-control.ts';
import { unheardIn } from '../chain/room-identity.ts';
import { identityMark } from '../devices/people.ts';
import { ClientError } from '../errors.ts';
import { Lock } from '../lock.ts';
import type { Parts } from '../parts.ts';
import type { Outbox } from '../sending/outbox.ts';
import type { MemberInfo, RoomInfo, Unheard } from '../shown.ts';
import { type LocalChange, prefixRange } from '../store/store.ts';
import { begunSessionsGone } from '../store/store-ledger.ts';
import type { Folding } from '../timeline/timeline.ts';
import { fetchThrough, type Marks, pullTo } from './room-fetch.ts';
import { retryRecords, seqOf, takeRecord } from './room-intake.ts';
import { slotNamed, slotText, takeSlot } from './room-slots.ts';
import { weighWitness } from './room-witness.ts';

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
  readonly membersChanged: (room: RoomReplica, change: MemberChange) => void;
  readonly changed: (room: RoomReplica) => void;
  /** What waits to go out from this device. */
  readonly outbox: Pick<Outbox, 'waiting' | 'stands' | 'localId' | 'arriving' | 'prepare'>;
}

/** Rows live this long at least, in milliseconds: 24 months less the weeks that a store needs to let them go in time, less one more. */
const expiryMs = 715 * 86_400_000;

/** A room on this device. */
export class RoomReplica {
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
  #work = new Lock();

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

  /** The room as a list shows it. */
  info(): RoomInfo {
    const { local, chain } = this;
    const own = chain.state?.members.get(this.own);
    const joined = [...(chain.state?.members ?? [])].filter((one) => one.status === MemberStatus.MEMBER_STATUS_JOINED);
    const others = joined.filter(({ number }) => number !== own?.number);
    const members = others.map(({ number }) => chain.user(number));
    return {
      room: this.room,
      direct: this.direct,
      name: slotText(local.slots, 'name'),
      topic: slotText(local.slots, 'topic'),
      status: this.#status(),
      role: own?.role ?? local.invitedRole,
      members,
      memberNames: members.map((user) => this.ports.parts.profiles.info(user).name),
      unread: Math.max(0, Math.max(local.serverCount, local.head?.count ?? 0) - local.readCount),
      headSeq: Math.max(local.serverSeq, this.headSeq),
      lastMs: local.head?.acceptedMs ?? 0,
      invitedBy: local.invitedBy,
      invitedByBot: local.invitedByBot,
      bot: this.isWithBot,
      other: this.other,
      listed: this.listed,
      frozen: local.frozen as AlarmCode | '',
      unheard: (this.joined ? others : []).flatMap(({ number }) => {
        const why = this.#unheard(number);
        return why === '' ? [] : [{ user: chain.user(number), why }];
      }),
    };
  }

  /** All members by number. */
  members(): MemberInfo[] {
    return [...(this.chain.state?.members ?? [])].map(({ number, role, status }) => {
      const user = this.chain.user(number);
      const contradicts = this.local.contradicting.includes(number) || this.local.overruled.includes(number);
      const bot = this.chain.person(number)?.bot ?? false;
      const { people, profiles } = this.ports.parts;
      return {
        ...{ member: number, user, ...profiles.info(user), bot, role, status, contradicts },
        readSeq: this.receipts.get(number) ?? 0,
        identity: identityMark(people.get(user)),
        unheard: status === MemberStatus.MEMBER_STATUS_JOINED ? this.#unheard(number) : '',
      };
    });
  }

  #unheard(member: number): Unheard {
    const person = this.chain.person(member);
    return person ? unheardIn(this, person) : '';
  }

  /** Messages pinned here. */
  pins(): readonly MessageRef[] {
    const body = slotNamed(this.local.slots, 'pins')?.content?.body;
    return body?.$case === 'pins' ? body.value.messages : [];
  }

  /** What is held now: to judge an answer by that is asked for next. */
  marks(): Marks {
    return { seq: this.headSeq, control: this.chain.number };
  }

  /** Takes what the server's list says, and fetches what is missing. `marks` were taken before the list was asked for. Rejects as requests do. */
  async compare(entry: RoomEntry, marks: Marks): Promise<void> {
    return this.exclusive(async () => {
      const gone = await this.#stands(entry.status);
      this.#heed(entry);
      if (isIn(entry.status)) await pullTo(this, entry, marks);
      await this.ports.parts.store.write([this.row(), ...gone]);
      this.ports.changed(this);
    });
  }

  /** Takes pushed records; fetches what lies between. Rejects as requests do: then the rest is fetched later. */
  async push(records: readonly LogRecord[], beside: Beside): Promise<void> {
    return this.exclusive(async () => {
      if (this.chain.number === 0) await syncChain(this);
      for (const record of records) {
        const seq = seqOf(record);
        if (seq <= this.headSeq) continue;
        if (seq > this.headSeq + 1 && this.headSeq > 0) await fetchThrough(this, seq - 1);
        if (seq <= this.headSeq) continue;
        if (!(await takeRecord(this, record, beside))) return;
      }
      this.ports.changed(this);
    });
  }

  /** Brings the chain, and for a member the log, up to the server's head. Rejects as requests do. */
  async catchUp(): Promise<void> {
    return this.exclusive(async () => {
      await syncChain(this);
      if (this.joined) await fetchThrough(this, 0);
      this.ports.changed(this);
    });
  }

  /** Tries records again that could not be decrypted, where `test` holds for cause and session ('' = not known). */
  async retry(test: (cause: TroubleCause, session: string) => boolean): Promise<void> {
    return this.exclusive(() => retryRecords(this, test));
  }

  /** Takes a slot out of the room's state (a snapshot or a receipt). */
  async takeSlot(slot: Slot): Promise<void> {
    return this.exclusive(() => takeSlot(this, slot));
  }

  /** How this user stands here, as the own provider says between two looks at the list. */
  async stand(status: MemberStatus): Promise<void> {
    if (this.local.status === status) return;
    const gone = await this.#stands(status);
    await this.ports.parts.store.write([this.row(), ...gone]);
    this.ports.changed(this);
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

  /** A message of this member contradicts what is held here: see room-witness.ts. What the message is marked with. */
  contradicted(code: AlarmCode, member: number): Promise<AlarmCode | ''> {
    return weighWitness(this, code, member);
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
    this.ports.changed(this);
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
    this.ports.changed(this);
  }

  /** Throws UNTRUSTED where sending is frozen. Who is thought to lie can be taken out, and one can leave, where no more than people's word stopped it. */
  needTrust(statement?: ControlKind): void {
    const { frozen, frozenByAuthors } = this.local;
    if (frozen === '' || (frozenByAuthors && statement !== undefined && partings.has(statement))) return;
    throw new ClientError('UNTRUSTED', `Sending here is frozen: ${frozen}.`);
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

  #status(): MemberStatus {
    const { local, chain } = this;
    const status = mayBeIn(local.status) ? chain.state?.members.get(this.own)?.status : undefined;
    // Derived here, too, as at the hub: who starts over reads, and waits to be let in.
    if (status === MemberStatus.MEMBER_STATUS_JOINED && this.identity === 'former')
      return MemberStatus.MEMBER_STATUS_SUSPENDED;
    return status ?? local.status;
  }

  /** Takes how this user stands here. What only somebody in the room needs goes with the room's row. */
  async #stands(status: MemberStatus): Promise<LocalChange[]> {
    const isNews = this.local.status !== status;
    this.local.status = status;
    return isNews && isOut(status) ? begunSessionsGone(this.ports.parts.store, this.room) : [];
  }

  #heed(entry: RoomEntry): void {
    const { local } = this;
    local.member = entry.member;
    local.direct = entry.direct;
    if (entry.status === MemberStatus.MEMBER_STATUS_INVITED) {
      local.invitedBy = entry.invitedBy;
      local.invitedByBot = entry.invitedByBot;
      local.invitedRole = entry.role;
    }
    if (entry.headSeq === 0) return;
    local.readableFrom = entry.readableFrom;
    local.serverSeq = Math.max(local.serverSeq, entry.headSeq);
    local.serverCount = Math.max(local.serverCount, entry.headCount);
  }
}

const partings: ReadonlySet<ControlKind> = new Set([
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
function mayBeIn(status: MemberStatus): boolean {
  return isIn(status) || status === MemberStatus.MEMBER_STATUS_UNSPECIFIED;
}

/** Does this standing let one read? */
export function isIn(status: MemberStatus): boolean {
  return status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_SUSPENDED;
}

/** Out of the room, whatever the chain that one could read last says. */
function isOut(status: MemberStatus): boolean {
  return out.has(status);
}
