// What people do with their devices: each doing is one step of the story. A doing that makes no sense in the situation does nothing.
import type { AnswerBody } from '#actors/kernel/messages.ts';
import { EphemeralKind, type Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, EventKind, MemberStatus, Role, SlotWrite } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { type ControlState, hashState } from '#proto/rules/control/state.ts';
import { directRoomId } from '#proto/rules/ids.ts';
import { receiptSlot } from '#proto/rules/record/slots.ts';
import { type CastUser, goodGrant } from '../cast.ts';
import { simPrimitives } from '../primitives.ts';
import { codeName } from '../witness.ts';
import type { Device } from './device.ts';
import * as events from './events.ts';

/** Says something in a room that the device is joined to. */
export function say(device: Device, room: string, label: string): void {
  speak(device, room, label, (chain, author) => events.content(chain, author, label), 'nothing');
}

/** Sets the next version of the room's name. */
export function rename(device: Device, room: string, label: string): void {
  speak(device, room, label, (chain, author) => {
    const held = device.chain(room).slots.map(({ write }) => SlotWrite.decode(write));
    const version = (held.find(({ slot }) => slot === 'name')?.version ?? 0) + 1;
    return events.slot(chain, author, { name: 'name', version, label });
  });
}

/** Takes back some of the device's own messages. */
export function takeBack(device: Device, room: string, label: string): void {
  speak(device, room, label, (chain, author) => {
    const own = device
      .room(room)
      .shown.filter(
        ({ member, kind, empty }) => member === author.member && kind === EventKind.EVENT_KIND_CONTENT && !empty,
      );
    const seqs = own.slice(-2).map(({ seq }) => seq);
    return seqs.length === 0 ? null : events.emptying(chain, author, seqs);
  });
}

/** Has the room empty all that the device's user wrote, as before an erasure. */
export function eraseAll(device: Device, room: string, label: string): void {
  speak(device, room, label, (chain, author) => {
    const throughSeq = device.room(room).shown.at(-1)?.seq ?? 0;
    return throughSeq === 0 ? null : events.erasing(chain, author, throughSeq);
  });
}

/** Founds a group; `then` once it is there. */
export function found(device: Device, label: string, then: (room: string) => void): void {
  const { cast } = device.household;
  const author = { cast, device: device.number, member: 1, sendId: 1 };
  const room = events.group(author, label).room;
  device.outbox.say({
    label,
    room,
    make: (sendId) => events.group({ ...author, sendId }, label),
    done: (outcome) => {
      if (outcome !== 'accepted')
        return device.place.witness.wrong(`${device.name} could not found ${room}: ${outcome}`);
      enter(device, room, () => then(room));
    },
  });
}

/** The 1:1 room with someone. */
export function directRoom(device: Device, partner: CastUser): string {
  return directRoomId(device.user, partner.user, simPrimitives);
}

/** Starts a 1:1 room, as the other one may be doing at the same moment. */
export function start(device: Device, partner: CastUser, label: string): void {
  const { cast } = device.household;
  const room = directRoom(device, partner);
  const author = { cast, device: device.number, member: 1 };
  device.outbox.say({
    label,
    room,
    make: (sendId) => events.direct({ ...author, sendId }, { room, partner: partner.user }),
    done: (outcome) => {
      if (outcome === 'accepted') enter(device, room, () => invite(device, room, partner, `${label} invites`));
      else if (outcome === 'exists') device.refresh(room, () => comeIn(device, room, `${label} comes in`));
    },
  });
}

/** Invites someone who is not there. */
export function invite(device: Device, room: string, guest: CastUser, label: string): void {
  const kind = ControlKind.CONTROL_KIND_INVITE;
  speak(device, room, label, (chain, author) => {
    const known = device.chain(room).member(guest.user);
    const { direct } = chain.policy;
    const role = direct ? Role.ROLE_ADMIN : Role.ROLE_MEMBER;
    if (known === undefined) {
      if (direct && chain.members.size > 1) return null;
      return events.control(chain, author, { kind, target: chain.members.size + 1, role }, guest);
    }
    return isAway(known.status) ? events.control(chain, author, { kind, target: known.number, role }) : null;
  });
}

/** Answers an invitation. */
export function answerInvitation(device: Device, room: string, accepts: boolean, label: string): void {
  device.refresh(room, () => {
    if (accepts) comeIn(device, room, label);
    else decline(device, room, label);
  });
}

