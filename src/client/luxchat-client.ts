// The public methods of the SDK over the wired parts: see api.ts for what each does and how it fails.
import type { Content, MessageRef } from '#proto/gen/content.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { identityNumber } from '#proto/rules/identity/number.ts';
import { parseUserId } from '#proto/rules/ids.ts';
import { Account } from './account/account.ts';
import { noteClosed } from './account/closed.ts';
import type { Luxchat, SendOptions } from './api.ts';
import { askFarewell, maySign, prepareFarewell } from './chain/farewell.ts';
import { Membership } from './chain/membership.ts';
import type { StepUpGrant, StepUpPurpose } from './connection/login.ts';
import { type Contact, contactLink, readContact } from './contact/contact.ts';
import { Directory } from './contact/directory.ts';
import { describeVerification } from './devices/devices.ts';
import { identityMark, shownIdentity } from './devices/known.ts';
import type { ProfileChange } from './devices/profiles.ts';
import { type BeginStepUp, StepUps } from './devices/step-up.ts';
import { type Doubts, doubtsOf } from './doubts.ts';
import { ClientError } from './errors.ts';
import { reportMessage } from './room/reporting.ts';
import type { RoomReplica } from './room/room.ts';
import { positionAt } from './room/room-rows.ts';
import { Ephemeral } from './sending/ephemeral.ts';
import { emptyOwn } from './sending/erasing.ts';
import { textContent } from './sending/text-content.ts';
import { needName, Writing } from './sending/writing.ts';
import type {
  DeviceInfo,
  FormerDevice,
  IdentityMark,
  MemberInfo,
  ProfileInfo,
  RoomInfo,
  TimelineItem,
  VerificationInfo,
} from './shown.ts';
import { readHistory, readNewest } from './timeline/history.ts';
import { ReceiptSender } from './timeline/receipts.ts';
import { WiredParts } from './wired-parts.ts';

const everyRoom = { hidden: true };

