// One mistake of each kind, planted into a good history: the checker has to find exactly it.
import type { HistoryEvent, Placed, Seen } from './events.ts';
import type { FinalLog, FinalRecord } from './final-log.ts';
import { devices, room } from './good-history.ts';
import type { ViolationCode } from './violations.ts';

/** A history that may be changed. */
export interface Spoiled {
  events: Seen[];
  logs: FinalLog[];
}

const [a, b, c] = devices as [string, string, string];
const stranger = { sender: '@stranger', device: 1, sendId: 1 };

export const mistakes: Readonly<Record<ViolationCode, (history: Spoiled) => void>> = {
  'acked-lost': (history) => {
    const send = { device: a, room, sendId: 1_000 };
    note(history, { kind: 'sent', ...send, content: 'lost' });
    note(history, { kind: 'accepted', ...send, seq: headOf(history) + 1, hash: 'lost' });
  },
  'acked-elsewhere': (history) => replace(history, 'accepted', (event) => ({ ...event, hash: 'another' })),
  'refused-but-there': (history) => {
    const send = { device: a, room, sendId: 1_000 };
    note(history, { kind: 'sent', ...send, content: 'refused' });
    note(history, { kind: 'rejected', ...send, code: 45 });
    append(history, { sender: '@a', device: 1, sendId: 1_000 });
  },
  'never-answered': (history) => note(history, { kind: 'sent', device: a, room, sendId: 1_000, content: 'why' }),
  'seq-hole': (history) => put(history, { ...stranger, seq: headOf(history) + 2, hash: 'beyond' }),
  'seq-duplicate': (history) => put(history, { ...stranger, seq: headOf(history), hash: 'again' }),
  'log-missing': (history) => {
    history.logs = [];
  },
  'sources-differ': (history) => {
    const [door, store] = history.logs as [FinalLog, FinalLog];
    history.logs = [door, { ...store, records: store.records.slice(0, -1) }];
  },
  'visible-not-in-log': (history) => {
    const records = [{ seq: headOf(history) + 1, hash: 'of a fenced owner' }];
    note(history, { kind: 'delivered', connection: connectionOf(history, a), room, by: 'push', records });
  },
  'send-id-twice': (history) => append(history, { sender: '@a', device: 1, sendId: 1 }),
  'message-twice': (history) => {
    const first = history.events.find((event) => event.kind === 'sent' && event.device === a);
    if (first?.kind !== 'sent') throw new Error('nothing was sent');
    const send = { device: a, room, sendId: 1_000 };
    note(history, { kind: 'sent', ...send, content: first.content });
    note(history, { kind: 'accepted', ...send, ...append(history, { sender: '@a', device: 1, sendId: 1_000 }) });
  },
  // All that is about the first send happens after everything else.
  'acked-out-of-order': (history) => {
    const isFirst = (event: Seen) => 'sendId' in event && event.device === a && event.sendId === 1;
    const [first, rest] = [history.events.filter(isFirst), history.events.filter((event) => !isFirst(event))];
    history.events = [...rest, ...first];
  },
  'push-hole': (history) => {
    const connection = reopen(history, a);
    const [one, , three] = recordsOf(history) as [FinalRecord, FinalRecord, FinalRecord];
    note(history, { kind: 'delivered', connection, room, by: 'push', records: [one, three] });
  },
  'push-backwards': (history) => {
    const connection = connectionOf(history, a);
    const records = recordsOf(history).slice(-1);
    note(history, { kind: 'delivered', connection, room, by: 'push', records });
  },
  'shown-hole': (history) => drop(history, (event) => event.kind === 'shown' && event.device === a),
  'shown-twice': (history) => {
    const last = history.events.findLast((event) => event.kind === 'shown');
    if (last !== undefined) note(history, last);
  },
  // Pushed on the last connection, which has recovered before.
  'shown-undelivered': (history) => {
    const connection = connectionOf(history, a);
    drop(history, (event) => event.kind === 'delivered' && event.by === 'push' && event.connection === connection);
  },
  'shown-unreadable': (history) => {
    note(history, { kind: 'shown', device: b, room, from: 1, through: 1 });
  },
  // Removed, and the next record comes to it as well.
  'given-unreadable': (history) => {
    leave(history, c);
    append(history, stranger);
  },
  'device-behind': (history) => {
    const last = history.events.findLastIndex((event) => event.kind === 'shown' && event.device === a);
    history.events.splice(last, 1);
  },
  'recovery-incomplete': (history) => {
    const [connection, head] = [reopen(history, a), headOf(history)];
    note(history, { kind: 'asked', connection, room });
    note(history, { kind: 'recovered', connection, room, from: head, through: head, gap: false });
  },
  'recovery-stale': (history) => {
    const connection = reopen(history, a);
    note(history, { kind: 'asked', connection, room });
    const through = headOf(history) - 1;
    note(history, { kind: 'recovered', connection, room, from: through + 1, through, gap: false });
  },
  'inbox-lost': (history) => note(history, { kind: 'inbox-stored', to: a, id: 'lost' }),
  'inbox-forgotten': (history) => {
    const read = { device: a, after: 998, through: 999, needsFullSync: false };
    note(history, { kind: 'inbox-read', ...read, entries: [{ seq: 999, id: 'once' }] });
    note(history, { kind: 'inbox-read', ...read, entries: [] });
  },
};

