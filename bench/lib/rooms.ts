// Founds groups and makes their messages: genesis, invitations, acceptances, content. The founder keeps the chain by itself and asks nobody, so a
// room of n costs 2n - 1 submits and no reads.
import { ClientFrame } from '#proto/gen/client.ts';
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
    const { identity } = seat;
    const signed = ControlBody.encode({
      ...ControlBody.decode(noBytes),
      room,
      number: control.number + 1,
      previousHash: control.hash,
      actor,
      device: identity.deviceNumber,
      deviceKey: identity.deviceKey,
      signedMs: Date.now(),
      ...(brings ? { person: brings.commitment } : {}),
      ...wish,
    }).finish();
    const entry = { signed, signature: identity.sign(controlTextToSign(signed, primitives)) };
    control = { number: control.number + 1, hash: controlHash(signed, primitives) };
    room ||= groupRoomId(control.hash, provider);
    const body = ControlEntry.encode(entry).finish();
    const header = headerOf({ room, member: actor, device: identity.deviceNumber, sendId, body });
    const event = { header: EventHeader.encode({ ...header, ...plain }).finish(), body };
    const person = brings?.person(wish.target ?? 0);
    const value = { room, event, person, credential: identity.credential(actor), partner: '' };
    await seat.client.ask({ $case: 'submit', value }, 'accepted');
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
