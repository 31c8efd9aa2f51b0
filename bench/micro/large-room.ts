// What a room of 1,000 devices costs the one who writes: the first message, one after somebody was removed, one under a new session by count, one after a restart. Time, bytes
// that go out and come in, and for how long at most the app's thread is not given back (its CPU time between two turns of a timer), with the engine in that thread and in one
// of its own. Engine and port are the SDK's, its store lies on the disk; the provider in front of it answers at once, out of keys that were signed before.
// Run: node bench/micro/large-room.ts [--write] [--people 500] [--devices 2] [--rounds 3]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ClientBody, ServerBody } from '#client/connection/connection.ts';
import { createCryptoServer } from '#client/crypto/crypto-server.ts';
import type { CryptoEngine, CryptoLedger, CryptoServer, Recipient } from '#client/crypto/engine.ts';
import { MemoryLedger } from '#client/crypto/ledger.ts';
import { openEngine } from '#client/crypto/olm-engine.ts';
import { TestServer } from '#client/crypto/test-server.ts';
import { openCryptoStore } from '#client/node/crypto-store.ts';
import { openThreadedEngine } from '#client/node/threaded-engine.ts';
import { portablePrimitives } from '#client/primitives.ts';
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { cpuMicros, median, writeResult } from './lib/figures.ts';
import { KeptPerson } from './lib/room-keys.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    people: { type: 'string', default: '500' },
    devices: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
  },
});
const [people, devices, rounds] = [flags.people, flags.devices, flags.rounds].map(Number) as [number, number, number];
const self = '@writer:bench';
const room = `!g${'a'.repeat(32)}:bench`;
const rotation = { messages: 3, ageMs: 30 * 86_400_000 };
const plaintext = new Uint8Array(600);
const crowd: ReadonlyMap<string, KeptPerson> = new Map(
  Array.from({ length: people }, (_, n) => [`@p${n}:bench`, new KeptPerson(`@p${n}:bench`, devices)] as const),
);
/** A provider puts no more into one answer: a frame holds 64 KiB. */
const answerBytes = 60_000;

/** The provider, and what went over the wire. */
class Provider {
  out = 0;
  in = 0;
  messages = 0;
  requests = 0;

  async request(body: ClientBody): Promise<unknown> {
    const answer = this.#answer(body);
    this.requests += 1;
    this.out += ClientFrame.encode({ request: this.requests, body }).finish().length;
    this.in += ServerFrame.encode({ request: this.requests, body: answer }).finish().length;
    await new Promise((resolve) => setImmediate(resolve));
    return answer.value;
  }

  #answer(body: ClientBody): ServerBody {
    switch (body.$case) {
      case 'queryKeys':
        return { $case: 'keysAnswer', value: this.#keys(body.value.users) };
      case 'claimKeys': {
        const keys = body.value.targets.flatMap(({ user, device }) => crowd.get(user)?.claim(device) ?? []);
        return { $case: 'claimsAnswer', value: { keys } };
      }
      case 'sendDeviceMessages':
        this.messages += body.value.messages.length;
        return { $case: 'deliveryReport', value: { undelivered: [] } };
      default:
        return { $case: 'done', value: {} };
    }
  }

  #keys(asked: readonly string[]) {
    const users = [];
    let bytes = 0;
    for (const user of asked) {
      const keys = crowd.get(user)?.keys;
      if (!keys) continue;
      bytes += keys.devices.reduce((sum, { deviceJson }) => sum + deviceJson.length + 40, 1_100);
      if (bytes > answerBytes) break;
      users.push(keys);
    }
    const answered = new Set(users.map(({ user }) => user));
    return { users, missing: [], deferred: asked.filter((user) => crowd.has(user) && !answered.has(user)) };
  }
}

const provider = new Provider();
const wire = createCryptoServer({
  parts: () => ({
    request: (body) => provider.request(body) as never,
    ...{ user: self, deviceId: 'WRITER', primitives: portablePrimitives, count: () => {} },
  }),
  ...{ sharedRoom: () => room, now: Date.now, laneFull: () => {} },
});
/** The writer's own keys stay out of the figures. */
function portOf(own: TestServer): CryptoServer {
  const kept = own.portOf(self, 'WRITER');
  return {
    ...kept,
    queryKeys: async (users, via) => {
      const others = users.filter((user) => user !== self);
      const found = others.length < users.length ? await kept.queryKeys([self]) : [];
      return others.length === 0 ? found : [...found, ...(await wire.queryKeys(others, via))];
    },
    claimKeys: (targets, via) => wire.claimKeys(targets, via),
    sendDeviceMessages: (id, messages, via) => wire.sendDeviceMessages(id, messages, via),
  };
}

