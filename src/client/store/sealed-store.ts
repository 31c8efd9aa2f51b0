// Seals the values of a local store before they reach a disk: AES-256-GCM, a fresh nonce each, bound to table and key, so that rows can't be
// swapped. Keys of rows stay readable (ids and numbers). Composes WebCrypto only.

import { ClientError } from '../errors.ts';
import { Lock } from '../lock.ts';
import {
  checkedChanges,
  type LocalChange,
  type LocalRange,
  type LocalRow,
  type LocalStore,
  type LocalTable,
} from './store.ts';

const nonceBytes = 12;

/** Wraps a store. `key` is 32 random bytes kept by the platform: an owner-only file in Node, a non-extractable key in browsers. */
export function sealStore(store: LocalStore, key: CryptoKey): LocalStore {
  // Sealing is asynchronous; the queue keeps writes in the order they were started, and reads behind them.
  const inOrder = new Lock();
  return {
    get: (table, rowKey) =>
      inOrder.run(async () => {
        const value = await store.get(table, rowKey);
        return value && open(key, table, rowKey, value);
      }),
    list: (table: LocalTable, range: LocalRange) =>
      inOrder.run(async () => {
        const rows = await store.list(table, range);
        return Promise.all(
          rows.map(
            async (row): Promise<LocalRow> => ({ key: row.key, value: await open(key, table, row.key, row.value) }),
          ),
        );
      }),
    write: async (changes: readonly LocalChange[]) => {
      const sealed = Promise.all(
        checkedChanges(changes).map(async (change) =>
          change.value === undefined
            ? change
            : { ...change, value: await seal(key, change.table, change.key, change.value) },
        ),
      );
      return inOrder.run(async () => store.write(await sealed));
    },
    close: () => inOrder.run(() => store.close()),
  };
}

/** Imports 32 raw bytes as the sealing key. */
export function sealingKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

async function seal(key: CryptoKey, table: string, rowKey: string, value: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const body = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: place(table, rowKey) },
    key,
    value as Uint8Array<ArrayBuffer>,
  );
  const sealed = new Uint8Array(nonceBytes + body.byteLength);
  sealed.set(iv);
  sealed.set(new Uint8Array(body), nonceBytes);
  return sealed;
}

async function open(key: CryptoKey, table: string, rowKey: string, sealed: Uint8Array): Promise<Uint8Array> {
  const iv = sealed.slice(0, nonceBytes);
  try {
    const body = sealed.slice(nonceBytes) as Uint8Array<ArrayBuffer>;
    return new Uint8Array(
      await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: place(table, rowKey) }, key, body),
    );
  } catch (cause) {
    throw new ClientError(
      'STORE',
      'The local store is damaged or was opened with the wrong key. Log in again on this device.',
      { cause },
    );
  }
}

function place(table: string, rowKey: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${table}\u0000${rowKey}`);
}
