// People by login's own code without LuxID: what a login would have written into a Cassandra is written, so that thousands take seconds.
import { randomBytes } from 'node:crypto';
import type { Tokens } from '#client/connection/login.ts';
import { type Devices, devices } from '#server/auth/devices.ts';
import { completeAuthLimits } from '#server/auth/limits.ts';
import { idRandomBytes, makeLuxchatId } from '#server/auth/luxchat-id.ts';
import { sealedNames } from '#server/auth/sealed-names.ts';
import { hashOf } from '#server/auth/tokens.ts';
import { CassandraStore } from '#server/storage/cassandra/store.ts';
import type { Cassandra } from '../../deploy/dev/cassandra/cassandra.ts';

export class QuickLogins {
  readonly #provider: string;
  readonly #store: CassandraStore;
  readonly #devices: Devices;
  readonly #userIds = new Map<string, string>();

  /** On the keyspace of a provider whose nodes have made its tables. */
  static async open(
    { contactPoints, port }: Pick<Cassandra, 'contactPoints' | 'port'>,
    keyspace: string,
    provider: string,
  ): Promise<QuickLogins> {
    const at = { contactPoints, port, localDataCenter: 'datacenter1', keyspace };
    return new QuickLogins(await CassandraStore.open({ ...at, replicationFactor: 1, now: Date.now }), provider);
  }

  private constructor(store: CassandraStore, provider: string) {
    this.#provider = provider;
    this.#store = store;
    this.#devices = devices({
      store: store.accounts(),
      limits: completeAuthLimits(),
      now: Date.now,
      random: randomBytes,
      names: sealedNames(randomBytes(32), randomBytes),
      onRevoked: () => {},
    });
  }

  /** A new device of somebody: of a new account where the name is new. */
  async logIn(user: string): Promise<Tokens> {
    const userId = this.#userIds.get(user) ?? makeLuxchatId(randomBytes(idRandomBytes), this.#provider);
    this.#userIds.set(user, userId);
    const added = await this.#devices.add({ userId, subjectHash: hashOf(user), deviceName: 'bench' });
    if (!('accessToken' in added)) throw new Error(`no device for ${user}`);
    return added;
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}
