// The public methods of the SDK over the wired parts: see api.ts for what each does and how it fails.

import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import type { Content, MessageRef } from '#proto/gen/content.ts';
import {
  ControlKind,
  Emptying,
  EmptyingCause,
  EventKind,
  HistoryFrom,
  MemberStatus,
  type Person,
  Role,
} from '#proto/gen/record.ts';
import { directRoomId, isUserId, parseUserId } from '#proto/rules/ids.ts';
import { limits } from '#proto/rules/limits.ts';
import type { DeviceInfo, Luxchat, MemberInfo, RoomInfo, SendOptions, TimelineItem, VerificationInfo } from './api.ts';
import { ClientCore, readPositionType } from './client.ts';
import { textContent } from './content.ts';
import { describePerson, type Statement } from './control-author.ts';
import { describeVerification } from './devices.ts';
import { ClientError, isRejection } from './errors.ts';
import { readHistory } from './history.ts';
import { ReceiptSender } from './receipts.ts';
import type { RoomReplica } from './room.ts';
import { createDirectRoom, createGroupRoom } from './sending.ts';
import { foldWaiting, messageRef } from './timeline.ts';

const textBytesMax = 16_384;
const typingPauseMs = 3_000;

/** A logged-in device. */
export class LuxchatClient extends ClientCore implements Luxchat {
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

  override async close(): Promise<void> {
    this.#receipts.close();
    await super.close();
  }