/** Leaves a room. */
export function leave(device: Device, room: string, label: string): void {
  const kind = ControlKind.CONTROL_KIND_LEAVE;
  speak(device, room, label, (chain, author) => events.control(chain, author, { kind, target: author.member }));
}

/** Removes someone, if that is allowed. */
export function remove(device: Device, room: string, guest: CastUser, label: string): void {
  const kind = ControlKind.CONTROL_KIND_REMOVE;
  speak(device, room, label, (chain, author) => {
    const target = device.chain(room).member(guest.user);
    const mayRemove = (chain.members.get(author.member)?.role ?? 0) >= Role.ROLE_MODERATOR && !chain.policy.direct;
    if (target === undefined || !mayRemove || target.number === author.member || isAway(target.status)) return null;
    return events.control(chain, author, { kind, target: target.number });
  });
}

/** Vouches for all that the room's chain amounts to, if that is allowed. */
export function checkpoint(device: Device, room: string, label: string): void {
  const kind = ControlKind.CONTROL_KIND_CHECKPOINT;
  speak(device, room, label, (chain, author) => {
    if ((chain.members.get(author.member)?.role ?? 0) < Role.ROLE_ADMIN) return null;
    return events.control(chain, author, { kind, target: 0, stateHash: hashState(chain, simPrimitives) });
  });
}

/** Signs a CHECKPOINT without the right to, or, as an admin, one of a state that the room does not have: neither may be taken. */
export function presume(device: Device, room: string, label: string): void {
  const { cast } = device.household;
  const kind = ControlKind.CONTROL_KIND_CHECKPOINT;
  device.outbox.say({
    label,
    room,
    make: (sendId) => {
      const { state, self, isJoined } = device.chain(room);
      if (state === null || self === undefined || !isJoined) return null;
      const isAdmin = self.role >= Role.ROLE_ADMIN;
      const stateHash = isAdmin ? simPrimitives.sha256(utf8Bytes(label)) : hashState(state, simPrimitives);
      const author = { cast, device: device.number, member: self.number, sendId };
      return events.control(state, author, { kind, target: 0, stateHash });
    },
    done: (outcome) => {
      if (outcome === 'accepted') device.place.witness.wrong(`${label} of ${device.name} was taken in ${room}`);
    },
  });
}

/** Has the account erased; asked again until it is. */
export function erase(device: Device, label: string): void {
  const attempt = simPrimitives.sha256(utf8Bytes(label)).slice(0, 16);
  device.insist(
    () => ({ $case: 'eraseAccount', value: { grant: { token: goodGrant, attempt } } }),
    (answer) => {
      if (answer.$case === 'erasureReceipt') return device.household.end();
      device.place.witness.wrong(`${device.name} asked to be erased and heard ${answer.$case}`);
    },
  );
}

/** Puts the next receipt. */
export function putReceipt(device: Device, room: string): void {
  const self = device.chain(room).self;
  if (self === undefined) return;
  const { receipts } = device.place.witness;
  const key = `${room} ${self.number}`;
  const version = Math.max(receipts.get(key) ?? 0, device.place.schedule.now);
  const write = events.slotWrite(receiptSlot(self.number), version, device.name);
  device.conversation.ask({ $case: 'putReceipt', value: { room, write } }, (answer) => {
    if (answer?.$case === 'done') receipts.set(key, Math.max(receipts.get(key) ?? 0, version));
  });
}

/** Typing, which nobody keeps. */
export function type(device: Device, room: string): void {
  device.conversation.say({ $case: 'sendEphemeral', value: { room, kind: EphemeralKind.EPHEMERAL_KIND_TYPING } });
}

/** Sends a device message to all devices of someone; repeats it until it is stored, or can't be. */
export function sendKeys(device: Device, room: string, to: CastUser, label: string): void {
  const id = simPrimitives.sha256(utf8Bytes(label)).slice(0, 16);
  const message = { user: to.user, device: 0, type: 'm.room_key', content: utf8Bytes(label), id };
  device.insist(
    () => ({ $case: 'sendDeviceMessages', value: { room, messages: [message] } }),
    (answer) => reported(device, room, { to, label, id }, answer),
  );
}

