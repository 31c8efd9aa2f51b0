// Requests of the crypto library, carried out on the server port and reported back to the library.
// Guarantees: a request is marked as sent only after the port resolved; one that failed is made again at the next
// flush, with the same id; no request is on its way twice at once. Does not: decide when to flush.

import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { ClientError } from '../../errors.ts';
import { Lock } from '../../lock.ts';
import type { ClaimTarget, CryptoServer, DeviceMessage, FlushReport, OneTimeKey, UserKeys } from '../engine.ts';
import type { RoomId } from '../ids.ts';
import { canonicalBytes, foreignObject, type Json, joinObject, objectOf, parseObject, utf8 } from './json.ts';

/** A request as the library makes them. */
export type LibraryRequest =
  | wasm.KeysUploadRequest
  | wasm.KeysQueryRequest
  | wasm.KeysClaimRequest
  | wasm.ToDeviceRequest
  | wasm.SignatureUploadRequest;

/** The library's machine and the lock under which alone it may be changed: its saves race each other otherwise. */
export interface Machine {
  readonly olm: wasm.OlmMachine;
  readonly lock: Lock;
}

/** Who hears of requests. */
export interface RequestsTold {
  /** One more waits for a flush. */
  added(): void;
  /** One failed by a bug, not by the network or the server's word. */
  fault(error: Error): void;
}

interface Progress extends FlushReport {
  /** A device message failed: those after it wait. */
  blocked: boolean;
}

export class Requests {
  #machine: Machine;
  #server: CryptoServer;
  // Requests that the library makes only once: they wait here until they are sent.
  #waiting: LibraryRequest[] = [];
  #flushing = new Lock();
  #claiming = new Lock();
  /** Grows whenever keys of others were taken in: what was derived from devices before is out of date. */
  keysVersion = 0;

  /** Devices (as `user device`) that had no one-time key when last asked, so that nothing can be encrypted to them. */
  readonly keyless = new Set<string>();
  #told: RequestsTold;

  constructor(machine: Machine, server: CryptoServer, told: RequestsTold) {
    this.#machine = machine;
    this.#server = server;
    this.#told = told;
  }

  /** Keeps a request for the next flush, in order. */
  add(request: LibraryRequest | wasm.RoomMessageRequest | undefined): void {
    // Requests to be sent into a room belong to verifications between users, which this engine does not start.
    if (request === undefined || request instanceof wasm.RoomMessageRequest) return;
    this.#waiting.push(request);
    this.#told.added();
  }

