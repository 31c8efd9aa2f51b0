// Encrypting for a room: who may have the room key, bringing it to them, and the message itself, under one lock a room.
// Guarantees: before a message is encrypted every listed, cross-signed device was sent the key; nobody else was; a
// session ends at the rotation's bounds and whenever a device drops out. Does not: know who is a member.
// Past its own bounds the library does not refuse, it panics and takes the process along. So it is given its widest
// bounds, and the narrower ones of the caller are kept here, from the index in each ciphertext.

import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { ClientError } from '../../errors.ts';
import { NamedLocks } from '../../lock.ts';
import type { CryptoLedger, Encrypted, EncryptRequest, Exclusion, Recipient, SessionBegan } from '../engine.ts';
import type { RoomId } from '../ids.ts';
import { bodyStep, plaintextField, type Step } from './decryption.ts';
import { utf8 } from './json.ts';
import { type Machine, messagesOf, type Requests } from './requests.ts';
import { judge, type Verdict } from './trust.ts';

/** Most messages under one session; the library's own bound. */
export const sessionMessagesMax = 10_000;

// Longer than any device lives; in microseconds, as the library counts.
const libraryAge = 100n * 365n * 86_400n * 1_000_000n;
// A device without one-time keys gets the room key as soon as it brings new ones; the library itself waits 15 s or more.
const againMs = 30_000;
const roomAlgorithm = 'm.megolm.v1.aes-sha2';
const messageType = 'luxchat.message';

/** What is known of a room's sending session since this engine was opened. */
interface SendingSession {
  recipients: readonly Recipient[];
  keysVersion: number;
  /** Devices that may have the key, as `user device`. */
  shared: ReadonlySet<string>;
  excluded: readonly Exclusion[];
  /** Messages under this session so far; undefined before the first since opening. */
  used: number | undefined;
  began: SessionBegan | undefined;
  /** When to try again for devices that had no one-time key; Infinity if there are none. */
  againAtMs: number;
}

export class Sharing {
  #machine: Machine;
  #requests: Requests;
  #ledger: CryptoLedger;
  #now: () => number;
  #rooms = new Map<RoomId, SendingSession>();
  #locks = new NamedLocks();

  constructor(machine: Machine, requests: Requests, ledger: CryptoLedger, now: () => number) {
    this.#machine = machine;
    this.#requests = requests;
    this.#ledger = ledger;
    this.#now = now;
  }

  /** See `CryptoEngine.encrypt`; that this device is confirmed is checked by the caller. */
  encrypt(request: EncryptRequest): Promise<Encrypted> {
    const { messages, ageMs } = request.rotation;
    if (!(messages >= 1 && messages <= sessionMessagesMax) || !(ageMs >= 1)) {
      return Promise.reject(new ClientError('BAD_ARGUMENT', `Rotation after ${messages} messages or ${ageMs} ms`));
    }
    return this.#locks.run(request.room, () => this.#encryptAlone(request));
  }

  /** See `CryptoEngine.rotate`. */
  rotate(room: RoomId): Promise<void> {
    return this.#locks.run(room, () => this.#end(room));
  }

