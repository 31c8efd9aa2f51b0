// Founds groups and makes their messages: genesis, invitations, acceptances, content. The founder keeps the chain by itself and asks nobody, so a
// room of n costs 2n - 1 submits and no reads.
import { ClientFrame, type Submit } from '#proto/gen/client.ts';
import {
  Algorithm,
  ControlBody,
  ControlEntry,
  type ControlHead,
  ControlKind,
  type Event,
  EventHeader,
  EventKind,
  Role,
  type RoomPolicy,
} from '#proto/gen/record.ts';
import { noBytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHash, controlTextToSign } from '#proto/rules/bytes/hash.ts';
import { groupRoomId } from '#proto/rules/ids.ts';
import { type Identity, primitives } from './identity.ts';
import { framed, type RawClient } from './raw-client.ts';

/** Someone who sits in a room: the first one founded it, and the place in the list is the member number less one. */
export interface Seat {
  readonly client: RawClient;
  readonly identity: Identity;
}

/** A group with all its members joined. */
export interface Group {
  readonly room: string;
  readonly control: ControlHead;
}

const policy: RoomPolicy = { direct: false, history: 0, inviteRole: 0, slotRole: 0, postRole: 0, membersMax: 0 };

/** Founds a group of these seats and lets all join. `name` tells rooms of one founder apart. */
export async function foundGroup(seats: readonly Seat[], provider: string, name: string): Promise<Group> {
  const [founder] = seats;
  if (founder === undefined) throw new RangeError('a group needs a founder');
  const nonce = primitives.sha256(new TextEncoder().encode(name)).subarray(0, 16);
  let room = '';
  let control: ControlHead = { number: 0, hash: zeroHash };
  const enter = async (seat: Seat, actor: number, sendId: number, wish: Partial<ControlBody>, brings?: Identity) => {
    const step = controlStep({ room, control, actor: seat.identity, member: actor, wish, brings });
    control = step.control;
    room ||= groupRoomId(control.hash, provider);
    await seat.client.ask({ $case: 'submit', value: step.submit(room, sendId) }, 'accepted');
  };
  const genesis = { kind: ControlKind.CONTROL_KIND_CREATE, target: 1, role: Role.ROLE_OWNER, policy, nonce };
  await enter(founder, 1, 1, { ...genesis, hub: { provider, epoch: 1 } }, founder.identity);
  for (let at = 1; at < seats.length; at++) {
    const seat = seats[at] as Seat;
    const target = at + 1;
    const invite = { kind: ControlKind.CONTROL_KIND_INVITE, target, role: Role.ROLE_MEMBER };
    await enter(founder, 1, target, invite, seat.identity);
    await enter(seat, target, 1, { kind: ControlKind.CONTROL_KIND_ACCEPT, target });
  }
  return { room, control };
}

/** What a control entry says, who signs it, and after which one it comes. */
export interface ControlWish {
  /** Empty in a genesis. */
  readonly room: string;
  readonly control: ControlHead;
  readonly actor: Identity;
  /** Number of the actor. */
  readonly member: number;
  readonly wish: Partial<ControlBody>;
  /** Whose person comes with it. */
  readonly brings?: Identity | undefined;
}

/** A signed control entry: where the chain stands after it, and the submit that brings it. */
export function controlStep({ room, control, actor, member, wish, brings }: ControlWish) {
  const signed = ControlBody.encode({
    ...ControlBody.decode(noBytes),
    room,
    number: control.number + 1,
    previousHash: control.hash,
    actor: member,
    device: actor.deviceNumber,
    deviceKey: actor.deviceKey,
    signedMs: Date.now(),
    ...(brings ? { person: brings.commitment } : {}),
    ...wish,
  }).finish();
  const entry = { signed, signature: actor.sign(controlTextToSign(signed, primitives)) };
  const body = ControlEntry.encode(entry).finish();
  const submit = (place: string, sendId: number): Submit => {
    const header = headerOf({ room: place, member, device: actor.deviceNumber, sendId, body });
    const event = { header: EventHeader.encode({ ...header, ...plain }).finish(), body };
    return {
      room: place,
      event,
      person: brings?.person(wish.target ?? 0),
      credential: actor.credential(member),
      partner: '',
    };
  };
  return { control: { number: control.number + 1, hash: controlHash(signed, primitives) }, submit };
}

const plain = {
  kind: EventKind.EVENT_KIND_CONTROL,
  algorithm: Algorithm.ALGORITHM_NONE,
  counts: false,
  control: undefined,
  commitment: noBytes,
};

/** Where a message goes, who sends it and what it is. */
export interface Place {
  readonly room: string;
  readonly member: number;
  readonly device: number;
  readonly sendId: number;
  readonly body: Uint8Array;
  readonly control?: ControlHead;
}

function headerOf({ room, member, device, sendId, body, control }: Place): EventHeader {
  return {
    room,
    member,
    device,
    sendId,
    kind: EventKind.EVENT_KIND_CONTENT,
    algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
    bodySize: body.length,
    bodyHash: primitives.sha256(body),
    control,
    counts: true,
    expiryDay: 0,
    commitment: primitives.sha256(body),
  };
}

/** A message with such a body, the same bytes whenever it is made. */
export function contentEvent(place: Place): Event {
  return { header: EventHeader.encode(headerOf(place)).finish(), body: place.body };
}

/** The frame of a message with a body of random bytes: what a Submit weighs, with nothing to decrypt. */
export function submitFrame(request: number, place: Place): Uint8Array {
  const value = { room: place.room, event: contentEvent(place), person: undefined, credential: undefined, partner: '' };
  return framed(ClientFrame.encode({ request, body: { $case: 'submit', value } }).finish());
}