/** The writer's device. */
interface Writer {
  readonly server: CryptoServer;
  readonly ledger: CryptoLedger;
  readonly folder: string;
}

/** The longest piece of CPU time that the thread took without a turn of a timer. */
class Stalls {
  longestMs = 0;
  #before = 0;
  #timer: NodeJS.Timeout | undefined;

  begin(): void {
    this.longestMs = 0;
    this.#before = threadMs();
    this.#timer = setInterval(() => this.#look(), 1);
  }

  end(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.longestMs;
  }

  #look(): void {
    const now = threadMs();
    this.longestMs = Math.max(this.longestMs, now - this.#before);
    this.#before = now;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

type Figures = Record<
  'ms' | 'CPU ms' | 'all CPU ms' | 'longest stall ms' | 'messages' | 'KB out' | 'KB in' | 'requests',
  number
>;
const stalls = new Stalls();

async function measured(engine: Pick<CryptoEngine, 'encrypt'>, recipients: readonly Recipient[]): Promise<Figures> {
  Object.assign(provider, { out: 0, in: 0, messages: 0, requests: 0 });
  const [began, cpu, allCpu] = [performance.now(), threadMs(), cpuMicros()];
  stalls.begin();
  const { excluded } = await engine.encrypt({ room, recipients, plaintext, rotation });
  const stall = stalls.end();
  if (excluded.some(({ reason }) => reason !== 'NOT_LISTED')) throw new Error(`left out: ${excluded.length}`);
  return {
    ms: Math.round(performance.now() - began),
    'CPU ms': Math.round(threadMs() - cpu),
    'all CPU ms': Math.round((cpuMicros() - allCpu) / 1000),
    'longest stall ms': Math.round(stall),
    messages: provider.messages,
    'KB out': Math.round(provider.out / 1000),
    'KB in': Math.round(provider.in / 1000),
    requests: provider.requests,
  };
}

const everyone: Recipient[] = [...crowd.values()].map(({ user, devices: listed }) => ({ user, devices: listed }));
const steps = [
  'first message',
  'the next',
  'after a removal',
  'under a new session, by count',
  'after a restart',
] as const;
const kinds = ['own thread', 'worker'] as const;
type Kind = (typeof kinds)[number];
type Used = 'flush' | 'createIdentity' | 'encrypt' | 'close';
const seen: { kind: Kind; step: string; figures: Figures }[] = [];

async function open(kind: Kind, { server, ledger, folder }: Writer): Promise<Pick<CryptoEngine, Used>> {
  const options = { user: self, device: 'WRITER', server, ledger };
  if (kind === 'worker') return openThreadedEngine(options, folder);
  const store = await openCryptoStore(folder);
  const engine = await openEngine({ ...options, store });
  return {
    flush: () => engine.flush(),
    createIdentity: () => engine.createIdentity(),
    encrypt: (request) => engine.encrypt(request),
    close: () => engine.close().then(() => store.close()),
  };
}

async function round(kind: Kind): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-large-room-'));
  const writer: Writer = { folder, server: portOf(new TestServer()), ledger: new MemoryLedger() };
  let engine = await open(kind, writer);
  await engine.flush();
  await engine.createIdentity();
  const take = async (step: (typeof steps)[number], recipients: readonly Recipient[]) => {
    seen.push({ kind, step, figures: await measured(engine, recipients) });
  };
  await take('first message', everyone);
  await take('the next', everyone);
  const fewer = everyone.slice(1);
  await take('after a removal', fewer);
  for (let n = 1; n < rotation.messages; n++) await measured(engine, fewer);
  await take('under a new session, by count', fewer);
  await engine.close();
  engine = await open(kind, writer);
  await take('after a restart', fewer);
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
}

for (let n = 0; n < rounds; n++) for (const kind of kinds) await round(kind);
const figures = kinds.flatMap((kind) =>
  steps.map((step) => {
    const all = seen.filter((one) => one.kind === kind && one.step === step).map((one) => one.figures);
    const names = Object.keys(all[0] as Figures) as (keyof Figures)[];
    const medians = names.map((name) => [name, median(all.map((one) => one[name]))] as const);
    return { kind, step, ...Object.fromEntries(medians) };
  }),
);
console.table(figures);
if (flags.write) writeResult('micro-large-room', { people, devices, rounds }, figures);
