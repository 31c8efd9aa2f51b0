// A batch of the inbox, handed to the crypto library: room keys, verification, secrets, and private messages of ours.
// Guarantees: when it resolves everything is saved, so the batch may be acknowledged; one bad entry spoils no other.
// Does not: answer. What the library wants to send afterwards waits for the next flush.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import type { InboxMessage, PrivateMessage, Received, ReceiveReport } from '../engine.ts';
import type { RoomId, RoomKey, UserId } from '../ids.ts';
import { foreignObject, type JsonObject, joinObject, objectOf, parseObject } from './json.ts';
import type { Machine } from './requests.ts';
import { requestType, type Verifications } from './verification.ts';

/** What this needs of the engine around it. */
export interface InboxContext {
  machine: Machine;
  verifications: Verifications;
  /** Fetches a user's keys now. */
  fetch(user: UserId): Promise<void>;
  /** A session of this room came from its maker, from the device of this Curve25519 key (base64). */
  heard(user: UserId, room: RoomId, key: string): void;
}

/** See `CryptoEngine.receive`. */
export async function receive(context: InboxContext, received: Received): Promise<ReceiveReport> {
  const { machine, verifications } = context;
  const events = received.messages.flatMap(readEntry);
  await meetStrangers(context, events);
  return machine.lock.run(async () => {
    const lists = new wasm.DeviceLists(
      (received.changedUsers ?? []).map(userId),
      (received.leftUsers ?? []).map(userId),
    );
    const processed = await machine.olm.receiveSyncChangesMsc4186(
      `[${events.map(({ json }) => json).join(',')}]`,
      lists,
      new Map(received.oneTimeKeys === undefined ? [] : [['signed_curve25519', received.oneTimeKeys]]),
      received.unusedFallback === undefined ? undefined : new Set(received.unusedFallback),
      new wasm.DecryptionSettings(wasm.TrustRequirement.CrossSigned),
    );
    const dropped = received.messages.length - events.length;
    const report: ReceiveReport = { roomKeys: [], messages: [], dropped, undecrypted: [] };
    for (const event of processed) sort(context, event, report);
    for (const { message, content } of events) {
      if (message.type === requestType) verifications.noticed(message.sender, content);
    }
    await verifications.advance();
    return report;
  });
}

interface Entry {
  message: InboxMessage;
  content: string;
  json: string;
}

function readEntry(message: InboxMessage): Entry[] {
  const content = foreignObject(message.bytes);
  if (content === undefined) return [];
  const json = joinObject([
    ['sender', JSON.stringify(message.sender)],
    ['type', JSON.stringify(message.type)],
    ['content', content],
  ]);
  return [{ message, content, json }];
}

// The library forgets a verification request of a device that it does not know; a new device often asks at once.
async function meetStrangers({ machine, fetch }: InboxContext, events: readonly Entry[]): Promise<void> {
  const self = machine.olm.userId.toString();
  for (const { message, content } of events) {
    if (message.type !== requestType || message.sender !== self) continue;
    const device = parseObject(content).from_device;
    if (typeof device !== 'string') continue;
    if ((await machine.olm.getDevice(userId(self), new wasm.DeviceId(device))) === undefined) await fetch(self);
  }
}

type Processed = Awaited<ReturnType<wasm.OlmMachine['receiveSyncChanges']>>[number];

function sort({ heard }: InboxContext, event: Processed, report: ReceiveReport): void {
  if (event instanceof wasm.UTDToDeviceEvent || event instanceof wasm.InvalidToDeviceEvent) report.dropped += 1;
  if (event instanceof wasm.UTDToDeviceEvent) report.undecrypted.push(String(parseObject(event.rawEvent).sender));
  if (!(event instanceof wasm.DecryptedToDeviceEvent)) return;
  const { type, content } = parseObject(event.rawEvent);
  const inside = objectOf(content);
  if (type === 'm.room_key' || type === 'm.forwarded_room_key') {
    const key = roomKeyIn(inside);
    if (key) report.roomKeys.push(key);
    const { sender, senderCurve25519Key } = event.encryptionInfo;
    if (key && type === 'm.room_key') heard(sender.toString(), key.room, senderCurve25519Key);
  } else if (typeof type === 'string' && !type.startsWith('m.')) {
    report.messages.push(privateMessage(type, inside, event.encryptionInfo));
  }
}

function roomKeyIn({ room_id, session_id }: JsonObject): RoomKey | undefined {
  if (typeof room_id !== 'string' || typeof session_id !== 'string') return undefined;
  return { room: room_id, sessionId: session_id };
}

function privateMessage(type: string, content: JsonObject, info: wasm.ToDeviceEncryptionInfo): PrivateMessage {
  return { sender: info.sender.toString(), device: info.senderDevice?.toString(), type, content };
}

function userId(user: string): wasm.UserId {
  return new wasm.UserId(user);
}