  /** Makes all waiting requests, those of the library included. */
  flush(): Promise<FlushReport> {
    return this.#flushing.run(async () => {
      const report: Progress = { sent: 0, failed: 0, blocked: false };
      const waiting = this.#waiting.splice(0);
      const failed: LibraryRequest[] = [];
      for (const request of waiting) {
        if (!(await this.#attempt(request, report))) failed.push(request);
      }
      // In front of what was added meanwhile: steps of a verification must keep their order.
      this.#waiting.unshift(...failed);
      // Answers lead to further requests (a query to claims, a claim to secrets), so this goes on until nothing new
      // comes; what stays unanswered comes back under a new id each time and is left for the next flush.
      const asked = new Set<string>();
      for (;;) {
        const requests = (await this.#machine.lock.run(() => this.#machine.olm.outgoingRequests())).filter(isOurs);
        const fresh = requests.filter((request) => !asked.has(question(request)));
        if (fresh.length === 0) return reportOf(report);
        for (const request of fresh) {
          asked.add(question(request));
          await this.#attempt(request, report);
        }
      }
    });
  }

  /** Makes only the key queries that wait; failures are left for the next flush. */
  flushQueries(room?: RoomId): Promise<void> {
    return this.#flushing.run(async () => {
      const report: Progress = { sent: 0, failed: 0, blocked: false };
      const requests = await this.#machine.lock.run(() => this.#machine.olm.outgoingRequests());
      for (const request of requests) {
        if (request instanceof wasm.KeysQueryRequest) await this.#attempt(request, report, room);
      }
    });
  }

  /** Claims one-time keys for every device of these users with which there is no session yet. */
  claim(users: readonly string[], room?: RoomId): Promise<void> {
    return this.#claiming.run(async () => {
      const ids = users.map((user) => new wasm.UserId(user));
      const request = await this.#machine.lock.run(() => this.#machine.olm.getMissingSessions(ids));
      if (request) await this.perform(request, room);
    });
  }

  /** Makes one request and tells the library. Rejects with what the server port threw. */
  async perform(request: LibraryRequest, room?: RoomId): Promise<void> {
    const answer = await this.#send(request, room);
    const { id } = request;
    await this.#machine.lock.run(async () => {
      if (id !== undefined) await this.#machine.olm.markRequestAsSent(id, request.type, answer);
    });
    if (request instanceof wasm.KeysQueryRequest) this.keysVersion += 1;
  }

  async #attempt(request: LibraryRequest, report: Progress, room?: RoomId): Promise<boolean> {
    // Device messages build on each other: none may overtake one that failed.
    if (request instanceof wasm.ToDeviceRequest && report.blocked) {
      report.failed += 1;
      return false;
    }
    try {
      await this.perform(request, room);
      report.sent += 1;
      return true;
    } catch (error) {
      report.failed += 1;
      // It is made again like any other, which helps a bug little.
      if (!(error instanceof ClientError)) this.#told.fault(error instanceof Error ? error : new Error(String(error)));
      report.blocked ||= request instanceof wasm.ToDeviceRequest;
      return false;
    }
  }

  #send(request: LibraryRequest, room: RoomId | undefined): Promise<string> {
    if (request instanceof wasm.KeysUploadRequest) return this.#upload(request.body);
    if (request instanceof wasm.KeysQueryRequest) return this.#query(request.body, room);
    if (request instanceof wasm.KeysClaimRequest) return this.#claim(request.body, room);
    if (request instanceof wasm.ToDeviceRequest) return this.#deliver(request, room);
    return this.#server.uploadSignatures(utf8(request.body)).then(() => '{"failures":{}}');
  }

  async #upload(body: string): Promise<string> {
    const { device_keys, one_time_keys, fallback_keys } = parseObject(body);
    const { oneTimeKeys } = await this.#server.uploadKeys({
      ...(device_keys ? { deviceKeys: canonicalBytes(device_keys) } : {}),
      oneTimeKeys: splitKeys(one_time_keys),
      fallbackKeys: splitKeys(fallback_keys),
    });
    return JSON.stringify({ one_time_key_counts: { signed_curve25519: oneTimeKeys } });
  }

  async #query(body: string, room: RoomId | undefined): Promise<string> {
    const users = Object.keys(objectOf(parseObject(body).device_keys));
    return queryAnswer(users, await this.#server.queryKeys(users, room));
  }

  async #claim(body: string, room: RoomId | undefined): Promise<string> {
    const wanted = Object.entries(objectOf(parseObject(body).one_time_keys));
    const targets: ClaimTarget[] = wanted.flatMap(([user, devices]) =>
      Object.keys(objectOf(devices)).map((device) => ({ user, device })),
    );
    const users = new Map<string, Map<string, string>>();
    const answer = await this.#server.claimKeys(targets, room);
    for (const { user, device } of targets) this.keyless.add(`${user} ${device}`);
    for (const { user, device, keyId, bytes } of answer) {
      const key = foreignObject(bytes);
      if (key === undefined) continue;
      this.keyless.delete(`${user} ${device}`);
      const devices = users.get(user) ?? new Map();
      users.set(user, devices.set(device, joinObject([[keyId, key]])));
    }
    const keys = joinObject([...users].map(([user, devices]) => [user, joinObject(devices)] as const));
    return joinObject([
      ['one_time_keys', keys],
      ['failures', '{}'],
    ]);
  }

  async #deliver(request: wasm.ToDeviceRequest, room: RoomId | undefined): Promise<string> {
    const messages = (await Promise.all(messagesOf(request).map((message) => this.#addressed(message)))).flat();
    if (messages.length > 0) await this.#server.sendDeviceMessages(request.txn_id, messages, room);
    return '{}';
  }

  // The library writes `*` for all devices of a user but this one; the server knows only single devices.
  async #addressed(message: DeviceMessage): Promise<DeviceMessage[]> {
    if (message.device !== '*') return [message];
    const { olm } = this.#machine;
    const devices = (await olm.getUserDevices(new wasm.UserId(message.user))).keys().map((device) => device.toString());
    const self = message.user === olm.userId.toString() ? olm.deviceId.toString() : undefined;
    return devices.filter((device) => device !== self).map((device) => ({ ...message, device }));
  }
}

