// The script of the page in the browser's tests: the SDK as a web app uses it, and calls for the test to make. It knows nothing of Node; what is
// here runs in Chromium.
import { generatePassword } from '#client/backup/password.ts';
import { beginLogin, finishLogin, hasDevice, openDevice, removeDevice } from '#client/browser/open-device.ts';
import type { StepUpGrant } from '#client/connection/login.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openIndexedDbStore } from '#client/store/indexeddb-store.ts';
import { sealingKey, sealStore } from '#client/store/sealed-store.ts';
import type { LocalRange, LocalStore, LocalTable } from '#client/store/store.ts';
import { MemberStatus } from '#proto/gen/record.ts';

/** A change as it crosses into the page. */
interface PlainChange {
  readonly table: LocalTable;
  readonly key: string;
  /** `no bytes` stands for what a store must refuse, and what no message to the page could carry. */
  readonly value: number[] | 'no bytes' | undefined;
}

/** The page's policy lets no plain text become the address of a script. */
const scripts = (
  globalThis as unknown as {
    trustedTypes: { createPolicy(name: string, rules: object): { createScriptURL(address: string): string } };
  }
).trustedTypes.createPolicy('engine', { createScriptURL: (address: string) => address });
const startWorker = () => new Worker(scripts.createScriptURL('/engine.js'), { type: 'module' });

const troubles: string[] = [];
const stores: LocalStore[] = [];
let client: LuxchatClient | undefined;
let grant: StepUpGrant | undefined;

function need(): LuxchatClient {
  if (!client) throw new Error('no device is open on this page');
  return client;
}

function granted(): StepUpGrant {
  if (!grant) throw new Error('nobody stepped up on this page');
  return grant;
}

