// CryptoEngine over the audited Olm and Megolm of matrix-sdk-crypto-wasm, used without a homeserver. In browsers its
// store is IndexedDB itself; in Node the same, standing on `node/crypto-store.ts`; without a store it lives in memory.
// This file wires the parts: requests, sharing, decryption, verification, identity. Rules live there.

import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import type { Grant } from '#proto/gen/client.ts';
import { Emitter } from '../emitter.ts';
import { ClientError, unlessBug } from '../errors.ts';
import { Lock } from '../lock.ts';
import type * as e from './engine.ts';
import type { DeviceId, RoomId, RoomKey, UserId } from './ids.ts';
import type * as k from './keeping.ts';
import { SessionBackup } from './olm/backup.ts';
import { decrypt } from './olm/decryption.ts';
import { giveSessions, takeSessions } from './olm/giving.ts';
import {
  certificate,
  createIdentity,
  exportIdentity,
  importIdentity,
  isConfirmed,
  ownKeys,
  replaceIdentity,
  sign,
} from './olm/identity.ts';
import { receive } from './olm/inbox.ts';
import { exportKeys, importKeys } from './olm/key-file.ts';
import { deviceWithKey, Owners } from './olm/origins.ts';
import { type Machine, Requests } from './olm/requests.ts';
import { seal } from './olm/seal.ts';
import { renewSelfSigning } from './olm/self-signing.ts';
import { Sharing } from './olm/sharing.ts';
import { approveIdentity, identityState, keyBytes, trustSignaturesAlone } from './olm/trust.ts';
import { Verifications } from './olm/verification.ts';

/** How to open an engine. */
export interface EngineOptions {
  user: UserId;
  device: DeviceId;
  server: e.CryptoServer;
  ledger: e.CryptoLedger;
  /** Where the library keeps its state: an IndexedDB name and the 32 bytes that encrypt it. Undefined: in memory only. */
  store?: { name: string; key: Uint8Array };
  /** Epoch milliseconds; default the system's clock. Only ages of sessions are measured by it. */
  now?: () => number;
}

/** Opens the engine of a device, creating its keys on first use. Rejects with ClientError STORE if the store cannot be
 * opened (wrong key, damaged, other device's), BAD_ARGUMENT if an id is not shaped as the library needs. */
export async function openEngine(options: EngineOptions): Promise<e.CryptoEngine> {
  await wasm.initAsync();
  const [user, device] = ids(options);
  let olm: wasm.OlmMachine;
  let handle: wasm.StoreHandle | undefined;
  try {
    const { store } = options;
    handle = await (store
      ? wasm.StoreHandle.openWithKey(store.name, store.key, quiet)
      : wasm.StoreHandle.open(null, null, quiet));
    olm = await wasm.OlmMachine.initFromStore(user, device, handle, quiet);
    // The library would give any room key to any own cross-signed device that asks, listed or not; and what it gives
    // lost the proof of its sender, so that strict decryption refuses it. Both ways stay shut.
    olm.roomKeyForwardingEnabled = false;
    olm.roomKeyRequestsEnabled = false;
  } catch (cause) {
    throw new ClientError('STORE', `The crypto store of ${options.user} ${options.device} cannot be opened`, { cause });
  } finally {
    // It holds the databases open beside the machine, and after its end.
    handle?.free();
  }
  return new OlmEngine({ olm, lock: new Lock() }, options);
}

class OlmEngine implements e.CryptoEngine {
  readonly user: UserId;
  readonly device: DeviceId;
  #machine: Machine;
  #server: e.CryptoServer;
  #ledger: e.CryptoLedger;
  #events = new Emitter<e.EngineEvents>();
  #requests: Requests;
  #sharing: Sharing;
  #verifications: Verifications;
  #owners: Owners;
  #backup: SessionBackup;
  #closed = false;
  #underWay = new Set<Promise<unknown>>();