/** The single messages in a request for several devices. */
export function messagesOf(request: wasm.ToDeviceRequest): DeviceMessage[] {
  const users = Object.entries(objectOf(parseObject(request.body).messages));
  return users.flatMap(([user, devices]) =>
    Object.entries(objectOf(devices)).map(([device, content]) => {
      return { user, device, type: request.event_type, bytes: utf8(JSON.stringify(content)) };
    }),
  );
}

type Outgoing = Awaited<ReturnType<wasm.OlmMachine['outgoingRequests']>>[number];

function isOurs(request: Outgoing): request is Exclude<Outgoing, wasm.KeysBackupRequest | wasm.RoomMessageRequest> {
  // Backup requests of the library's own, unauthenticated format never leave the device (see `backup.ts`); room requests see `add`.
  return !(request instanceof wasm.KeysBackupRequest) && !(request instanceof wasm.RoomMessageRequest);
}

function reportOf({ blocked: _, ...report }: Progress): FlushReport {
  return report;
}

// An upload is asked for once, whatever it holds: the server may refuse it for ever. Queries and claims come back under a new id each time while they are
// not answered, so what they ask for tells them apart.
function question(request: LibraryRequest): string {
  if (request instanceof wasm.KeysUploadRequest) return 'upload';
  const isRepeated = request instanceof wasm.KeysQueryRequest || request instanceof wasm.KeysClaimRequest;
  return isRepeated ? request.body : String(request.id);
}

function splitKeys(keys: Json | undefined): OneTimeKey[] {
  return Object.entries(objectOf(keys)).map(([keyId, key]) => ({ keyId, bytes: canonicalBytes(key) }));
}

function queryAnswer(asked: readonly string[], answer: readonly UserKeys[]): string {
  const byUser = new Map(answer.map((keys) => [keys.user, keys]));
  const of = (pick: (keys: UserKeys) => Uint8Array | undefined) =>
    joinObject(
      [...byUser].flatMap(([user, keys]) => {
        const bytes = pick(keys);
        const text = bytes && foreignObject(bytes);
        return text === undefined ? [] : [[user, text] as const];
      }),
    );
  const unreachable = new Set(
    asked.filter((user) => !byUser.has(user)).map((user) => user.slice(user.indexOf(':') + 1)),
  );
  return joinObject([
    ['device_keys', joinObject([...byUser].map(([user, keys]) => [user, joinObject(devicesOf(user, keys))] as const))],
    ['master_keys', of((keys) => keys.masterKey)],
    ['self_signing_keys', of((keys) => keys.selfSigningKey)],
    ['user_signing_keys', of((keys) => keys.userSigningKey)],
    ['failures', joinObject([...unreachable].map((provider) => [provider, '{}'] as const))],
  ]);
}

function devicesOf(user: string, keys: UserKeys): (readonly [string, string])[] {
  return keys.deviceKeys.flatMap((bytes) => {
    const text = foreignObject(bytes);
    if (text === undefined) return [];
    const { user_id, device_id } = parseObject(text);
    return user_id === user && typeof device_id === 'string' ? [[device_id, text] as const] : [];
  });
}