  async #encryptAlone(request: EncryptRequest): Promise<Encrypted> {
    const { room } = request;
    for (;;) {
      const session = await this.#readySession(request);
      const startedMs = this.#now();
      const body = await this.#encryptOnce(room, request.plaintext);
      const step = bodyStep(body);
      if (step === undefined) throw new Error('The crypto library encrypted into an unknown form');
      session.used = step.index + 1;
      if (await this.#within(session, step, startedMs, request)) {
        return { algorithm: roomAlgorithm, body, ...step, excluded: session.excluded };
      }
      await this.#end(room);
    }
  }

  // After opening, only the first message shows which session the room has and how far it is: one past its bounds, or
  // of unknown age, is thrown away and a new session begun. An unknown session at index 0 is new, or was never used.
  async #within(
    session: SendingSession,
    step: Step,
    startedMs: number,
    { room, rotation, audience }: EncryptRequest,
  ): Promise<boolean> {
    if (session.began?.sessionId === step.sessionId) {
      return step.index < rotation.messages && !this.#tooOld(session, rotation.ageMs);
    }
    if (step.index > 0) return false;
    session.began = { sessionId: step.sessionId, atMs: startedMs, ...(audience ? { audience } : {}) };
    await this.#ledger.setSessionBegan(room, session.began);
    return true;
  }

  async #encryptOnce(room: RoomId, plaintext: Uint8Array): Promise<Uint8Array> {
    const content = JSON.stringify({ [plaintextField]: toBase64(plaintext) });
    const encrypt = () => this.#machine.olm.encryptRoomEvent(new wasm.RoomId(room), messageType, content);
    return utf8(await this.#machine.lock.run(encrypt));
  }

  /** The room's session after whatever sharing is due; it is good for at least one message more. */
  async #readySession(request: EncryptRequest): Promise<SendingSession> {
    const { room, rotation } = request;
    const known = this.#rooms.get(room);
    const spent = known?.used !== undefined && known.used >= rotation.messages;
    if (spent || (known && this.#tooOld(known, rotation.ageMs))) await this.#end(room);
    const session = this.#rooms.get(room);
    const current =
      session?.used !== undefined &&
      session.keysVersion === this.#requests.keysVersion &&
      this.#now() < session.againAtMs &&
      (session.recipients === request.recipients || sameRecipients(session.recipients, request.recipients));
    return current ? session : this.#share(request);
  }

  async #share({ room, recipients }: EncryptRequest): Promise<SendingSession> {
    const users = [...new Set(recipients.map(({ user }) => user))];
    await this.#machine.lock.run(() => this.#machine.olm.updateTrackedUsers(users.map(userId)));
    await this.#requests.flushQueries(room);
    await this.#requests.claim(users, room);
    const before = this.#rooms.get(room);
    // If anything below fails, the session must not pass for ready: the library panics on one that was never shared.
    if (before) before.used = undefined;
    const { keysVersion } = this.#requests;
    const { verdict, requests } = await this.#machine.lock.run(async () => {
      const verdict = await judge(this.#machine.olm, recipients);
      const dropped = [...(before?.shared ?? [])].some((device) => !verdict.allowed.has(device));
      if (dropped) await this.#machine.olm.invalidateGroupSession(new wasm.RoomId(room));
      const requests = await this.#machine.olm.shareRoomKey(new wasm.RoomId(room), users.map(userId), settings());
      return { verdict, requests };
    });
    const reached = await this.#checkTargets(room, requests, verdict);
    for (const request of requests) await this.#requests.perform(request, room);
    // A session can also have come from the other side, without any key claimed.
    for (const device of reached) this.#requests.keyless.delete(device);
    const unreached = [...verdict.allowed].filter((device) => this.#requests.keyless.has(device));
    const session: SendingSession = {
      recipients,
      keysVersion,
      shared: verdict.allowed,
      excluded: [...verdict.excluded, ...unreached.map(withoutSession)],
      used: undefined,
      began: before?.began ?? (await this.#ledger.sessionBegan(room)),
      againAtMs: unreached.length > 0 ? this.#now() + againMs : Number.POSITIVE_INFINITY,
    };
    this.#rooms.set(room, session);
    return session;
  }

  // The library chose by the trust that was set a moment ago; a key on its way to anybody else is a bug, stopped here.
  async #checkTargets(room: RoomId, requests: readonly wasm.ToDeviceRequest[], verdict: Verdict): Promise<string[]> {
    const keyed = requests.filter((request) => request.event_type === 'm.room.encrypted').flatMap(messagesOf);
    const targets = keyed.map(({ user, device }) => `${user} ${device}`);
    const stray = targets.find((device) => !verdict.allowed.has(device));
    if (stray === undefined) return targets;
    await this.#end(room);
    throw new Error(`The room key would have gone to ${stray}, which may not have it`);
  }

  async #end(room: RoomId): Promise<void> {
    await this.#machine.lock.run(() => this.#machine.olm.invalidateGroupSession(new wasm.RoomId(room)));
    this.#rooms.delete(room);
  }

  #tooOld({ began }: SendingSession, ageMs: number): boolean {
    return began !== undefined && this.#now() - began.atMs >= ageMs;
  }
}

function settings(): wasm.EncryptionSettings {
  const settings = new wasm.EncryptionSettings();
  // Not `identityBasedStrategy`: it would give the key to every cross-signed device, listed or not. With this one a
  // device gets it only if `judge` marked it, so a device that appears meanwhile gets nothing.
  settings.sharingStrategy = wasm.CollectStrategy.onlyTrustedDevices();
  settings.rotationPeriodMessages = BigInt(sessionMessagesMax);
  settings.rotationPeriod = libraryAge;
  return settings;
}

function withoutSession(name: string): Exclusion {
  const [user = '', device = ''] = name.split(' ');
  return { user, device, reason: 'NO_SESSION' };
}

function userId(user: string): wasm.UserId {
  return new wasm.UserId(user);
}

function sameRecipients(a: readonly Recipient[], b: readonly Recipient[]): boolean {
  return a.length === b.length && JSON.stringify(a) === JSON.stringify(b);
}