  async logout(): Promise<void> {
    await this.parts.request({ $case: 'removeDevice', value: { device: this.device } }, 'done').catch((error) => {
      // The session is cut by the very thing that was asked for, often before the answer is out.
      if (!(error instanceof ClientError) || error.disconnect !== Disconnect.DISCONNECT_LOGGED_OUT) throw error;
    });
    await this.close();
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

  async startDirect(user: string): Promise<string> {
    if (!isUserId(user) || user === this.user)
      throw new ClientError('BAD_ARGUMENT', 'That is not the Luxchat-ID of someone else.');
    this.#needConfirmed();
    const room = directRoomId(this.user, user, this.parts.primitives);
    const held = this.held.get(room);
    if (held?.replica.chain.state) {
      await this.#reopen(held.replica, user);
      return room;
    }
    const fingerprint = await this.#fingerprint(user);
    const { provider } = parseUserId(this.user < user ? this.user : user) as { provider: string };
    const policy = {
      direct: true,
      history: HistoryFrom.HISTORY_FROM_START,
      inviteRole: 0,
      slotRole: 0,
      postRole: 0,
      membersMax: 0,
    } as const;
    try {
      const create: Statement = {
        kind: ControlKind.CONTROL_KIND_CREATE,
        target: 1,
        role: Role.ROLE_ADMIN,
        policy,
        hub: { provider, epoch: 1 },
      };
      await createDirectRoom(this.held.hold(room).replica, await this.#self(1), create, user);
    } catch (error) {
      // The other was quicker, or a try before this one got through: it is one room, whoever began it.
      if (!isRejection(error, Rejection.REJECTION_ROOM_EXISTS)) throw error;
    }
    await this.held.list(room);
    const { replica, sender } = this.held.need(room);
    if (replica.joined && replica.chain.memberOf(user) === 0) {
      const person = describePerson(user, fingerprint, 2);
      await sender.control(() => ({ kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_ADMIN, person }));
    } else await this.#reopen(replica, user);
    await this.held.list(room);
    return room;
  }

  async createGroup(options: {
    name: string;
    topic?: string;
    invite?: readonly string[];
    historyFromStart?: boolean;
  }): Promise<string> {
    this.#needConfirmed();
    const { provider } = parseUserId(this.user) as { provider: string };
    const history = options.historyFromStart ? HistoryFrom.HISTORY_FROM_START : HistoryFrom.HISTORY_FROM_JOIN;
    const policy = { direct: false, history, inviteRole: 0, slotRole: 0, postRole: 0, membersMax: 0 } as const;
    const create: Statement = {
      kind: ControlKind.CONTROL_KIND_CREATE,
      target: 1,
      role: Role.ROLE_OWNER,
      policy,
      hub: { provider, epoch: 1 },
    };
    const room = await createGroupRoom(this.parts, await this.#self(1), create, (id) => this.held.hold(id).replica);
    await this.held.list(room);
    await this.setName(room, options.name);
    if (options.topic) await this.setTopic(room, options.topic);
    for (const user of options.invite ?? []) await this.invite(room, user);
    return room;
  }

  async invite(room: string, user: string, role: Role = Role.ROLE_MEMBER): Promise<void> {
    if (!isUserId(user)) throw new ClientError('BAD_ARGUMENT', 'That is not a Luxchat-ID.');
    const { sender } = this.held.need(room);
    const fingerprint = await this.#fingerprint(user);
    await sender.control((replica) => {
      const known = replica.chain.memberOf(user);
      const target = known || (replica.chain.state?.members.size ?? 0) + 1;
      const invite = {
        kind: ControlKind.CONTROL_KIND_INVITE,
        target,
        role: replica.chain.state?.policy.direct ? Role.ROLE_ADMIN : role,
      };
      return known ? invite : { ...invite, person: describePerson(user, fingerprint, target) };
    });
  }

  async accept(room: string): Promise<void> {
    await this.#ensureChain(room);
    await this.#own(room, ControlKind.CONTROL_KIND_ACCEPT);
    await this.held.list(room);
  }

  async decline(room: string): Promise<void> {
    await this.#ensureChain(room);
    await this.#own(room, ControlKind.CONTROL_KIND_DECLINE);
    await this.held.list(room);
  }

  leave(room: string): Promise<void> {
    return this.#own(room, ControlKind.CONTROL_KIND_LEAVE);
  }

  remove(room: string, user: string): Promise<void> {
    return this.#other(room, user, { kind: ControlKind.CONTROL_KIND_REMOVE });
  }

  ban(room: string, user: string): Promise<void> {
    return this.#other(room, user, { kind: ControlKind.CONTROL_KIND_BAN });
  }

  unban(room: string, user: string): Promise<void> {
    return this.#other(room, user, { kind: ControlKind.CONTROL_KIND_UNBAN });
  }

  setRole(room: string, user: string, role: Role): Promise<void> {
    return this.#other(room, user, { kind: ControlKind.CONTROL_KIND_ROLE, role });
  }

  setName(room: string, name: string): Promise<void> {
    return this.held.putSlot(room, 'name', slotText(name));
  }

  setTopic(room: string, topic: string): Promise<void> {
    return this.held.putSlot(room, 'topic', slotText(topic));
  }

  pin(room: string, messages: readonly MessageRef[]): Promise<void> {
    return this.held.putSlot(room, 'pins', {
      ...textContent(''),
      body: { $case: 'pins', value: { messages: [...messages] } },
    });
  }

  send(room: string, text: string, options: SendOptions = {}): Promise<TimelineItem> {
    if (text === '' || new TextEncoder().encode(text).length > textBytesMax) {
      throw new ClientError('BAD_ARGUMENT', `A text has 1 to ${textBytesMax} bytes.`);
    }
    return this.sendContent(room, {
      ...textContent(text),
      replyTo: options.replyTo,
      mentions: [...(options.mentions ?? [])],
    });
  }

  async sendContent(room: string, content: Content): Promise<TimelineItem> {
    const { replica } = this.held.need(room);
    if (replica.local.frozen !== '')
      throw new ClientError('UNTRUSTED', `Sending here is frozen: ${replica.local.frozen}.`);
    const counts = !['edit', 'reaction', 'deletion', 'read', 'profile'].includes(content.body?.$case ?? '');
    const send = await this.outbox.add({ room, kind: EventKind.EVENT_KIND_CONTENT, content, counts });
    const line = foldWaiting(send, replica.folding);
    return { ...(line ?? emptyLine(room, send.localId, replica.folding.user, this.device)), localId: send.localId };
  }

  async edit(room: string, id: string, text: string): Promise<void> {
    await this.sendContent(room, {
      ...textContent(''),
      body: { $case: 'edit', value: { target: this.#ref(room, id), text } },
    });
  }

  async react(room: string, id: string, emoji: string, removed = false): Promise<void> {
    if (emoji === '' || new TextEncoder().encode(emoji).length > 32)
      throw new ClientError('BAD_ARGUMENT', 'A reaction is one emoji.');
    await this.sendContent(room, {
      ...textContent(''),
      body: { $case: 'reaction', value: { target: this.#ref(room, id), emoji, removed } },
    });
  }

  async deleteForAll(room: string, id: string): Promise<void> {
    const { replica } = this.held.need(room);
    const ref = this.#ref(room, id);
    const seqs = await replica.seqsOf(id);
    if (seqs.length === 0) throw new ClientError('UNKNOWN', 'There is no such message on this device.');
    const cause =
      ref.member === replica.own ? EmptyingCause.EMPTYING_CAUSE_AUTHOR : EmptyingCause.EMPTYING_CAUSE_MODERATOR;
    const body = Emptying.encode({
      cause,
      seqs: seqs.slice(0, limits.emptyingSeqsMax),
      blobs: [],
      fromSeq: 0,
      throughSeq: 0,
      member: 0,
    }).finish();
    await this.outbox.add({ room, kind: EventKind.EVENT_KIND_EMPTYING, counts: false, plainBody: body });
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
    const newest = options.beforeSeq === undefined;
    const lines = await readHistory(replica, options.beforeSeq ?? Number.MAX_SAFE_INTEGER, options.limit ?? 50);
    const waiting = newest ? this.outbox.waiting(room).flatMap((send) => foldWaiting(send, replica.folding) ?? []) : [];
    return [...lines, ...waiting];
  }

  async markRead(room: string, seq?: number): Promise<void> {
    const held = this.held.need(room);
    const position = await held.replica.positionAt(seq ?? held.replica.headSeq);
    if (!position || !(await held.replica.read(position.seq, position.count))) return;
    const self = { user: this.user, devices: this.#otherDevices() };
    this.#receipts.moved(held, position);
    if (self.devices.length === 0 || this.connection.state !== 'live') return;
    const messages = await this.parts.engine.sealForDevices(readPositionType, { room, ...position }, [self]);
    await this.sendToDevices(messages);
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

  async #verify(step: () => Promise<void>): Promise<void> {
    await step();
    await this.parts.engine.flush();
  }

  #ref(room: string, id: string): MessageRef {
    this.held.need(room);
    const ref = messageRef(id);
    if (!ref) throw new ClientError('UNKNOWN', 'This message has not been accepted yet.');
    return ref;
  }

  #otherDevices(): string[] {
    const listed = this.people.get(this.user)?.manifest.body.devices ?? [];
    return listed.filter((device) => device.number !== this.device).map((device) => device.id);
  }

  #needConfirmed(): void {
    if (!this.ownDevices.confirmed)
      throw new ClientError('NOT_CONFIRMED', 'Confirm this device from another one first.');
  }

  async #self(member: number): Promise<Person> {
    return describePerson(this.user, await this.#fingerprint(this.user), member);
  }

  async #fingerprint(user: string): Promise<Uint8Array> {
    if (!this.people.get(user)) await this.people.refresh([user], '');
    const known = this.people.get(user);
    if (!known)
      throw new ClientError('UNKNOWN', 'There is nobody with this Luxchat-ID, or they have not set up their app yet.');
    return known.fingerprint;
  }

  async #ensureChain(room: string): Promise<void> {
    const { replica } = this.held.need(room);
    if (!replica.chain.state) await replica.catchUp();
  }

  async #reopen(replica: RoomReplica, user: string): Promise<void> {
    const { state } = replica.chain;
    const status = (member: number) => state?.members.get(member)?.status;
    if (!replica.joined) await this.accept(replica.room);
    const partner = status(replica.chain.memberOf(user));
    if (partner === MemberStatus.MEMBER_STATUS_LEFT || partner === MemberStatus.MEMBER_STATUS_DECLINED)
      await this.invite(replica.room, user);
  }

  #own(room: string, kind: ControlKind): Promise<void> {
    const { sender } = this.held.need(room);
    return sender.control((replica) => {
      const member = replica.chain.memberOf(this.user);
      if (member === 0) throw new ClientError('UNKNOWN', 'You are not in this room.');
      return { kind, target: member };
    });
  }

  #other(room: string, user: string, statement: Omit<Statement, 'target'>): Promise<void> {
    const { sender } = this.held.need(room);
    return sender.control((replica) => {
      const target = replica.chain.memberOf(user);
      if (target === 0) throw new ClientError('UNKNOWN', 'This person is not in the room.');
      return { ...statement, target };
    });
  }
}

function slotText(text: string): Content {
  return { ...textContent(''), body: { $case: 'slotText', value: { text } } };
}

function emptyLine(room: string, id: string, sender: string, device: number): TimelineItem {
  return {
    id,
    room,
    seq: 0,
    sender,
    device,
    own: true,
    at: 0,
    kind: 'message',
    edited: false,
    reactions: new Map(),
    sending: 'waiting',
  };
}
