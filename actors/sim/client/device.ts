// A simulated device: speaks the real frames over its conversation, and keeps copies of what it may know. It sets itself up, comes back after every
// cut, follows its rooms live or by marks alone, and does what the story tells it to (doings.ts).
import type { AnswerBody, RequestBody } from '#actors/kernel/messages.ts';
import type { KeyCounts, RoomEntry, Welcome } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { type InboxEntry, MemberStatus } from '#proto/gen/record.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { codeName } from '../witness.ts';
import { ChainCopy } from './chain-copy.ts';
import { Conversation, type Hearer, type Place } from './conversation.ts';
import type { Household } from './household.ts';
import { InboxCopy } from './inbox-copy.ts';
import { Outbox } from './outbox.ts';
import { RoomCopy } from './room-copy.ts';

/** What a device is. */
export interface DeviceOptions {
  readonly household: Household;
  readonly number: number;
  readonly place: Place;
  /** Never subscribes: lists its rooms and follows marks. */
  readonly watchesOnly: boolean;
  /** Events under way at once, a room. */
  readonly ahead: number;
  /** An invitation came. */
  readonly invited: (device: Device, room: string) => void;
}

const retryMs = 500;
const oneTimeKeysKept = 4;

export class Device implements Hearer {
  readonly household: Household;
  readonly number: number;
  readonly place: Place;
  readonly watchesOnly: boolean;
  readonly conversation: Conversation;
  readonly outbox: Outbox;
  readonly inbox: InboxCopy;
  readonly rooms = new Map<string, RoomCopy>();
  readonly chains = new Map<string, ChainCopy>();
  /** Rooms that it founded or entered: there, whether the list says so yet or not. */
  readonly entered = new Set<string>();
  /** How the user stands in each room, by the last list. */
  statuses: ReadonlyMap<string, MemberStatus> = new Map();
  readonly #invited: DeviceOptions['invited'];
  #setUp = false;
  #keysMade = 0;
  #listing = false;
  #listAgain = false;
  #listPlanned = false;
  #publishing = false;

