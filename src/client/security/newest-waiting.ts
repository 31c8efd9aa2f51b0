// Which sessions the newest lines of a room wait for: those that a person sees first when they open it. Bounded; a writer who names sessions that are not
// there takes places away from others, which then come with the pages of the backup as everything else. Does not: ask for them.
import { lacking } from '../keys/asking.ts';
import { type LocalStore, prefixRange } from '../store/store.ts';

/** Records that are looked at, of those that wait: what a screen shows. */
export const newestRecordsMax = 50;
/** Sessions that are looked up one by one, each a request. What is more comes with the pages. */
export const lookedUpMax = 20;

/** Ids of sessions, that of the newest line first, each once. */
export async function newestWaiting(store: LocalStore, room: string): Promise<string[]> {
  const range = { ...prefixRange(`${room} `), limit: newestRecordsMax, backwards: true };
  const sessions = new Set<string>();
  for (const { value } of await store.list('undecrypted', range)) {
    const [cause = '', session = ''] = new TextDecoder().decode(value).split(' ');
    if (lacking.has(cause) && session !== '') sessions.add(session);
  }
  return [...sessions].slice(0, lookedUpMax);
}