/** A logged-in device. */
export class LuxchatClient extends WiredParts implements Luxchat {
  #membership = new Membership(() => this.parts, this.held);
  #writing = new Writing(
    this.held,
    this.outbox,
    (replica) => this.profileSharing.ahead(replica),
    () => this.needLogin(),
  );
  #receipts = new ReceiptSender(() => this.parts);
  #stepUps = new StepUps({
    store: this.options.store,
    server: this.options.login,
    accessToken: this.options.connection.accessToken,
    now: this.options.now ?? Date.now,
  });
  readonly directory = new Directory(() => ({
    user: this.user,
    primitives: this.options.primitives,
    request: (body, expect) => this.connection.request(body, expect),
    confirmed: () => this.ownDevices.confirmed,
  }));
  /** Of all rooms: what is hidden, since one blocks somebody, is one's own all the same. */
  readonly account = new Account({
    parts: () => this.parts,
    rooms: () => this.held.all().map(({ replica }) => replica.info()),
    replicas: () => this.held.all().map(({ replica }) => replica),
    empty: ({ room }) => {
      const { replica, sender } = this.held.need(room, everyRoom);
      return emptyOwn(replica, sender, this.outbox.acceptedThrough(room));
    },
    farewell: async ({ room }) => {
      const { replica } = this.held.need(room, everyRoom);
      const { farewell } = await askFarewell(replica, this.parts.people);
      return maySign(replica, farewell) ? farewell : undefined;
    },
    hold: () => this.outbox.hold(),
    release: () => this.outbox.release(),
    closed: (how) => noteClosed(this.options.store, how),
    handOver: ({ room }) => prepareFarewell(this.held.need(room, everyRoom), this.parts.people),
    leave: ({ room, status }) => {
      const { CONTROL_KIND_DECLINE, CONTROL_KIND_LEAVE } = ControlKind;
      const isInvited = status === MemberStatus.MEMBER_STATUS_INVITED;
      return this.#membership.own(room, isInvited ? CONTROL_KIND_DECLINE : CONTROL_KIND_LEAVE, everyRoom);
    },
  });
  #ephemeral = new Ephemeral(
    () => this.parts.now(),
    (body) => this.connection.tell(body),
  );

  get user(): string {
    return this.options.user;
  }

  get device(): number {
    return this.options.device;
  }

  get deviceId(): string {
    return this.options.deviceId;
  }

  protected override loadMore(): Promise<void> {
    return this.#receipts.load();
  }

  override async close(): Promise<void> {
    this.#receipts.close();
    await super.close();
  }

  async logout(): Promise<void> {
    try {
      await this.parts.request({ $case: 'removeDevice', value: { device: this.device } }, 'done');
    } catch (error) {
      // The session may end before the answer comes, or have ended before: that is what was asked for.
      if (!(error instanceof ClientError) || error.code !== 'LOGIN_NEEDED') throw error;
    }
    await this.close();
  }

  nudge(): void {
    this.connection.nudge();
  }

  rooms(): readonly RoomInfo[] {
    const shown = this.held.all().filter(({ replica }) => !this.parts.hidesRoom(replica.room));
    return shown.map(({ replica }) => replica.info());
  }

  room(room: string): RoomInfo {
    return this.held.need(room).replica.info();
  }

  members(room: string): readonly MemberInfo[] {
    return this.held.need(room).replica.members();
  }

  async startDirect(user: string, { fingerprint }: { readonly fingerprint?: Uint8Array } = {}): Promise<string> {
    if (this.blocks.isBlocked(user))
      throw new ClientError('BAD_ARGUMENT', 'You block this person: unblock them first.');
    const before = this.held.direct(user)?.replica.info();
    const talked = before !== undefined && isTalking(before);
    const room = await this.#membership.startDirect(user, fingerprint);
    await this.profileSharing.say(this.held.need(room).replica);
    if (!talked) await this.#startBot(room);
    return room;
  }

  readContact(text: string): Contact {
    return readContact(text, parseUserId(this.user)?.provider ?? '', this.options.primitives);
  }

  async contactLink(): Promise<string> {
    const { fingerprint } = await this.people.person(this.user);
    return contactLink(this.user, fingerprint, this.options.primitives);
  }

  newcomers(): Promise<readonly string[]> {
    return this.newcomerNotes.waiting();
  }

  greeted(user: string): Promise<void> {
    return this.newcomerNotes.done(user);
  }

  async createGroup(options: {
    name: string;
    topic?: string;
    invite?: readonly string[];
    historyFromStart?: boolean;
  }): Promise<string> {
    for (const text of [options.name, options.topic ?? '']) needName(text);
    const room = await this.#membership.createGroup(options.historyFromStart ?? false);
    await this.setName(room, options.name);
    if (options.topic) await this.setTopic(room, options.topic);
    for (const user of options.invite ?? []) await this.invite(room, user);
    return room;
  }

  invite(room: string, user: string, role: Role = Role.ROLE_MEMBER): Promise<void> {
    return this.#membership.invite(room, user, role);
  }

  async accept(room: string): Promise<void> {
    const { replica } = this.held.need(room);
    const talked = isTalking(replica.info());
    await this.#membership.own(room, ControlKind.CONTROL_KIND_ACCEPT);
    const gone = botThatLeft(replica);
    if (gone) await this.#membership.startDirect(gone);
    await this.profileSharing.say(replica);
    if (!talked) await this.#startBot(room);
  }

  decline(room: string): Promise<void> {
    return this.#membership.own(room, ControlKind.CONTROL_KIND_DECLINE);
  }

  leave(room: string): Promise<void> {
    return this.#membership.own(room, ControlKind.CONTROL_KIND_LEAVE);
  }

  remove(room: string, user: string): Promise<void> {
    return this.#membership.other(room, user, { kind: ControlKind.CONTROL_KIND_REMOVE });
  }

  ban(room: string, user: string): Promise<void> {
    return this.#membership.other(room, user, { kind: ControlKind.CONTROL_KIND_BAN });
  }

  unban(room: string, user: string): Promise<void> {
    return this.#membership.other(room, user, { kind: ControlKind.CONTROL_KIND_UNBAN });
  }

  setRole(room: string, user: string, role: Role): Promise<void> {
    return this.#membership.other(room, user, { kind: ControlKind.CONTROL_KIND_ROLE, role });
  }

  async acknowledgeAlarm(room: string): Promise<void> {
    await this.held.need(room).replica.acknowledge();
    this.outbox.kick(room);
  }

  setName(room: string, name: string): Promise<void> {
    return this.#writing.slotText(room, 'name', name);
  }

  setTopic(room: string, topic: string): Promise<void> {
    return this.#writing.slotText(room, 'topic', topic);
  }

  pin(room: string, messages: readonly MessageRef[]): Promise<void> {
    return this.#writing.pin(room, messages);
  }

  pins(room: string): readonly MessageRef[] {
    return this.held.need(room).replica.pins();
  }

  send(room: string, text: string, options: SendOptions = {}): Promise<TimelineItem> {
    return this.#writing.send(room, text, options);
  }

  sendContent(room: string, content: Content): Promise<TimelineItem> {
    return this.#writing.content(room, content);
  }

  edit(room: string, id: string, text: string): Promise<void> {
    return this.#writing.edit(room, id, text);
  }

  react(room: string, id: string, emoji: string, removed = false): Promise<void> {
    return this.#writing.react(room, id, emoji, removed);
  }

  deleteForAll(room: string, id: string): Promise<void> {
    return this.#writing.deleteForAll(room, id);
  }

  async flushed(timeoutMs = 30_000): Promise<void> {
    if (this.outbox.isEmpty && this.connection.state !== 'live') return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new ClientError('OFFLINE', 'Not everything could be sent yet. It stays here and goes out later.')),
        timeoutMs,
      );
    });
    await Promise.race([this.synced().then(() => this.outbox.drained()), late]).finally(() => clearTimeout(timer));
  }

  retry(room: string, id: string): Promise<void> {
    return this.outbox.retry(room, id);
  }

  discard(room: string, id: string): Promise<void> {
    return this.outbox.discard(room, id);
  }

  async timeline(room: string, options: { beforeSeq?: number; limit?: number } = {}): Promise<readonly TimelineItem[]> {
    const { replica } = this.held.need(room);
    const { beforeSeq, limit = 50 } = options;
    this.security.want(room);
    return beforeSeq === undefined ? readNewest(replica, this.outbox, limit) : readHistory(replica, beforeSeq, limit);
  }

  async markRead(room: string, seq?: number): Promise<void> {
    const held = this.held.need(room);
    const { replica } = held;
    const position = await positionAt(replica, Math.min(seq ?? replica.headSeq, replica.headSeq));
    if (!position || !replica.readTo(position.seq, position.count)) return;
    // Noted with it: own other devices are told, now or when there is a connection again.
    await this.parts.store.write([replica.row(), this.positions.note(room)]);
    replica.ports.changed();
    this.#receipts.moved(held, position);
    this.positions.kick();
  }

  get receipts(): boolean {
    return this.#receipts.on;
  }

  setReceipts(on: boolean): Promise<void> {
    return this.#receipts.switch(on);
  }

  typing(room: string, typing: boolean): void {
    this.#ephemeral.typing(room, typing);
  }

  online(room: string): void {
    this.#ephemeral.online(room);
  }

  block(user: string): Promise<void> {
    return this.blocks.set(user, true);
  }

  unblock(user: string): Promise<void> {
    return this.blocks.set(user, false);
  }

  blocked(): readonly string[] {
    return this.blocks.list();
  }

  report(room: string, id: string, reason = ''): Promise<void> {
    return reportMessage(this.held.need(room).replica, id, reason);
  }

  get profile(): ProfileInfo {
    return this.profiles.info(this.user);
  }

  setProfile(change: ProfileChange): Promise<void> {
    return this.profileSharing.set(change);
  }

  picture(user: string): Promise<Uint8Array | undefined> {
    return this.profiles.picture(user);
  }

  devices(): Promise<readonly DeviceInfo[]> {
    return this.ownDevices.list();
  }

  formerDevices(): Promise<readonly FormerDevice[]> {
    return this.ownDevices.former();
  }

  async renameDevice(device: number, name: string): Promise<void> {
    await this.parts.request({ $case: 'renameDevice', value: { device, name } }, 'done');
  }

  removeDevice(device: number): Promise<void> {
    return this.ownDevices.remove(device);
  }

  async requestVerification(deviceId?: string, by: 'emoji' | 'code' = 'emoji'): Promise<string> {
    await this.parts.engine.refresh([this.user]);
    const { flowId } = await this.parts.engine.requestVerification(deviceId, by === 'code');
    await this.parts.engine.flush();
    return flowId;
  }

  verifications(): readonly VerificationInfo[] {
    return this.parts.engine.verifications().map((one) => describeVerification(this.user, one));
  }

  acceptVerification(id: string): Promise<void> {
    return this.#verify(() => this.parts.engine.acceptVerification(id));
  }

  confirmVerification(id: string): Promise<void> {
    return this.#verify(() => this.parts.engine.confirmVerification(id));
  }

  scanVerification(id: string, code: Uint8Array): Promise<void> {
    return this.#verify(() => this.parts.engine.scanVerification(id, code));
  }

  cancelVerification(id: string): Promise<void> {
    return this.#verify(() => this.parts.engine.cancelVerification(id));
  }

  beginStepUp(options: BeginStepUp): Promise<string> {
    return this.#stepUps.begin(options);
  }

  finishStepUp(purpose: StepUpPurpose, address: string): Promise<StepUpGrant> {
    return this.#stepUps.finish(purpose, address);
  }

  async fingerprint(user: string): Promise<string> {
    return identityNumber(user, shownIdentity(await this.people.person(user)), this.parts.primitives);
  }

  identityMark(user: string): IdentityMark {
    return identityMark(this.people.get(user));
  }

  async approveIdentity(user: string, { fingerprint }: { readonly fingerprint?: string } = {}): Promise<void> {
    const identity = shownIdentity(await this.people.person(user));
    if (fingerprint !== undefined && identityNumber(user, identity, this.parts.primitives) !== fingerprint)
      throw new ClientError('UNTRUSTED', 'This person has another identity than the one compared: compare it anew.');
    const isNew = await this.vouching.approve(user, identity);
    const isCompared = fingerprint !== undefined && (await this.people.approvals.noteCompared(user, identity));
    if (!isNew && !isCompared)
      throw new ClientError(
        'UNKNOWN',
        'This identity did not change. To note that you compared its number, give that.',
      );
    if (isNew) this.identityApproved();
  }

  doubts(): Promise<Doubts> {
    return doubtsOf(this.parts, { notes: this.alarmNotes, rooms: this.rooms() });
  }

  /** A bot learns that somebody wants it, and in which language. It has heard nothing of the person before. */
  async #startBot(room: string): Promise<void> {
    const { language } = this.options;
    const held = this.held.get(room);
    if (language === undefined || !held?.replica.info().bot) return;
    await this.#writing.content(room, { ...textContent(''), body: { $case: 'botStart', value: { language } } });
  }

  async #verify(step: () => Promise<void>): Promise<void> {
    await step();
    await this.parts.engine.flush();
  }
}

/** The bot of this 1:1 room, where it did not wait to be accepted: it is in many rooms, and leaves those that are silent. It comes when it is invited. */
function botThatLeft(replica: RoomReplica): string | undefined {
  if (!replica.info().bot) return undefined;
  return replica.members().find(({ bot, status }) => bot && status === MemberStatus.MEMBER_STATUS_LEFT)?.user;
}

/** Are both in this 1:1 room? */
function isTalking({ direct, status, members }: RoomInfo): boolean {
  return direct && status === MemberStatus.MEMBER_STATUS_JOINED && members.length > 0;
}