  constructor(options: DeviceOptions) {
    const { household, number, place, watchesOnly, ahead, invited } = options;
    this.household = household;
    this.number = number;
    this.place = place;
    this.watchesOnly = watchesOnly;
    this.#invited = invited;
    this.conversation = new Conversation(place, this);
    household.whenGone(() => this.conversation.stop());
    const { conversation, name } = this;
    this.outbox = new Outbox({
      place,
      conversation,
      ahead,
      host: { name, refresh: (room, then) => this.refresh(room, then) },
    });
    const hear = (entry: InboxEntry) => this.#heardEntry(entry);
    this.inbox = new InboxCopy({ name, place, conversation, hear, keys: (counts) => this.#stock(counts) });
  }

  get name(): string {
    return `${this.user}/${this.number}`;
  }

  get token(): string {
    return this.name;
  }

  get user(): string {
    return this.household.cast.user;
  }

  /** Is it listed, so that it may write? */
  get ready(): boolean {
    return this.conversation.live && this.household.listed.includes(this.number);
  }

  /** The copy of a room, made where it is new. */
  room(room: string): RoomCopy {
    const { name, place, conversation } = this;
    const copy =
      this.rooms.get(room) ?? new RoomCopy(room, { name, place, conversation, controlMoved: () => this.#follow(room) });
    this.rooms.set(room, copy);
    return copy;
  }

  chain(room: string): ChainCopy {
    const { name, user, place, conversation } = this;
    const chain = this.chains.get(room) ?? new ChainCopy(room, { name, user, place, conversation });
    this.chains.set(room, chain);
    return chain;
  }

  welcomed(welcome: Welcome): void {
    this.place.witness.trace(`${this.name} is welcome`);
    if (welcome.keys !== undefined) this.#stock(welcome.keys);
    if (!this.#setUp) this.#begin();
    this.inbox.welcomed(welcome);
    this.list();
    this.outbox.resume();
  }

  pushed(body: AnswerBody): void {
    switch (body.$case) {
      case 'roomRecords':
        this.room(body.value.room).pushed(body.value.records);
        break;
      case 'headMoved':
        this.room(body.value.room).marked(body.value.headSeq);
        break;
      case 'inboxMoved':
        this.inbox.moved(body.value.head);
        break;
    }
  }

  get leaves(): boolean {
    return this.household.leaves;
  }

  loggedOut(): void {
    if (this.leaves) this.household.end();
  }

  cutOff(): void {
    this.#listing = false;
    for (const copy of this.rooms.values()) copy.cutOff();
  }

  /** Asks again and again until there is an answer that is final. */
  insist(body: () => RequestBody | null, answered: (answer: AnswerBody) => void): void {
    const again = () => this.place.schedule.after(retryMs, () => this.insist(body, answered));
    const asked = this.household.isGone ? null : body();
    if (asked === null) return;
    this.conversation.ask(asked, (answer) => {
      const waits = answer?.$case === 'rejected' && answer.value.code < Rejection.REJECTION_STALE_STATE;
      if (answer === null || waits) again();
      else answered(answer);
    });
  }

  /** Lists the rooms, and is live in them afterwards or watches them. */
  list(): void {
    if (this.#listing) {
      this.#listAgain = true;
      return;
    }
    this.#listing = true;
    this.#page('', []);
  }

  /** Forgets all that it has of rooms, and fetches it anew. */
  forget(): void {
    this.rooms.clear();
    this.chains.clear();
    this.list();
  }

  /** Reads the chain anew, and where the device stands by it. */
  refresh(room: string, then: () => void = () => {}): void {
    const copy = this.room(room);
    this.chain(room).read((success) => {
      if (success || this.chain(room).isOut) copy.joined = this.chain(room).isJoined;
      // It may have learnt of a head while it did not know that it is in.
      copy.pull();
      then();
    });
  }

  /** A head below what was accepted before it was asked for makes a device take its server for a liar. */
  #isOwed({ room, headSeq }: RoomEntry, owed: ReadonlyMap<string, number>): void {
    const through = owed.get(room) ?? 0;
    if (headSeq > 0 && headSeq < through)
      this.place.witness.wrong(`${this.name} hears of ${headSeq} in ${room}, when ${through} was accepted`);
  }

  #page(after: string, listed: RoomEntry[]): void {
    const owed = this.place.witness.owed();
    this.conversation.ask({ $case: 'listRooms', value: { after, room: '' } }, (answer) => {
      if (answer === null) {
        this.#listing = false;
        return;
      }
      if (answer.$case === 'rejected') {
        this.#listing = false;
        if (answer.value.code >= Rejection.REJECTION_STALE_STATE) {
          this.place.witness.wrong(`${this.name} was refused its rooms: ${codeName(answer.value.code)}`);
        }
        this.#listLater();
        return;
      }
      if (answer.$case !== 'roomList') return;
      for (const entry of answer.value.rooms) this.#isOwed(entry, owed);
      listed.push(...answer.value.rooms);
      if (answer.value.next !== '') this.#page(answer.value.next, listed);
      else this.#listed(listed);
    });
  }

  #listed(listed: readonly RoomEntry[]): void {
    this.#listing = false;
    const { witness } = this.place;
    if (witness.traces) {
      const rooms = listed.map(({ room, status, headSeq }) => `${room.slice(0, 6)} ${status} ${headSeq}`);
      witness.trace(`${this.name} lists ${rooms.join(', ')}`);
    }
    this.statuses = new Map(listed.map(({ room, status }) => [room, status]));
    const joined = listed.filter(({ status }) => status === MemberStatus.MEMBER_STATUS_JOINED);
    for (const entry of joined) this.#stands(entry);
    for (const { room, status } of listed) {
      if (status === MemberStatus.MEMBER_STATUS_INVITED) this.#invited(this, room);
    }
    const unknown = joined.some(({ headSeq }) => headSeq === 0);
    if (unknown) this.#listLater();
    const rooms = joined.map(({ room }) => room);
    // A crash may lie between an acceptance and the user's list. Touching the room makes it say again who stands how.
    const unlisted = [...this.entered].filter((room) => !this.statuses.has(room));
    for (const room of unlisted) this.refresh(room);
    if (unlisted.length > 0) this.#listLater();
    if (!this.watchesOnly && rooms.length > 0) this.#subscribe(rooms);
    if (this.#listAgain) {
      this.#listAgain = false;
      this.list();
    }
  }

  #subscribe(rooms: string[]): void {
    const owed = this.place.witness.owed();
    this.conversation.ask({ $case: 'subscribe', value: { rooms } }, (answer) => {
      if (answer === null) return;
      if (answer.$case !== 'subscribed') {
        this.#listLater();
        return;
      }
      for (const entry of answer.value.rooms) {
        this.#isOwed(entry, owed);
        if (entry.status === MemberStatus.MEMBER_STATUS_JOINED) this.#stands(entry);
      }
      // Silent, or no longer the user's: the list knows.
      if (answer.value.refused.length + answer.value.deferred.length > 0) this.#listLater();
    });
  }

  /** Something could not be had just now. */
  #listLater(): void {
    if (this.#listPlanned) return;
    this.#listPlanned = true;
    this.place.schedule.after(2 * retryMs, () => {
      this.#listPlanned = false;
      this.list();
    });
  }

  #stands(entry: RoomEntry): void {
    const copy = this.room(entry.room);
    copy.stands(entry);
    const { state, isStale } = this.chain(entry.room);
    if (isStale || (entry.control?.number ?? 0) > (state?.number ?? 0)) this.refresh(entry.room);
  }

