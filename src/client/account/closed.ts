// That the account was closed on this very device is noted here, since no server tells a device any more why it is logged out: afterwards it says so, and
// not to log in again.
import { ClientError, type Closed } from '../errors.ts';
import type { LocalStore } from '../store/store.ts';

const row = { table: 'account', key: 'closed' } as const;

const sentences: Readonly<Record<Closed, string>> = {
  deactivated: 'The account was deactivated from this device.',
  erased: 'The account was erased from this device: there is nothing to log in to any more.',
};

/** Notes it, durably. */
export function noteClosed(store: LocalStore, how: Closed): Promise<void> {
  return store.write([{ ...row, value: new TextEncoder().encode(how) }]);
}

/** LOGIN_NEEDED where it was closed on this device; undefined where it was not. */
export async function closedError(store: LocalStore): Promise<ClientError | undefined> {
  const kept = await store.get(row.table, row.key);
  const how = kept && new TextDecoder().decode(kept);
  return how === 'erased' || how === 'deactivated'
    ? new ClientError('LOGIN_NEEDED', sentences[how], { closed: how })
    : undefined;
}
