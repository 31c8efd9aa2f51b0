// What a person should know before they believe what this device shows: alarms, each noted when it was raised, so that the next run knows of it as well; and what
// holds now: rooms where sending is stopped, identities that changed, lines that can't be read. A counter that begins with each run proves nothing.

import type { Alarm, AlarmCode, TroubleCause } from './alarms.ts';
import { Lock } from './lock.ts';
import type { Parts } from './parts.ts';
import type { RoomInfo } from './shown.ts';
import { type LocalStore, prefixRange } from './store/store.ts';

/** An alarm as it was noted. */
export interface NotedAlarm extends Alarm {
  /** Epoch milliseconds at which it was raised here for the first time. */
  readonly at: number;
}

/** What speaks against what is shown; empty where nothing does. */
export interface Doubts {
  /** Of every run of this device: each code, room and person once, the first 1,000 of them. What came of it since, the rest says. */
  readonly alarms: readonly NotedAlarm[];
  /** Rooms where sending is stopped, and why. */
  readonly frozen: readonly { readonly room: string; readonly code: AlarmCode }[];
  /** People who have another identity that nobody here approved. */
  readonly changed: readonly string[];
  /** People in a room with this user who are given no keys of what is written there, each reason once. */
  readonly unheard: RoomInfo['unheard'];
  /** Lines that can't be read yet and are tried again, by cause. */
  readonly unread: Readonly<Partial<Record<TroubleCause, number>>>;
  /** There are more such lines than the 100,000 that were counted. */
  readonly unreadMore?: true;
}

const prefix = 'alarm ';
const notedMax = 1_000;
/** Lines that can't be read and are counted: more than anybody looks at. Above: `unreadMore`. */
const unreadMax = 100_000;
/** What a key of the store can hold. A server that names nothing of the kind is noted without it. */
const word = /^[\x21-\x7e]{1,255}$/;

/** The alarms of one device, over all its runs. */
export class AlarmNotes {
  readonly #parts: () => Parts;
  #keys: Set<string> | undefined;
  readonly #noting = new Lock();

  constructor(parts: () => Parts) {
    this.#parts = parts;
  }

  /** Notes it, where it is not noted yet. Rejects as the store does. */
  note(alarm: Alarm): Promise<void> {
    return this.#noting.run(() => this.#note(alarm));
  }

  /** All that were raised so far, in their order. Rejects as the store does. */
  async list(): Promise<NotedAlarm[]> {
    const all = await this.#noting.run(() => rows(this.#parts().store));
    const noted = all.map(({ key, value }) => {
      const [, code = '', room = '', user = ''] = key.split(' ');
      const about = { ...(room === '' ? {} : { room }), ...(user === '' ? {} : { user }) };
      return { code: code as AlarmCode, ...about, at: Number(new TextDecoder().decode(value)) };
    });
    return noted.sort((one, other) => one.at - other.at);
  }

  async #note({ code, room = '', user = '' }: Alarm): Promise<void> {
    const { store, now } = this.#parts();
    const key = `${prefix}${code} ${word.test(room) ? room : ''} ${word.test(user) ? user : ''}`;
    this.#keys ??= new Set((await rows(store)).map((row) => row.key));
    if (this.#keys.has(key) || this.#keys.size >= notedMax) return;
    this.#keys.add(key);
    await store.write([{ table: 'account', key, value: new TextEncoder().encode(String(now())) }]);
  }
}

/** What speaks against what is shown, with these rooms. Rejects as the store does. */
export async function doubtsOf(
  { store, people }: Pick<Parts, 'store' | 'people'>,
  { notes, rooms }: { readonly notes: AlarmNotes; readonly rooms: readonly RoomInfo[] },
): Promise<Doubts> {
  const frozen = rooms.flatMap(({ room, frozen: code }) => (code === '' ? [] : [{ room, code }]));
  const changed = people.startedOver().flatMap(({ user, changedTo }) => (changedTo.length > 0 ? [user] : []));
  const all = rooms.flatMap(({ unheard }) => unheard);
  const unheard = all.filter(
    ({ user, why }, at) => all.findIndex((one) => one.user === user && one.why === why) === at,
  );
  return { alarms: await notes.list(), frozen, changed, unheard, ...(await unreadLines(store)) };
}

async function unreadLines(store: LocalStore): Promise<Pick<Doubts, 'unread' | 'unreadMore'>> {
  const unread: Partial<Record<TroubleCause, number>> = {};
  const lines = await store.list('undecrypted', { ...prefixRange('!'), limit: unreadMax + 1 });
  for (const { value } of lines.slice(0, unreadMax)) {
    const cause = new TextDecoder().decode(value).split(' ')[0] as TroubleCause;
    unread[cause] = (unread[cause] ?? 0) + 1;
  }
  return lines.length > unreadMax ? { unread, unreadMore: true } : { unread };
}

function rows(store: LocalStore) {
  return store.list('account', { ...prefixRange(prefix), limit: notedMax });
}
