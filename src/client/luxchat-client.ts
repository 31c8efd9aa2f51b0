// The public methods of the SDK over the wired parts: see api.ts for what each does and how it fails.
import { Content, type MessageRef } from '#proto/gen/content.ts';
import { ControlKind, EventKind, Role } from '#proto/gen/record.ts';
import { identityNumber } from '#proto/rules/identity/number.ts';
import type { DeviceInfo, Luxchat, MemberInfo, RoomInfo, SendOptions, TimelineItem, VerificationInfo } from './api.ts';
import { ClientCore } from './client.ts';
import { textContent } from './content.ts';
import { deletionOf } from './deleting.ts';
import { describeVerification } from './devices.ts';
import { ClientError } from './errors.ts';
import { readHistory, readNewest } from './history.ts';
import { Membership } from './membership.ts';
import { ReceiptSender } from './receipts.ts';
import { positionAt } from './room-rows.ts';
import { foldWaiting, messageRef } from './timeline.ts';

const textBytesMax = 16_384;
// Encrypted and wrapped twice in base64 it must stay below the 48 KiB of a body, and the 4 KiB of a slot.
const contentBytesMax = 24_576;
const slotContentBytesMax = 1_536;
const typingPauseMs = 3_000;
/** Contents that do not raise unread counts. */
const quiet: ReadonlySet<string> = new Set(['edit', 'reaction', 'deletion', 'read', 'profile']);

/** A logged-in device. */
export class LuxchatClient extends ClientCore implements Luxchat {
  #membership = new Membership(() => this.parts, this.held);
  #receipts = new ReceiptSender(() => this.parts);
  #typedAt = new Map<string, number>();

  get user(): string {
    return this.options.user;
  }

  get device(): number {
    return this.options.device;
  }

  get deviceId(): string {
    return this.options.deviceId;
  }

  override async start(): Promise<void> {
    await super.start();
    await this.#receipts.load();
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
    return this.held.all().map(({ replica }) => replica.info());
  }

  room(room: string): RoomInfo {
    return this.held.need(room).replica.info();
  }

  members(room: string): readonly MemberInfo[] {
    return this.held.need(room).replica.members();
  }

  startDirect(user: string): Promise<string> {
    return this.#membership.startDirect(user);
  }

  async createGroup(options: {
    name: string;
    topic?: string;
    invite?: readonly string[];
    historyFromStart?: boolean;
  }): Promise<string> {
    const room = await this.#membership.createGroup(options.historyFromStart ?? false);
    await this.setName(room, options.name);
    if (options.topic) await this.setTopic(room, options.topic);
    for (const user of options.invite ?? []) await this.invite(room, user);
    return room;
  }

  invite(room: string, user: string, role: Role = Role.ROLE_MEMBER): Promise<void> {
    return this.#membership.invite(room, user, role);
  }

  accept(room: string): Promise<void> {
    return this.#membership.own(room, ControlKind.CONTROL_KIND_ACCEPT);
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
    return this.#putSlot(room, 'name', { ...textContent(''), body: { $case: 'slotText', value: { text: name } } });
  }

  setTopic(room: string, topic: string): Promise<void> {
    return this.#putSlot(room, 'topic', { ...textContent(''), body: { $case: 'slotText', value: { text: topic } } });
  }

  pin(room: string, messages: readonly MessageRef[]): Promise<void> {
    const body = { $case: 'pins' as const, value: { messages: [...messages] } };
    return this.#putSlot(room, 'pins', { ...textContent(''), body });
  }

  pins(room: string): readonly MessageRef[] {
    return this.held.need(room).replica.pins();
  }

  async send(room: string, text: string, options: SendOptions = {}): Promise<TimelineItem> {
    if (text === '' || new TextEncoder().encode(text).length > textBytesMax)
      throw new ClientError('BAD_ARGUMENT', `A text has 1 to ${textBytesMax} bytes.`);
    const { replyTo, mentions } = options;
    return this.sendContent(room, { ...textContent(text), replyTo, mentions: [...(mentions ?? [])] });
  }

  async sendContent(room: string, content: Content): Promise<TimelineItem> {
    const { replica } = this.held.need(room);
    replica.needTrust();
    replica.needPresence();
    if (Content.encode(content).finish().length > contentBytesMax)
      throw new ClientError('BAD_ARGUMENT', `A message has at most ${contentBytesMax} bytes.`);
    const counts = !quiet.has(content.body?.$case ?? '');
    const send = await this.outbox.add({ room, kind: EventKind.EVENT_KIND_CONTENT, content, counts });
    const line = foldWaiting(send, replica.folding);
    return { ...(line ?? silentLine(room, send.localId, this)), localId: send.localId };
  }

