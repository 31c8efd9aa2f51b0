// For tests: the key server in memory, as the SDK's port and the provider together behave, and small worlds on it.
// Guarantees what the real one does: a one-time key is claimed once, device messages wait in order, signatures are
// merged. It can be told to fail, and it keeps everything it was given so that tests can search it.
import type {
  ClaimTarget,
  CryptoServer,
  DeviceMessage,
  InboxMessage,
  OneTimeKey,
  Recipient,
  UserKeys,
} from './engine.ts';
import { canonicalBytes, type JsonObject, objectOf, parseObject } from './olm/json.ts';

interface DeviceEntry {
  json: JsonObject;
  oneTimeKeys: OneTimeKey[];
  fallback: OneTimeKey | undefined;
}

interface UserEntry {
  devices: Map<string, DeviceEntry>;
  keys: Map<'master' | 'selfSigning' | 'userSigning', JsonObject>;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export class TestServer {
  users = new Map<string, UserEntry>();
  /** Everything ever sent to a device, `user device` -> messages not fetched yet. */
  inboxes = new Map<string, InboxMessage[]>();
  /** Calls of each kind, failed ones included. */
  calls: Record<string, number> = {};
  /** Called before each call; throw here to make it fail. */
  before: (call: keyof CryptoServer, argument: unknown) => void = () => {};
  /** What a dishonest server makes of a device message. */
  alter: (message: DeviceMessage) => DeviceMessage = (message) => message;
  claimed: string[] = [];
  /** Grants with which an identity was replaced. */
  granted: string[] = [];
  #seen = new Set<string>();

  /** The port of one device. */
  portOf(user: string, device: string): CryptoServer {
    const enter = async (call: keyof CryptoServer, argument: unknown) => {
      this.calls[call] = (this.calls[call] ?? 0) + 1;
      // The world is asynchronous: without this, races in the engine would never show.
      await Promise.resolve();
      this.before(call, argument);
    };
    return {
      uploadKeys: async (upload) => {
        await enter('uploadKeys', upload);
        const { devices } = this.#user(user);
        const known = devices.get(device);
        if (!known && !upload.deviceKeys) throw new Error('one-time keys of an unknown device');
        const json = upload.deviceKeys ? parseObject(text(upload.deviceKeys)) : (known?.json ?? {});
        const oneTimeKeys = [...(known?.oneTimeKeys ?? []), ...upload.oneTimeKeys];
        devices.set(device, { json, oneTimeKeys, fallback: upload.fallbackKeys[0] ?? known?.fallback });
        return { oneTimeKeys: oneTimeKeys.length };
      },
      queryKeys: async (users) => {
        await enter('queryKeys', users);
        return users.flatMap((asked) => this.#keysOf(asked, asked === user));
      },
      claimKeys: async (targets) => {
        await enter('claimKeys', targets);
        return targets.flatMap((target) => this.#claim(target));
      },
      sendDeviceMessages: async (id, messages) => {
        await enter('sendDeviceMessages', messages);
        for (const [at, message] of messages.entries()) this.#deliver(user, `${user} ${device} ${id} ${at}`, message);
      },
      uploadCrossSigning: async ({ master, selfSigning, userSigning }, grant) => {
        await enter('uploadCrossSigning', master);
        const { keys } = this.#user(user);
        const known = keys.get('master');
        if (known && JSON.stringify(known.keys) !== JSON.stringify(parseObject(text(master)).keys)) {
          if (!grant) throw new Error('this user has an identity already');
          this.granted.push(grant.token);
        }
        keys.set('master', parseObject(text(master)));
        keys.set('selfSigning', parseObject(text(selfSigning)));
        keys.set('userSigning', parseObject(text(userSigning)));
      },
      uploadSignatures: async (bytes) => {
        await enter('uploadSignatures', bytes);
        this.#merge(user, objectOf(parseObject(text(bytes))[user]));
      },
    };
  }

  /** The waiting messages of a device, taken out. */
  fetch(user: string, device: string): InboxMessage[] {
    const messages = this.inboxes.get(`${user} ${device}`) ?? [];
    this.inboxes.delete(`${user} ${device}`);
    return messages;
  }

  oneTimeKeys(user: string, device: string): number {
    return this.users.get(user)?.devices.get(device)?.oneTimeKeys.length ?? 0;
  }

  /** All devices of these users, as if each manifest listed what the server knows. */
  recipients(...users: string[]): Recipient[] {
    return users.map((user) => ({ user, devices: [...this.#user(user).devices.keys()] }));
  }

  #user(user: string): UserEntry {
    const entry = this.users.get(user) ?? { devices: new Map(), keys: new Map() };
    this.users.set(user, entry);
    return entry;
  }

  #keysOf(user: string, own: boolean): UserKeys[] {
    const entry = this.users.get(user);
    if (!entry) return [];
    const key = (name: 'master' | 'selfSigning' | 'userSigning') => {
      const json = entry.keys.get(name);
      return json ? canonicalBytes(json) : undefined;
    };
    const [masterKey, selfSigningKey, userSigningKey] = [key('master'), key('selfSigning'), key('userSigning')];
    return [
      {
        user,
        deviceKeys: [...entry.devices.values()].map(({ json }) => canonicalBytes(json)),
        ...(masterKey ? { masterKey } : {}),
        ...(selfSigningKey ? { selfSigningKey } : {}),
        ...(own && userSigningKey ? { userSigningKey } : {}),
      },
    ];
  }

  #claim({ user, device }: ClaimTarget) {
    const entry = this.users.get(user)?.devices.get(device);
    const key = entry?.oneTimeKeys.shift() ?? entry?.fallback;
    if (!key) return [];
    this.claimed.push(`${user} ${device} ${key.keyId}`);
    return [{ user, device, ...key }];
  }

  #deliver(sender: string, id: string, message: DeviceMessage): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const { user, device, type, bytes } = this.alter(message);
    const inbox = this.inboxes.get(`${user} ${device}`) ?? [];
    this.inboxes.set(`${user} ${device}`, inbox);
    inbox.push({ sender, type, bytes });
  }

  #merge(user: string, signed: JsonObject): void {
    const entry = this.#user(user);
    for (const [target, object] of Object.entries(signed)) {
      const master = entry.keys.get('master');
      const isMaster = master && `ed25519:${target}` in objectOf(master.keys);
      const json = isMaster ? master : entry.devices.get(target)?.json;
      if (!json) continue;
      const merged = {
        ...objectOf(objectOf(json.signatures)[user]),
        ...objectOf(objectOf(objectOf(object).signatures)[user]),
      };
      json.signatures = { ...objectOf(json.signatures), [user]: merged };
    }
  }
}