/** Claims a one-time key of each device. */
export function claimKeys(device: Device, room: string, of: CastUser): void {
  const targets = [1, 2].map((number) => ({ user: of.user, device: number }));
  device.conversation.ask({ $case: 'claimKeys', value: { room, targets } }, (answer) => {
    if (answer?.$case !== 'claimsAnswer') return;
    for (const { user, device: number, keyId } of answer.value.keys) device.place.witness.claimed(user, number, keyId);
  });
}

function reported(
  device: Device,
  room: string,
  sent: { readonly to: CastUser; readonly label: string; readonly id: Uint8Array },
  answer: AnswerBody,
): void {
  const { witness, schedule } = device.place;
  const { to, label, id } = sent;
  if (answer.$case !== 'deliveryReport') return witness.wrong(`${device.name} sent keys and heard ${answer.$case}`);
  const [undelivered] = answer.value.undelivered;
  if (undelivered === undefined) {
    const { user: sender, number: senderDevice } = device;
    witness.delivered.push({ sender, senderDevice, user: to.user, device: 0, id: toHex(id) });
  } else if (undelivered.code < Rejection.REJECTION_STALE_STATE) {
    schedule.after(1_000 + undelivered.retryAfterMs, () => sendKeys(device, room, to, label));
  } else if (undelivered.code !== Rejection.REJECTION_NOT_FOUND) {
    witness.wrong(`${device.name} could not send keys: ${codeName(undelivered.code)}`);
  }
}

/** Takes the seat that is kept: accepts an invitation, or comes back to a 1:1 room, or enters one that the other one founded. */
function comeIn(device: Device, room: string, label: string): void {
  const { cast } = device.household;
  const kind = ControlKind.CONTROL_KIND_ACCEPT;
  device.outbox.say({
    label,
    room,
    make: (sendId) => {
      const { state: chain, self } = device.chain(room);
      if (chain === null || self?.status === MemberStatus.MEMBER_STATUS_JOINED) return null;
      if (self === undefined) {
        const member = chain.members.size + 1;
        if (!chain.policy.direct || member !== 2) return null;
        const role = Role.ROLE_ADMIN;
        const author = { cast, device: device.number, member, sendId };
        return events.control(chain, author, { kind, target: member, role }, cast);
      }
      const mayEnter =
        self.status === MemberStatus.MEMBER_STATUS_INVITED || (chain.policy.direct && isAway(self.status));
      if (!mayEnter) return null;
      const author = { cast, device: device.number, member: self.number, sendId };
      return events.control(chain, author, { kind, target: self.number });
    },
    done: (outcome) => {
      if (outcome === 'accepted') enter(device, room);
    },
  });
}

function decline(device: Device, room: string, label: string): void {
  const kind = ControlKind.CONTROL_KIND_DECLINE;
  const { cast } = device.household;
  device.outbox.say({
    label,
    room,
    make: (sendId) => {
      const { state: chain, self } = device.chain(room);
      if (chain === null || self?.status !== MemberStatus.MEMBER_STATUS_INVITED) return null;
      return events.control(
        chain,
        { cast, device: device.number, member: self.number, sendId },
        { kind, target: self.number },
      );
    },
    done: () => {},
  });
}

/** The device is in from here on. */
function enter(device: Device, room: string, then: () => void = () => {}): void {
  device.entered.add(room);
  device.refresh(room, then);
  device.list();
}

function speak(
  device: Device,
  room: string,
  label: string,
  make: (chain: ControlState, author: events.Author) => Submit | null,
  changes: 'state' | 'nothing' = 'state',
): void {
  const { cast } = device.household;
  device.outbox.say({
    label,
    room,
    make: (sendId) => {
      const { state, self, isJoined } = device.chain(room);
      if (state === null || self === undefined || !isJoined) return null;
      return make(state, { cast, device: device.number, member: self.number, sendId });
    },
    done: (outcome) => {
      if (outcome === 'accepted' && changes === 'state') device.refresh(room);
    },
  });
}

/** Was this member there, and is not any more? */
export function isAway(status: MemberStatus): boolean {
  return (
    status === MemberStatus.MEMBER_STATUS_LEFT ||
    status === MemberStatus.MEMBER_STATUS_DECLINED ||
    status === MemberStatus.MEMBER_STATUS_REMOVED
  );
}
