// Device messages coming in: known ones recognised, each put into its lane as one entry. A full lane refuses the sender and tells the device that
// it misses something; it never pushes another sender's entries out.
import type { AddressedDeviceMessage, Undelivered } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { appendInLane } from './lane.ts';
import { userLimits } from './limits.ts';
import type { Sending } from './state/senders.ts';
import type { Turn } from './turn.ts';

/** One message with its position in the request. */
export interface Indexed {
  readonly index: number;
  readonly message: AddressedDeviceMessage;
}

/** Stores what can be stored; returns what was not, with why. A message that came before counts as stored. */
export function deposit(turn: Turn, sending: Sending, messages: readonly Indexed[]): Undelivered[] {
  const undelivered: Undelivered[] = [];
  for (const { index, message } of messages) {
    const code = store(turn, sending, message);
    const retryAfterMs = code === Rejection.REJECTION_LANE_FULL ? userLimits.retryAfterMs : 0;
    if (code !== null) undelivered.push({ index, code, retryAfterMs });
  }
  return undelivered;
}

/** What is wrong with a message, whoever it is for: TOO_LARGE or BAD_REQUEST; null = nothing. */
export function fault({ type, content, id }: AddressedDeviceMessage): Rejection | null {
  if (content.length > limits.deviceMessageBytesMax) return Rejection.REJECTION_TOO_LARGE;
  const characters = [...type].length;
  const fits =
    characters >= 1 &&
    characters <= limits.deviceMessageTypeCharactersMax &&
    id.length >= 1 &&
    id.length <= limits.deviceMessageIdBytesMax;
  return fits ? null : Rejection.REJECTION_BAD_REQUEST;
}

function store(turn: Turn, sending: Sending, message: AddressedDeviceMessage): Rejection | null {
  const { account } = turn;
  const { sender, senderDevice } = sending;
  const { device, type, content, id } = message;
  const receivers =
    device === 0
      ? [...account.devices.values()].filter(({ number }) => sender !== account.user || number !== senderDevice)
      : [...account.devices.values()].filter(({ number }) => number === device);
  // To all of one's other devices, and there is none.
  if (receivers.length === 0 && device === 0 && account.devices.size > 0) return null;
  if (receivers.length === 0) return Rejection.REJECTION_NOT_FOUND;
  // As if it lay there and nobody came for it.
  if (account.blocks.isBlocked(sender)) return null;
  if (account.senders.knows(sending, device, id)) return null;
  const body = { $case: 'deviceMessage', value: { sender, senderDevice, type, content, id } } as const;
  return appendInLane(turn, receivers, { to: { device, lane: sender }, body }) ? null : Rejection.REJECTION_LANE_FULL;
}