/** More of what can go wrong with those who come and go, each by the code that it must be found under. */
export const mistakesOfGuests: Readonly<Record<string, readonly [ViolationCode, (history: Spoiled) => void]>> = {
  'is given what was said before it came': [
    'given-unreadable',
    (history) => {
      const records = recordsOf(history).slice(0, 1);
      note(history, { kind: 'delivered', connection: connectionOf(history, b), room, by: 'fetch', records });
    },
  ],
  'lacks something of its time as a member when it has left': [
    'device-behind',
    (history) => {
      const last = history.events.findLastIndex((event) => event.kind === 'shown' && event.device === c);
      history.events.splice(last, 1);
      leave(history, c);
    },
  ],
  'lacks something of its time as a member when it has come back': [
    'shown-hole',
    (history) => {
      const last = history.events.findLastIndex((event) => event.kind === 'shown' && event.device === c);
      history.events.splice(last, 1);
      leave(history, c);
      put(history, { ...stranger, seq: headOf(history) + 1, hash: 'without it' });
      for (const device of [a, b]) give(history, device, recordsOf(history).slice(-1));
      note(history, { kind: 'joined', device: c, room, from: headOf(history) + 1 });
      append(history, { ...stranger, sendId: 2 });
    },
  ],
};

/** The device is out, with everything up to now. */
function leave(history: Spoiled, device: string): void {
  const head = headOf(history);
  note(history, { kind: 'left', device, room, through: head, owed: head });
}

function note({ events }: Spoiled, event: HistoryEvent): void {
  events.push({ ...event, at: (events.at(-1)?.at ?? 0) + 1 });
}

/** Replaces the first event of a kind. */
function replace<Kind extends HistoryEvent['kind']>(
  { events }: Spoiled,
  kind: Kind,
  change: (event: Seen<HistoryEvent & { readonly kind: Kind }>) => Seen,
): void {
  const at = events.findIndex((event) => event.kind === kind);
  events[at] = change(events[at] as Seen<HistoryEvent & { readonly kind: Kind }>);
}

/** Leaves out the first such event. */
function drop({ events }: Spoiled, which: (event: Seen) => boolean): void {
  events.splice(events.findIndex(which), 1);
}

/** A new connection of a device, in place of its last one. */
function reopen(history: Spoiled, device: string): number {
  note(history, { kind: 'closed', connection: connectionOf(history, device), code: 1006 });
  const connection = 1_000_000;
  note(history, { kind: 'opened', device, connection, node: 'n2' });
  return connection;
}

function connectionOf({ events }: Spoiled, device: string): number {
  const last = events.findLast((event) => event.kind === 'opened' && event.device === device);
  return last?.kind === 'opened' ? last.connection : 0;
}

function recordsOf({ logs }: Spoiled): readonly FinalRecord[] {
  return logs[0]?.records ?? [];
}

function headOf(history: Spoiled): number {
  return recordsOf(history).at(-1)?.seq ?? 0;
}

/** Into all final logs, and to nobody. */
function put(history: Spoiled, record: FinalRecord): void {
  history.logs = history.logs.map((log) => ({ ...log, records: [...log.records, record] }));
}

/** Into all final logs, and to everybody. */
function append(history: Spoiled, from: Pick<FinalRecord, 'sender' | 'device' | 'sendId'>) {
  const seq = headOf(history) + 1;
  const placed = { seq, hash: `hash ${seq}` };
  put(history, { ...from, ...placed });
  const left = new Set<string>();
  for (const event of history.events) {
    if (event.kind === 'left') left.add(event.device);
    else if (event.kind === 'joined') left.delete(event.device);
  }
  for (const device of devices) give(history, device, [placed], { shows: !left.has(device) });
  return placed;
}

/** Pushes to a device. */
function give(
  history: Spoiled,
  device: string,
  records: readonly Placed[],
  { shows }: { readonly shows: boolean } = { shows: true },
): void {
  const connection = connectionOf(history, device);
  note(history, { kind: 'delivered', connection, room, by: 'push', records });
  for (const { seq } of shows ? records : []) note(history, { kind: 'shown', device, room, from: seq, through: seq });
}
