// Sessions out of the library's own backup and back into its store. It keeps count of what is backed up and hands out batches, sealed for a key that
// we give it; they are opened here at once, because that seal proves nothing and our own (`../../backup/`) takes its place.
// Guarantees: a batch is the same until it is marked; where a session came from is noted before it is taken in. Does not: send or seal anything.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { ClientError } from '../../errors.ts';
import type { RoomKey } from '../ids.ts';
import type { BackupBatch, BackupCounts, SessionSecret } from '../keeping.ts';
import { readExported } from './exported.ts';
import { foreignObject, type JsonObject, objectOf, parseObject, utf8 } from './json.ts';
import type { Owners } from './origins.ts';
import type { Machine } from './requests.ts';

/** See `Keeping`. */
export class SessionBackup {
  #machine: Machine;
  #owners: Owners;
  #running: { version: string; key: wasm.BackupDecryptionKey } | undefined;
  #given: wasm.KeysBackupRequest | undefined;

  constructor(machine: Machine, owners: Owners) {
    this.#machine = machine;
    this.#owners = owners;
  }

  start(version: number, bytes: Uint8Array): Promise<void> {
    if (!Number.isSafeInteger(version) || version < 1 || bytes.length !== 32)
      throw new ClientError('BAD_ARGUMENT', 'A backup has a version from 1 and a key of 32 bytes');
    return this.#machine.lock.run(async () => {
      const key = wasm.BackupDecryptionKey.fromBase64(toBase64(bytes));
      await this.#machine.olm.enableBackupV1(key.megolmV1PublicKey.publicKeyBase64, String(version));
      this.#running = { version: String(version), key };
      this.#given = undefined;
    });
  }

  end(): Promise<void> {
    return this.#machine.lock.run(async () => {
      await this.#machine.olm.disableBackup();
      this.#running = undefined;
      this.#given = undefined;
    });
  }

  async take(): Promise<BackupBatch | undefined> {
    if (this.#running) await this.#owners.meet();
    return this.#machine.lock.run(async () => {
      const running = this.#running;
      if (running === undefined) return undefined;
      const request = await this.#machine.olm.backupRoomKeys();
      this.#given = request;
      if (request === undefined) return undefined;
      const found = sessionsIn(request.body).map(({ data, ...session }) => {
        const json = running.key.decryptV1(String(data.ephemeral), String(data.mac), String(data.ciphertext));
        return { ...session, json, senderKey: String(parseObject(json).sender_key) };
      });
      const senders = await this.#owners.of(found);
      const sessions = found.map(({ room, sessionId, json }, at): SessionSecret => {
        return { room, sessionId, json: utf8(json), sender: senders[at] };
      });
      return { id: request.id, version: Number(request.version), sessions };
    });
  }

  mark(id: string): Promise<void> {
    return this.#machine.lock.run(async () => {
      if (this.#given?.id !== id) return;
      await this.#machine.olm.markRequestAsSent(id, this.#given.type, '{"etag":"","count":0}');
      this.#given = undefined;
    });
  }

  counts(): Promise<BackupCounts> {
    return this.#machine.lock.run(async () => {
      const { total, backedUp } = await this.#machine.olm.roomKeyCounts();
      return { total, waiting: total - backedUp };
    });
  }

  async import(version: number, sessions: readonly SessionSecret[]): Promise<RoomKey[]> {
    if (sessions.length === 0) return [];
    return this.#machine.lock.run(async () => {
      await this.#owners.note(sessions);
      // Of several copies of a session the last one counts: the one that opens most.
      const index = ({ json }: SessionSecret) => readExported(json)?.index ?? 0;
      const ordered = [...sessions].sort((a, b) => index(b) - index(a));
      const byRoom = Map.groupBy(ordered, ({ room }) => room);
      const rooms = new Map(
        [...byRoom].map(([room, inside]) => [
          new wasm.RoomId(room),
          new Map(inside.map(({ sessionId, json }) => [sessionId, parseObject(foreignObject(json) ?? '{}')])),
        ]),
      );
      const { olm } = this.#machine;
      return keysIn(await olm.importBackedUpRoomKeys(rooms, () => undefined, String(version)));
    });
  }
}

/** What an import brought that was not here. */
export function keysIn(result: wasm.RoomKeyImportResult): RoomKey[] {
  return [...result.keys()].flatMap(([room, bySender]) =>
    [...bySender.values()].flatMap((ids) => [...ids].map((sessionId) => ({ room, sessionId }))),
  );
}

function sessionsIn(body: string): (RoomKey & { data: JsonObject })[] {
  return Object.entries(objectOf(parseObject(body).rooms)).flatMap(([room, inside]) =>
    Object.entries(objectOf(objectOf(inside).sessions)).map(([sessionId, session]) => {
      return { room, sessionId, data: objectOf(objectOf(session).session_data) };
    }),
  );
}