  /** A control record came, or this device lost the room: read what it means, once for all that came together. */
  #follow(room: string): void {
    const chain = this.chain(room);
    if (chain.isStale) return;
    chain.isStale = true;
    this.place.schedule.after(0, () => {
      if (chain.isStale) this.refresh(room);
    });
  }

  #heardEntry({ body }: InboxEntry): void {
    if (body?.$case === 'standing') {
      const { room, status } = body.value;
      if (status === MemberStatus.MEMBER_STATUS_INVITED) this.#invited(this, room);
      if (status === MemberStatus.MEMBER_STATUS_JOINED) this.list();
    }
  }

  /** Keys, identity, manifest: each once, repeated until it is done. */
  #begin(): void {
    this.#setUp = true;
    const { cast } = this.household;
    const deviceJson = cast.device(this.number).json;
    const value = { deviceJson, oneTimeKeys: this.#freshKeys(), fallbackKeys: [this.#key('F', 1)] };
    this.insist(
      () => ({ $case: 'uploadKeys', value }),
      (answer) => {
        if (answer.$case !== 'keyCounts') return this.#unexpected('uploadKeys', answer);
        if (this.number === 1) this.#introduce();
        else this.household.confirm(this.number);
      },
    );
    if (this.number === 1) this.household.onConfirmed = () => this.#publish();
  }

  #introduce(): void {
    const { masterJson, selfSigningJson, userSigningJson } = this.household.cast;
    this.insist(
      () => ({ $case: 'uploadCrossSigning', value: { masterJson, selfSigningJson, userSigningJson } }),
      (answer) => {
        if (answer.$case !== 'done') return this.#unexpected('uploadCrossSigning', answer);
        this.household.confirm(1);
      },
    );
  }

  /** Lists devices as they are confirmed, one manifest after the other. */
  #publish(): void {
    const next = this.household.next();
    if (next === null || this.#publishing) return;
    this.#publishing = true;
    this.insist(
      () => ({ $case: 'publishManifest', value: { manifest: next.manifest } }),
      (answer) => {
        this.#publishing = false;
        if (answer.$case !== 'done') return this.#unexpected('publishManifest', answer);
        next.accepted();
        this.#publish();
      },
    );
  }

  #stock({ oneTimeKeys }: KeyCounts): void {
    if (!this.#setUp || oneTimeKeys >= oneTimeKeysKept / 2) return;
    const value = { deviceJson: new Uint8Array(0), oneTimeKeys: this.#freshKeys(), fallbackKeys: [] };
    this.conversation.ask({ $case: 'uploadKeys', value }, (answer) => {
      if (answer?.$case === 'rejected' && answer.value.code >= Rejection.REJECTION_STALE_STATE) {
        this.#unexpected('uploadKeys', answer);
      }
    });
  }

  #freshKeys(): { keyId: string; key: Uint8Array }[] {
    return Array.from({ length: oneTimeKeysKept }, () => this.#key('K', ++this.#keysMade));
  }

  #key(kind: string, number: number): { keyId: string; key: Uint8Array } {
    const keyId = `signed_curve25519:${kind}${number}`;
    return { keyId, key: utf8Bytes(`${this.name} ${keyId}`) };
  }

  #unexpected(what: string, answer: AnswerBody): void {
    const code = answer.$case === 'rejected' ? codeName(answer.value.code) : answer.$case;
    this.place.witness.wrong(`${this.name} asked ${what} and heard ${code}`);
  }
}