  constructor(machine: Machine, { user, device, server, ledger, now = Date.now }: EngineOptions) {
    this.user = user;
    this.device = device;
    this.#machine = machine;
    this.#server = server;
    this.#ledger = ledger;
    this.#requests = new Requests(machine, server, {
      added: () => this.#events.emit('flushNeeded', undefined),
      fault: (error) => this.#events.emit('fault', error),
    });
    this.#owners = new Owners(machine, this.#requests, ledger);
    this.#backup = new SessionBackup(machine, this.#owners);
    this.#sharing = new Sharing(machine, this.#requests, ledger, now);
    this.#verifications = new Verifications(machine, this.#requests, (state) =>
      this.#events.emit('verification', state),
    );
    machine.olm.registerRoomKeyUpdatedCallback(async (keys) => {
      const arrived = keys.map(({ roomId, sessionId }) => ({ room: roomId.toString(), sessionId }));
      if (!this.#closed) this.#events.emit('roomKeys', arrived);
    });
  }

  on<Name extends keyof e.EngineEvents>(name: Name, listener: (value: e.EngineEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  createIdentity(): Promise<void> {
    return this.#run(async () => {
      await createIdentity(this.#machine, this.#requests, this.#server);
      await this.#fetch([this.user]);
    });
  }

  replaceIdentity(grant: Grant): Promise<void> {
    return this.#run(async () => {
      const upload = (keys: e.CrossSigningKeys) => this.#server.uploadCrossSigning(keys, grant);
      await replaceIdentity(this.#machine, this.#requests, upload).catch(async (error) => {
        // The library sees that another identity is published, and lets go of the one that it made. Where nothing can be fetched now, the next start looks.
        await this.#fetch([this.user]).catch(unlessBug);
        throw error;
      });
      await this.#fetch([this.user]);
    });
  }

  confirmed(): Promise<boolean> {
    return this.#run(() => isConfirmed(this.#machine));
  }

  holdsIdentity(): Promise<boolean> {
    return this.#run(async () => {
      const { hasMaster, hasSelfSigning, hasUserSigning } = await this.#machine.olm.crossSigningStatus();
      return hasMaster && hasSelfSigning && hasUserSigning;
    });
  }

  exportIdentity(): Promise<k.IdentitySeeds | undefined> {
    return this.#run(() => exportIdentity(this.#machine));
  }

  importIdentity(seeds: k.IdentitySeeds): Promise<void> {
    return this.#run(async () => {
      await this.#fetch([this.user]);
      await importIdentity(this.#machine, this.#requests, seeds);
      await this.#fetch([this.user]);
    });
  }

  renewSelfSigning(renewal: k.SelfSigningRenewal): Promise<void> {
    return this.#run(async () => {
      const fetch = () => this.#fetch([this.user]);
      const ports = { requests: this.#requests, server: this.#server, fetch };
      await renewSelfSigning(this.#machine, ports, renewal);
      await fetch();
    });
  }

  askForIdentity(): Promise<void> {
    return this.#run(async () => {
      const { olm, lock } = this.#machine;
      const asks = await lock.run(async () => {
        await trustSignaturesAlone(olm);
        return olm.requestMissingSecretsIfNeeded();
      });
      if (asks) this.#events.emit('flushNeeded', undefined);
    });
  }

  ownKeys(): Promise<e.OwnDeviceKeys> {
    return this.#run(() => ownKeys(this.#machine));
  }

  certificate(): Promise<e.Certificate> {
    return this.#run(() => certificate(this.#machine));
  }

  sign(text: string): Promise<Uint8Array> {
    return this.#run(() => sign(this.#machine, text));
  }

  receive(received: e.Received): Promise<e.ReceiveReport> {
    return this.#run(async () => {
      const fetch = (user: UserId) => this.#fetch([user]);
      const heard = (...made: Parameters<Owners['heard']>) => this.#owners.heard(...made);
      const context = { machine: this.#machine, verifications: this.#verifications, fetch, heard };
      const report = await receive(context, received);
      this.#events.emit('flushNeeded', undefined);
      return report;
    });
  }

  flush(): Promise<e.FlushReport> {
    return this.#run(async () => {
      const report = await this.#requests.flush();
      await this.#machine.lock.run(() => this.#verifications.advance());
      return report;
    });
  }

  track(users: readonly UserId[]): Promise<void> {
    return this.#run(async () => {
      await this.#machine.lock.run(() =>
        this.#machine.olm.updateTrackedUsers(users.map((user) => new wasm.UserId(user))),
      );
      await this.#requests.flushQueries();
    });
  }

  refresh(users: readonly UserId[], room?: RoomId): Promise<void> {
    return this.#run(() => this.#fetch(users, room));
  }

  devices(user: UserId): Promise<e.DeviceState[]> {
    return this.#run(async () => {
      const devices = (await this.#machine.olm.getUserDevices(new wasm.UserId(user))).devices();
      return devices.map((device) => {
        const [ed25519, curve25519] = [device.ed25519Key, device.curve25519Key].map(
          (key) => key && keyBytes(key.toBase64()),
        );
        return { device: device.deviceId.toString(), ed25519, curve25519, crossSigned: device.isCrossSignedByOwner() };
      });
    });
  }

  identity(user: UserId): Promise<e.IdentityState | undefined> {
    return this.#run(() => identityState(this.#machine.olm, user));
  }

  approveIdentity(user: UserId, masterKey: Uint8Array): Promise<boolean> {
    return this.#run(() =>
      this.#machine.lock.run(async () => {
        const approval = await approveIdentity(this.#machine.olm, user, masterKey);
        if (approval === 'approved') this.#requests.keysVersion += 1;
        return approval !== 'another';
      }),
    );
  }

  encrypt(request: e.EncryptRequest): Promise<e.Encrypted> {
    return this.#run(async () => {
      await this.#requireConfirmed();
      return this.#sharing.encrypt(request);
    });
  }

  decrypt(request: e.DecryptRequest): Promise<e.Decrypted | e.DecryptFailure> {
    return this.#run(async () => {
      const { olm } = this.#machine;
      const identity = (user: string) => identityState(olm, user);
      const context = {
        olm,
        ledger: this.#ledger,
        identity,
        deviceWithKey: (user: string, key: string) => deviceWithKey(olm, user, key),
        keep: (origin: k.SessionOrigin) => this.#owners.keep(origin),
      };
      return decrypt(context, request);
    });
  }

  rotate(room: RoomId): Promise<void> {
    return this.#run(() => this.#sharing.rotate(room));
  }

  sealForDevices(type: string, content: unknown, recipients: readonly e.Recipient[]): Promise<e.DeviceMessage[]> {
    return this.#run(async () => {
      await this.#requireConfirmed();
      return seal(this.#machine, this.#requests, { type, content, recipients });
    });
  }

  startBackup(version: number, key: Uint8Array): Promise<void> {
    return this.#run(async () => this.#backup.start(version, key));
  }

  endBackup(): Promise<void> {
    return this.#run(() => this.#backup.end());
  }

  takeBackup(): Promise<k.BackupBatch | undefined> {
    return this.#run(() => this.#backup.take());
  }

  markBackedUp(id: string): Promise<void> {
    return this.#run(() => this.#backup.mark(id));
  }

  backupCounts(): Promise<k.BackupCounts> {
    return this.#run(() => this.#backup.counts());
  }

  importSessions(version: number, sessions: readonly k.SessionSecret[]): Promise<RoomKey[]> {
    return this.#run(() => this.#backup.import(version, sessions));
  }

  giveSessions(wanted: readonly RoomKey[]): Promise<k.SessionSecret[]> {
    return this.#run(() => giveSessions(this.#machine, this.#owners, wanted));
  }

  takeSessions(sessions: readonly k.SessionSecret[]): Promise<RoomKey[]> {
    return this.#run(() => takeSessions(this.#machine, this.#owners, sessions));
  }

  sessionAudience(room: RoomId, sessionId: string): Promise<number | undefined> {
    return this.#run(() => this.#ledger.sessionAudience(room, sessionId));
  }

  exportKeys(passphrase: string): Promise<string> {
    return this.#run(() => exportKeys(this.#machine, passphrase));
  }

  importKeys(text: string, passphrase: string): Promise<k.KeyFileImport> {
    return this.#run(async () => importKeys(this.#machine, this.#owners, { text, passphrase }));
  }

  requestVerification(device?: DeviceId, byCode = false): Promise<e.Verification> {
    return this.#run(() => this.#verifications.request(device, byCode));
  }

  acceptVerification(flowId: string): Promise<void> {
    return this.#run(() => this.#verifications.accept(flowId));
  }

  confirmVerification(flowId: string): Promise<void> {
    return this.#run(() => this.#verifications.confirm(flowId));
  }

  cancelVerification(flowId: string): Promise<void> {
    return this.#run(() => this.#verifications.cancel(flowId));
  }

  scanVerification(flowId: string, code: Uint8Array): Promise<void> {
    return this.#run(() => this.#verifications.scan(flowId, code));
  }

  verifications(): e.Verification[] {
    return this.#verifications.list();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Whoever called hears how that ended.
    await Promise.allSettled([...this.#underWay]);
    await this.#machine.lock.run(() => this.#machine.olm.close());
  }

  async #fetch(users: readonly UserId[], room?: RoomId): Promise<void> {
    const query = this.#machine.olm.queryKeysForUsers(users.map((user) => new wasm.UserId(user)));
    await this.#requests.perform(query, room);
  }

  async #requireConfirmed(): Promise<void> {
    if (!(await isConfirmed(this.#machine))) throw new ClientError('NOT_CONFIRMED', 'This device is not confirmed yet');
  }

  // The library must not be freed while a call is inside it, so `close` waits for each of these.
  async #run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new ClientError('CLOSED', 'The crypto engine is closed');
    const call = task();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }
}

function ids({ user, device }: EngineOptions): [wasm.UserId, wasm.DeviceId] {
  try {
    return [new wasm.UserId(user), new wasm.DeviceId(device)];
  } catch (cause) {
    throw new ClientError('BAD_ARGUMENT', `${user} is not a user id of the form @name:provider`, { cause });
  }
}

// The library logs much, and to the console unless told otherwise; what matters reaches the caller as a result.
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
