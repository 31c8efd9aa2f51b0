// ReadAccount: what is kept of an account and no other request shows, so that its person can have all of it. Read only; keys of others, contents of the
// inbox and what login keeps are not here.
import { AccountFacts, type AccountRecord, KeptStanding, type ReadAccount } from '#proto/gen/client.ts';
import type { Requester } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Answers with a page: facts on the first, and as many standings as fit. */
export function readAccount(turn: Turn, from: Requester, { after }: ReadAccount): void {
  const { rooms } = turn.account;
  const facts = after === '' ? factsOf(turn) : undefined;
  const value: AccountRecord = { facts, standings: [], next: '' };
  let last = after;
  // Facts are bounded by limits of their own: ten devices, 128 senders, 128 buckets and 256 numbers are 40 KiB at the longest ids.
  let bytes = facts === undefined ? 0 : AccountFacts.encode(facts).finish().length;
  for (const [room, { standing, sinceMs }] of rooms.kept(after)) {
    bytes += KeptStanding.encode({ standing, sinceMs }).finish().length + 8;
    if (bytes > userLimits.pageBytesMax) {
      value.next = last;
      break;
    }
    value.standings.push({ standing, sinceMs });
    last = room;
  }
  turn.answer(from, { $case: 'accountRecord', value });
}

function factsOf({ account, desk }: Turn): AccountFacts {
  const devices = [...account.devices.values()].sort((a, b) => a.number - b.number);
  return {
    createdMs: account.createdMs,
    removedDevices: account.removed,
    manifest: account.manifestHead,
    inboxHead: account.seq,
    inboxFloor: desk.floor,
    cursors: devices.map(({ number, cursor, lanes, needsFullSync }) => {
      return { device: number, cursor, waiting: lanes.total, needsFullSync };
    }),
    senders: account.senders.list(),
    limits: account.buckets.toRow(account.acceptedMs),
  };
}
