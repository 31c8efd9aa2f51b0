// Who made a session: what the ledger says of those that were taken in, what the library knows of those that came from their senders.
// Guarantees: a sender is named only where an own device verified it, here or where the session was backed up. Does not: decrypt.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoLedger } from '../engine.ts';
import type { RoomId, RoomKey, UserId } from '../ids.ts';
import type { SessionOrigin, SessionOwner } from '../keeping.ts';
import type { Machine, Requests } from './requests.ts';
import { identityState, keyBytes } from './trust.ts';

/** Sessions remembered as kept; when there are more, all are looked up again. */
const keptMax = 10_000;
/** People remembered for having sent sessions, and devices of theirs that are not met yet; when there are more, the oldest is forgotten. */
export const makersMax = 10_000;

/** A session with the Curve25519 key (base64) of the device that is said to have made it. */
export interface ClaimedSession extends RoomKey {
  senderKey: string;
}

/** The cross-signed device of `user` with this Curve25519 key, as known now. */
export async function deviceWithKey(olm: wasm.OlmMachine, user: UserId, key: string): Promise<string | undefined> {
  const devices = (await olm.getUserDevices(new wasm.UserId(user))).devices();
  const device = devices.find((one) => one.isCrossSignedByOwner() && one.curve25519Key?.toBase64() === key);
  return device?.deviceId.toString();
}

/** Finds the owners of sessions. Devices of all users who are followed or sent a session are looked through once, and again when keys changed. */
export class Owners {
  #machine: Machine;
  #requests: Requests;
  #ledger: CryptoLedger;
  #kept = new Set<string>();
  /** Who sent sessions since this device was opened, with a room that one shares with them. */
  #makers = new Map<UserId, RoomId>();
  /** Those of them whose keys were not looked at for it yet, with the key of the device that it was. */
  #unmet = new Map<string, UserId>();
  #known: { version: number; byKey: Map<string, SessionOwner> } | undefined;

  constructor(machine: Machine, requests: Requests, ledger: CryptoLedger) {
    this.#machine = machine;
    this.#requests = requests;
    this.#ledger = ledger;
  }

  /** A session of this room came from its maker, from the device of this Curve25519 key (base64). */
  heard(user: UserId, room: RoomId, key: string): void {
    if (!this.#makers.has(user)) {
      const [oldest] = this.#makers.keys();
      if (oldest !== undefined && this.#makers.size >= makersMax) this.#makers.delete(oldest);
      this.#makers.set(user, room);
      this.#known = undefined;
    }
    if (this.#known?.byKey.get(key)?.user === user) return;
    // Where nothing is backed up nobody is met.
    const [first] = this.#unmet.keys();
    if (first !== undefined && this.#unmet.size >= makersMax && !this.#unmet.has(key)) this.#unmet.delete(first);
    this.#unmet.set(key, user);
  }

  /** Fetches the keys of makers who, or whose device, is not known: a session may be sealed before anything that was said under it was read. Not under the
   * machine's lock. Rejects with what the server port threw. */
  async meet(): Promise<void> {
    const { olm } = this.#machine;
    for (const [key, user] of [...this.#unmet]) {
      if ((await deviceWithKey(olm, user, key)) === undefined)
        await this.#requests.perform(olm.queryKeysForUsers([new wasm.UserId(user)]), this.#makers.get(user));
      this.#unmet.delete(key);
    }
  }

  /** The verified owner of each session, in order; undefined where there is none. Must run under the machine's lock. */
  async of(sessions: readonly ClaimedSession[]): Promise<(SessionOwner | undefined)[]> {
    const origins = await Promise.all(sessions.map((one) => this.#ledger.sessionOrigin(one.room, one.sessionId)));
    const unproven = origins.some((origin) => origin !== undefined && origin.sender === undefined);
    const imported = unproven ? await this.#imported() : new Set<string>();
    const byKey = await this.#verified();
    return sessions.map((session, at) => {
      const sender = origins[at]?.sender;
      if (sender !== undefined) return toBase64(sender.key) === session.senderKey ? sender : undefined;
      // A key file may hold what had come from its sender already: then that counts.
      return imported.has(`${session.room} ${session.sessionId}`) ? undefined : byKey.get(session.senderKey);
    });
  }

  /** Notes where sessions come from before they are taken in. A verified origin stays. */
  async note(origins: readonly SessionOrigin[]): Promise<void> {
    const before = await Promise.all(origins.map((one) => this.#ledger.sessionOrigin(one.room, one.sessionId)));
    const fresh = origins.filter(({ sender }, at) => {
      const known = before[at];
      return known === undefined || (known.sender === undefined && sender !== undefined);
    });
    // Of several copies of a session one may name nobody.
    const ordered = [...fresh].sort((a, b) => Number(a.sender !== undefined) - Number(b.sender !== undefined));
    await this.#ledger.setSessionOrigins(ordered.map(({ room, sessionId, sender }) => ({ room, sessionId, sender })));
  }

  /** Keeps who made a session, once it was proven here: the device may be gone when the session is backed up. */
  async keep(origin: SessionOrigin): Promise<void> {
    const name = `${origin.room} ${origin.sessionId}`;
    if (this.#kept.has(name)) return;
    const before = await this.#ledger.sessionOrigin(origin.room, origin.sessionId);
    if (before?.sender === undefined) await this.#ledger.setSessionOrigins([origin]);
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.add(name);
  }

  async #imported(): Promise<Set<string>> {
    const imported = new Set<string>();
    await this.#machine.olm.exportRoomKeys((session) => {
      if (session.hasBeenImported()) imported.add(`${session.roomId.toString()} ${session.sessionId}`);
      return false;
    });
    return imported;
  }

  async #verified(): Promise<ReadonlyMap<string, SessionOwner>> {
    const version = this.#requests.keysVersion;
    if (this.#known?.version === version) return this.#known.byKey;
    const { olm } = this.#machine;
    const byKey = new Map<string, SessionOwner>();
    const followed = [...(await olm.trackedUsers())].map((id) => id.toString());
    for (const user of new Set([...followed, ...this.#makers.keys()])) {
      if ((await identityState(olm, user))?.changed !== false) continue;
      for (const device of (await olm.getUserDevices(new wasm.UserId(user))).devices()) {
        const key = device.curve25519Key?.toBase64();
        if (key === undefined || !device.isCrossSignedByOwner()) continue;
        byKey.set(key, { user, device: device.deviceId.toString(), key: keyBytes(key) });
      }
    }
    this.#known = { version, byKey };
    return byKey;
  }
}
