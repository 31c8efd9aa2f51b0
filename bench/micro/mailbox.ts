// What the kernel costs by itself: a push into a mailbox with its part of a turn; a request that a session forwards, a room answers and the session
// pushes; and the memory of an idle session. Rooms here do nothing else and the world does nothing, so what remains is the kernel and the session.
// Run: node --expose-gc bench/micro/mailbox.ts
import type { Actor } from '#actors/kernel/actor.ts';
import { type Address, roomAddress, sessionAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { Message, RoomMessage, UserMessage } from '#actors/kernel/messages.ts';
import { System } from '#actors/kernel/system.ts';
import { DeviceBuckets } from '#actors/session/bucket.ts';
import { defaultRates, defaultSessionLimits } from '#actors/session/limits.ts';
import { Session } from '#actors/session/session.ts';
import { ClientFrame, Submit } from '#proto/gen/client.ts';
import { median, writeResult } from './lib/figures.ts';

const messages = 200_000;
const batch = 500;
const sessions = 20_000;
const rounds = 10;
const warmUpRounds = 5;

const welcome = { $case: 'done', value: {} } as const;

function systemOf(room: Actor<RoomMessage>, perform: (effect: Effect) => void = () => {}): System {
  const wide = { burst: 1e9, perSecond: 1e9 };
  const rates = { ...defaultRates, submit: wide };
  const shared = { buckets: new DeviceBuckets(() => rates), limits: defaultSessionLimits };
  return new System({
    create: {
      session: (session) => new Session(session, shared),
      user: () => ({ receive: greet, idle: () => true }),
      room: () => room,
    },
    world: { perform, ended: () => {}, sessionsOf: () => [] },
    clock: Date.now,
    stopwatch: () => performance.now(),
  });
}

const noManifest = { version: 0, hash: new Uint8Array() };

/** A user actor that welcomes everyone and stops when told. */
function greet(message: UserMessage): readonly Effect[] {
  if (message.kind === 'timer') return [{ kind: 'stop' }];
  if (message.kind !== 'hello') return [];
  const welcomed = {
    kind: 'welcomed',
    body: welcome,
    mayWrite: true,
    manifest: noManifest,
    mayEnter: true,
    consent: { hidden: [], inviteFromMs: 0 },
  } as const;
  return [{ kind: 'send', to: sessionAddress(message.session), message: welcomed }];
}

/** Median nanoseconds of one message over the rounds. */
function time(count: number, round: () => void): number {
  const nanos: number[] = [];
  for (let n = 0; n < warmUpRounds + rounds; n++) {
    const started = performance.now();
    round();
    if (n >= warmUpRounds) nanos.push(((performance.now() - started) * 1e6) / count);
  }
  return Math.round(median(nanos));
}

/** One `tell` and the handling of it by an actor that does nothing. */
function pushAndTurn(rooms: number): number {
  const effects: readonly Effect[] = [];
  const system = systemOf({ receive: () => effects, idle: () => true });
  const addresses = Array.from({ length: rooms }, (_, n): Address => roomAddress(`!${n}:lux.example`));
  const message: Message = {
    kind: 'standingKept',
    user: '@ann:lux.example',
    controlNumber: 1,
    erased: false,
    fingerprint: new Uint8Array(0),
  };
  const work: Message = {
    kind: 'manifestMoved',
    user: '@ann:lux.example',
    head: { version: 1, hash: new Uint8Array() },
  };
  return time(2 * messages, () => {
    for (let first = 0; first < messages; first += batch) {
      for (let n = first; n < first + batch; n++) {
        const to = addresses[n % rooms] as Address;
        system.tell(to, work, 200);
        system.tell(to, message);
      }
      while (system.run());
    }
  });
}

/** Brings a session to the state in which it waits for requests. */
function login(system: System, session: number): void {
  const to = sessionAddress(session);
  const hello = {
    $case: 'hello',
    value: { version: 1, accessToken: 'secret', client: 'bench', quiet: false },
  } as const;
  system.tell(to, { kind: 'opened' });
  system.tell(to, { kind: 'frames', frames: [ClientFrame.encode({ request: 1, body: hello }).finish()] });
  system.run();
  const identity = { user: `@u${session}:lux.example`, device: 1, deviceId: 'AB', deviceName: 'phone' };
  system.tell(to, { kind: 'tokenChecked', identity });
  system.run();
}

/** Frame in, submit to the room, answer back, frame out: four mailboxes are not crossed for less. */
function requestAndAnswer(): number {
  const system = systemOf({
    receive: (message) =>
      message.kind === 'submit'
        ? [{ kind: 'answer', session: message.from.session, request: message.from.request, body: welcome }]
        : [],
    idle: () => true,
  });
  login(system, 1);
  const room = `!g${'a'.repeat(32)}:lux.example`;
  const event = { header: new Uint8Array(300), body: new Uint8Array(1000) };
  const submit = { ...Submit.decode(new Uint8Array()), room, event };
  const frame = ClientFrame.encode({ request: 2, body: { $case: 'submit', value: submit } }).finish();
  const to = sessionAddress(1);
  return time(messages, () => {
    for (let n = 0; n < messages; n++) {
      system.tell(to, { kind: 'frames', frames: [frame] });
      while (system.run());
    }
  });
}

/** Heap bytes of one live session that does nothing, with its cell, mailbox, address, and the (unused) buckets of its device and user. */
function idleSessionBytes(): number | null {
  if (globalThis.gc === undefined) return null;
  const system = systemOf({ receive: () => [], idle: () => true });
  login(system, 0);
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  for (let session = 1; session <= sessions; session++) login(system, session);
  // User actors are passivated while their sessions live on; what is left is the sessions.
  system.drain();
  while (system.run());
  globalThis.gc();
  const bytes = process.memoryUsage().heapUsed - before;
  // Asked for after the collection, so that the system outlives it.
  if (system.size !== sessions + 1) throw new Error('sessions are missing, or users are left');
  return Math.round(bytes / sessions);
}

const figures = {
  pushAndTurnNanos: { oneRoom: pushAndTurn(1), thousandRooms: pushAndTurn(1000) },
  requestAndAnswerNanos: requestAndAnswer(),
  idleSessionBytes: idleSessionBytes(),
};
console.log(figures);
writeResult('mailbox', { messages, batch, rounds, sessions, bodyBytes: 1000 }, figures);