const calls = {
  has: () => hasDevice(),
  begin: (server: string, redirect: string) => beginLogin({ server, redirect }),
  finish: (address: string) => finishLogin({ address, deviceName: 'test page' }),
  open: async () => {
    client = await openDevice({ backoffMaxMs: 500, worker: startWorker });
    client.on('alarm', ({ code }) => troubles.push(`alarm ${code}`));
    client.on('fault', (error) => troubles.push(`fault ${error.stack}`));
    await client.start();
    await client.synced();
    return { user: client.user, confirmed: client.ownDevices.confirmed };
  },
  beginStepUp: (redirect: string) => need().beginStepUp({ purpose: 'backup', redirect, client: 'web' }),
  finishStepUp: async (address: string) => {
    grant = await need().finishStepUp('backup', address);
    return { token: grant.token, attemptBytes: grant.attempt.length };
  },
  generatePassword: () => generatePassword('lb'),
  /** Turns that a timer of the page had while the password became a key. */
  setUp: async (password: string) => {
    const { onProgress, turns } = countTurns();
    await need().security.setUp(granted(), password, { onProgress });
    return turns();
  },
  changePassword: (password: string) => need().security.changePassword(granted(), password),
  unlock: (password: string) => need().security.unlock(granted(), password),
  /** What holds once everything is in the backup, and read back. */
  secured: async () => {
    await need().security.flushed(20_000);
    return need().security.state();
  },
  count: async (counter: string) => need().counters()[counter] ?? 0,
  close: () => need().close(),
  logout: () => need().logout(),
  remove: () => removeDevice(),
  troubles: async () => troubles,

  createGroup: (name: string) => need().createGroup({ name }),
  startDirect: (user: string) => need().startDirect(user),
  accept: (room: string) => need().accept(room),
  /** Status and members of a room; undefined where it is not known. */
  room: async (room: string) => {
    const info = need()
      .rooms()
      .find((each) => each.room === room);
    return info && { invited: info.status === MemberStatus.MEMBER_STATUS_INVITED, members: info.members.length };
  },
  send: async (room: string, text: string) => (await need().send(room, text)).id,
  flushed: () => need().flushed(20_000),
  /** Texts of a room, oldest first; a line that can't be shown is its cause in brackets. */
  texts: async (room: string) => {
    const lines = await need().timeline(room, { limit: 200 });
    return lines.flatMap(({ kind, trouble, content }) => {
      if (kind === 'trouble') return `(${trouble})`;
      return content?.body?.$case === 'text' ? content.body.value.text : [];
    });
  },

  openStore: async (name: string, sealed: boolean) => {
    const store = await openIndexedDbStore(name);
    return stores.push(sealed ? sealStore(store, await sealingKey(new Uint8Array(32).fill(7))) : store) - 1;
  },
  storeGet: async (at: number, table: LocalTable, key: string) => {
    const value = await stores[at]?.get(table, key);
    return value && [...value];
  },
  storeList: async (at: number, table: LocalTable, range: LocalRange) => {
    const rows = (await stores[at]?.list(table, range)) ?? [];
    return rows.map(({ key, value }) => ({ key, value: [...value] }));
  },
  storeWrite: (at: number, changes: readonly PlainChange[]) =>
    stores[at]?.write(
      changes.map(({ table, key, value }) => ({
        table,
        key,
        value: value === 'no bytes' ? ((() => {}) as never) : value && Uint8Array.from(value),
      })),
    ) ?? Promise.resolve(),
  storeClose: async (at: number) => stores[at]?.close(),

  databases: async () => (await indexedDB.databases()).map(({ name }) => name ?? '').sort(),
  /** Which of these words stand in any row of any database. */
  finds: async (words: readonly string[]) => {
    const found = new Set<string>();
    for (const { name = '' } of await indexedDB.databases())
      for (const text of await everyText(name)) for (const word of words) if (text.includes(word)) found.add(word);
    return [...found];
  },
  /** What comes of taking the sealing key out of the browser. */
  exportKey: async () => {
    const database = await opened('luxchat default keys');
    const key = await answered<CryptoKey>(database.transaction('rows').objectStore('rows').get('device'));
    database.close();
    return crypto.subtle.exportKey('raw', key).then(
      () => 'exported',
      (error: DOMException) => error.name,
    );
  },
  /** How a write to the crypto library's database is made durable. */
  cryptoDurability: async () => {
    const database = await opened('luxchat default crypto::matrix-sdk-crypto');
    const transaction = database.transaction(database.objectStoreNames[0] ?? '', 'readwrite');
    database.close();
    return transaction.durability;
  },
};

function countTurns() {
  let running = false;
  let turns = 0;
  const turn = () => {
    if (!running) return;
    turns++;
    setTimeout(turn);
  };
  const onProgress = (part: number) => {
    if (!running) setTimeout(turn);
    running = part < 1;
  };
  return { onProgress, turns: () => turns };
}

/** What the test may call. */
export type PageCalls = typeof calls;

/** Result or error as they cross out of the page. */
export type Crossed = {
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
};

Object.assign(globalThis, {
  call: async (name: keyof PageCalls, args: never[]): Promise<Crossed> => {
    try {
      return { value: await (calls[name] as (...args: never[]) => Promise<unknown>)(...args) };
    } catch (error) {
      const { code = '', message } = error as Error & { code?: string };
      return { error: { code: String(code), message } };
    }
  },
});

function opened(name: string): Promise<IDBDatabase> {
  return answered(indexedDB.open(name));
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function everyText(name: string): Promise<string[]> {
  const database = await opened(name);
  const texts: string[] = [];
  for (const table of database.objectStoreNames) {
    const rows = database.transaction(table).objectStore(table);
    for (const value of await answered(rows.getAll())) gather(value, texts);
  }
  database.close();
  return texts;
}

function gather(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (ArrayBuffer.isView(value)) into.push(new TextDecoder('latin1').decode(value));
  else if (value instanceof ArrayBuffer) into.push(new TextDecoder('latin1').decode(value));
  else if (Array.isArray(value) && value.every((each) => typeof each === 'number'))
    into.push(String.fromCharCode(...value));
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) gather(part, into);
}