  async edit(room: string, id: string, text: string): Promise<void> {
    if (text === '' || new TextEncoder().encode(text).length > textBytesMax)
      throw new ClientError('BAD_ARGUMENT', `A text has 1 to ${textBytesMax} bytes.`);
    const target = this.#ref(room, id);
    if (target.member !== this.held.need(room).replica.own)
      throw new ClientError('BAD_ARGUMENT', 'Only own messages can be edited.');
    // An own message may be edited as soon as the hub took it, before its record has come back.
    const body = { $case: 'edit' as const, value: { target, text } };
    await this.sendContent(room, { ...textContent(''), body });
  }

  async react(room: string, id: string, emoji: string, removed = false): Promise<void> {
    if (emoji === '' || new TextEncoder().encode(emoji).length > 32)
      throw new ClientError('BAD_ARGUMENT', 'A reaction is one emoji.');
    const body = { $case: 'reaction' as const, value: { target: this.#ref(room, id), emoji, removed } };
    await this.sendContent(room, { ...textContent(''), body });
  }

  async deleteForAll(room: string, id: string): Promise<void> {
    const { replica } = this.held.need(room);
    replica.needTrust();
    replica.needPresence();
    this.#ref(room, id);
    const { outgoing, instead } = await deletionOf(replica, this.outbox, id);
    await this.outbox.addAll(outgoing, instead);
  }

  async flushed(timeoutMs = 30_000): Promise<void> {
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
    return beforeSeq === undefined ? readNewest(replica, this.outbox, limit) : readHistory(replica, beforeSeq, limit);
  }

  async markRead(room: string, seq?: number): Promise<void> {
    const held = this.held.need(room);
    const { replica } = held;
    const position = await positionAt(replica, Math.min(seq ?? replica.headSeq, replica.headSeq));
    if (!position || !replica.readTo(position.seq, position.count)) return;
    // Noted with it: own other devices are told, now or when there is a connection again.
    await this.parts.store.write([replica.row(), this.positions.note(room)]);
    replica.ports.changed(replica);
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
    const now = this.parts.now();
    if (typing && now - (this.#typedAt.get(room) ?? 0) < typingPauseMs) return;
    this.#typedAt.set(room, typing ? now : 0);
    this.connection.tell({ $case: 'sendEphemeral', value: { room, kind: typing ? 1 : 2 } });
  }

  devices(): Promise<readonly DeviceInfo[]> {
    return this.ownDevices.list();
  }

  async renameDevice(device: number, name: string): Promise<void> {
    await this.parts.request({ $case: 'renameDevice', value: { device, name } }, 'done');
  }

  removeDevice(device: number): Promise<void> {
    return this.ownDevices.remove(device);
  }

  async requestVerification(deviceId?: string): Promise<string> {
    await this.parts.engine.refresh([this.user]);
    const { flowId } = await this.parts.engine.requestVerification(deviceId);
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

  cancelVerification(id: string): Promise<void> {
    return this.#verify(() => this.parts.engine.cancelVerification(id));
  }

  async fingerprint(user: string): Promise<string> {
    const { fingerprint, changedTo } = await this.#membership.person(user);
    return identityNumber(user, changedTo.length > 0 ? changedTo : fingerprint, this.parts.primitives);
  }

  async approveIdentity(user: string): Promise<void> {
    await this.people.approve(user);
    this.outbox.kickAll();
  }

  async #verify(step: () => Promise<void>): Promise<void> {
    await step();
    await this.parts.engine.flush();
  }

  async #putSlot(room: string, slot: string, content: Content): Promise<void> {
    this.held.need(room).replica.needTrust();
    if (Content.encode(content).finish().length > slotContentBytesMax)
      throw new ClientError('BAD_ARGUMENT', `A ${slot} has at most ${slotContentBytesMax} bytes.`);
    await this.held.putSlot(room, slot, content);
  }

  #ref(room: string, id: string): MessageRef {
    this.held.need(room);
    const ref = messageRef(id);
    if (!ref) throw new ClientError('UNKNOWN', 'This message has not been accepted yet.');
    return ref;
  }
}

/** The line of what makes none by itself: edits, reactions, deletions. */
function silentLine(room: string, id: string, self: { readonly user: string; readonly device: number }): TimelineItem {
  return {
    id,
    room,
    seq: 0,
    sender: self.user,
    device: self.device,
    own: true,
    at: 0,
    kind: 'message',
    edited: false,
    reactions: new Map(),
    sending: 'waiting',
  };
}
