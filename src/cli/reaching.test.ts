// How soon a command says that nobody is there, by a clock and a network that the test moves.
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Emitter } from '#client/emitter.ts';
import { ClientError } from '#client/errors.ts';
import type { ClientEvents } from '#client/events.ts';
import { loggedInOf, reaching } from './reaching.ts';

/** What an attempt to connect meets; `nothing`: it is swallowed. */
let meets: 'error' | 'connect' | 'nothing' = 'error';
const tries: unknown[] = [];

vi.mock('node:net', () => ({
  connect: (to: unknown) => {
    tries.push(to);
    const socket = Object.assign(new EventEmitter(), { destroy: () => {} });
    const event = meets;
    if (event !== 'nothing') queueMicrotask(() => socket.emit(event));
    return socket;
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  meets = 'error';
  tries.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

/** A command that needs the server, and what became of it. */
function command({ isTimeoutGiven = false, url = 'ws://127.0.0.1:8080/ws' } = {}) {
  const events = new Emitter<ClientEvents>();
  const client = { on: events.on.bind(events), options: { connection: { url } } } as never;
  const reach = reaching(client, { isTimeoutGiven });
  const seen = { code: '' };
  void reach(new Promise(() => {})).catch(({ code }) => {
    seen.code = code;
  });
  return { events, seen, reach };
}

// `rooms` said after 33 seconds that the server is down.
it('says within seconds that nothing listens at the address', async () => {
  const { events, seen, reach } = command();
  for (const state of ['connecting', 'offline'] as const) events.emit('connection', state);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(seen.code).toBe('');
  await vi.advanceTimersByTimeAsync(400);
  expect(seen.code).toBe('OFFLINE');
  expect(tries[0]).toEqual({ host: '127.0.0.1', port: 8080 });
  // What settled by itself is not touched by it.
  await expect(reach(Promise.resolve(1))).resolves.toBe(1);
});

it.each([
  ['a server that comes back meanwhile', 'connect', {}],
  ['a network that swallows everything', 'nothing', {}],
  ['whatever comes where the person said how long to wait', 'error', { isTimeoutGiven: true }],
] as const)('waits for %s', async (_, later, given) => {
  const { events, seen } = command(given);
  events.emit('connection', 'offline');
  await vi.advanceTimersByTimeAsync(1_000);
  meets = later;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(seen.code).toBe('');
});

it('tries nothing of its own where somebody answered, and knows the ports that an address leaves out', async () => {
  const answered = command();
  for (const state of ['connecting', 'greeting', 'offline'] as const) answered.events.emit('connection', state);
  await vi.advanceTimersByTimeAsync(20_000);
  expect([answered.seen.code, tries]).toEqual(['', []]);
  for (const url of ['wss://lux.example/ws', 'ws://[::1]/ws']) command({ url }).events.emit('connection', 'offline');
  expect(tries).toEqual([
    { host: 'lux.example', port: 443 },
    { host: '::1', port: 80 },
  ]);
});

it('knows that a device is logged in, or logged out, or that nobody can say now', async () => {
  const asked = () => {
    const events = new Emitter<ClientEvents>();
    return { events, loggedIn: loggedInOf({ on: events.on.bind(events) } as never) };
  };
  for (const state of ['live', 'offline'] as const) {
    const { events, loggedIn } = asked();
    events.emit('connection', 'connecting');
    events.emit('connection', state);
    expect(await loggedIn()).toBe(state === 'live');
  }
  const over = asked();
  const error = new ClientError('LOGIN_NEEDED', 'This device was logged out.');
  // `chat` took lines as if there were no connection alone: the server had hung up on a token that it did not know any more.
  for (const state of ['connecting', 'greeting', 'offline', 'connecting', 'ended'] as const)
    over.events.emit('connection', state);
  over.events.emit('ended', error);
  await expect(over.loggedIn()).rejects.toBe(error);
  // A network that swallows everything holds up nobody who writes for later.
  const swallowed = asked();
  swallowed.events.emit('connection', 'connecting');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await swallowed.loggedIn()).toBe(false);
});
