// The composition root: builds one provider node out of its parts, starts it, drains it. Nothing else knows all parts.
import { mkdirSync } from 'node:fs';
import { firstSession } from '#actors/cluster/seats.ts';
import { type Address, parseAddress } from '#actors/kernel/address.ts';
import type { AboutDirectory, RoomSummary, ServedRequest } from '#actors/kernel/messages.ts';
import type { LogAnswer } from '#actors/log/messages.ts';
import { decodeSummary, summaryKey } from '#actors/room/reading/entry.ts';
import { Room } from '#actors/room/room.ts';
import { DeviceBuckets } from '#actors/session/bucket.ts';
import { botRates, defaultRates, defaultSessionLimits } from '#actors/session/limits.ts';
import { Session } from '#actors/session/session.ts';
import { UserActor } from '#actors/user/user.ts';
import { answerOpen, closeAccount } from './account-closing.ts';
import { type Auth, type AuthOptions, createAuth } from './auth/auth.ts';
import { botId, botSecret } from './auth/bots.ts';
import type { AuthLimits } from './auth/limits.ts';
import { boundAttempt } from './backup/attempt.ts';
import { Backups } from './backup/backups.ts';
import { belong } from './belonging.ts';
import { ContractBroken } from './broken-contract.ts';
import { ClockOff, checkClock } from './clock-check.ts';
import type { Cluster } from './cluster/cluster.ts';
import { type Config, infoBotName, infoBotOf } from './config.ts';
import { ConfigError } from './config-sources.ts';
import { Directory } from './directory/directory.ts';
import { openTransport } from './front.ts';
import { type NodeState, watch } from './gauges.ts';
import { livesOf } from './lives.ts';
import { nodePrimitives } from './primitives.ts';
import { Reports } from './report/reports.ts';
import { openStaffDoor } from './report/staff-door.ts';
import { Rest, restLimits } from './rest.ts';
import { Runtime } from './runtime.ts';
import { keepBotSecret, secretsFolder } from './secrets.ts';
import type { Serve } from './serving.ts';
import { peekHeads } from './storage/heads.ts';
import { LogRunner, type LogRunnerOptions } from './storage/log-runner.ts';
import type { StorageError } from './storage/store.ts';
import { sweepDue } from './storage/sweep.ts';
import { StoreRequests } from './store-requests.ts';
import { openStore, type ProviderStore } from './stores.ts';
import { code, type LogFile, openLog } from './telemetry/log.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { makeCluster, takePlace } from './town.ts';
import { createOpsServer } from './transport/ops.ts';
import type { Transport } from './transport/transport.ts';
import { Waking } from './waking.ts';

/** How often logins that ran out are cleared away and actors woken that have something left to do, and files of expired weeks removed, in milliseconds. */
const sweepMs = 60_000;
const expireMs = 3_600_000;
/** For actors to write what they hold, at the end, milliseconds. */
export const drainActorsMs = 10_000;

/** A running node. */
export interface Provider {
  /** Address for devices, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The port that is open. */
  readonly port: number;
  readonly opsUrl: string;
  readonly runtime: Runtime;
  readonly metrics: Metrics;
  /** Goes on in a new log file, after the old one was renamed. */
  reopenLog(): void;
  /** Moves connections away, lets actors write what they hold, closes the store. */
  drain(): Promise<void>;
}

/** How LuxID is reached; see the options of login. */
export type LuxIdAddress = Pick<AuthOptions, 'issuer' | 'clientId' | 'clientSecret' | 'stepUpAcr'>;

/** What the outside supplies. */
export interface ProviderPorts {
  /** Issuer of LuxID, or the started stand-in's; asked once the own port is known, because LuxID must know where to return to. */
  readonly luxid: (callbackUrl: string) => Promise<LuxIdAddress>;
  /** Nothing can be acknowledged any more and this process must end; a sentence for the operator says why. */
  readonly lost: (why: string) => void;
  /** Something is not as it should be, and this node goes on; a sentence for the operator. */
  readonly warned?: (what: string) => void;
}

/** Starts a node. Rejects with ConfigError, or with the coded error of the part that could not start; what was started is closed again. */
export async function startProvider(config: Config, ports: ProviderPorts): Promise<Provider> {
  makeFolder(config.data);
  const log = openLog(config.data, config.logLevel);
  const metrics = createMetrics();
  const failed = (failure: StorageError, cause: string) => {
    log.error('store failed', failure, { cause: code(cause) });
    ports.lost(`${failure.message} (${cause}): free space or mend the disk, then start again.`);
  };
  const requests = new StoreRequests();
  const unsafe = (sentence: string) => {
    log.warn('store unsafe');
    ports.warned?.(`${sentence}. Mode production refuses this.`);
  };
  const store = await openStore(config, { failed, unsafe, requests });
  const closing: (() => Promise<unknown>)[] = [() => store.close()];
  try {
    return await startOn(config, ports, { log, metrics, store, requests, closing });
  } catch (error) {
    for (const close of closing.reverse()) await close();
    throw error;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError(`The data folder ${folder} can't be made: choose another one with --data.`, { cause });
  }
}

interface Ground {
  readonly log: LogFile;
  readonly metrics: Metrics;
  readonly store: ProviderStore;
  readonly requests: StoreRequests;
  readonly closing: (() => Promise<unknown>)[];
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the one place where everything is tied together, in the order in which it starts.
async function startOn(
  config: Config,
  ports: ProviderPorts,
  { log, metrics, store, requests, closing }: Ground,
): Promise<Provider> {
  const secret = await belong(store, config);
  let auth: Auth | undefined;
  // Devices come back before the login runs: their tokens are not unknown, they wait.
  const login = Promise.withResolvers<Auth>();
  await checkClock(store, log);
  const place = config.store === 'cassandra' ? await takePlace(store, config.node) : null;
  const seat = place?.seat ?? 0;
  let cluster: Cluster | null = null;
  const lives = livesOf(config);
  const running: Omit<LogRunnerOptions, 'generation' | 'store'> & { readonly store: ProviderStore } = {
    store,
    now: Date.now,
    limits: lives.logs,
    broken: (reason) => log.error('log contract broken', new ContractBroken(reason)),
    failed: (cause) => log.error('store request failed', cause),
    // Another process owns the logs: whatever this one still held can never be acked, so it goes and says so.
    fenced: () => {
      log.error('fenced', new Error('another process took the logs over'));
      ports.lost(
        place === null
          ? 'Another process took this folder over.'
          : 'The other nodes held this one for dead and took over. Start it again.',
      );
    },
  };
  const runner =
    place === null
      ? await LogRunner.start({ ...running, node: 'n1' })
      : new LogRunner({ ...running, generation: place.generation });
  closing.push(() => runner.stop());
  const bots = new Set(config.bots.map((name) => botId(name, config.provider)));
  const isBot = (user: string) => bots.has(user);
  for (const name of config.bots) keepBotSecret(secretsFolder(config), name, botSecret(secret, name));
  const rates = { ...defaultRates, submit: { burst: config.sendBurst, perSecond: config.sendPerSecond } };
  const sessions = {
    buckets: new DeviceBuckets((user) => (isBot(user) ? botRates : rates)),
    limits: defaultSessionLimits,
    isBot,
  };
  const infoBot = infoBotOf(config) === 'off' ? '' : botId(infoBotName, config.provider);
  const { limitInvitations } = config;
  const users = { primitives: nodePrimitives, heartbeatSeconds: 30, isBot, limitInvitations, infoBot };
  const rooms = {
    provider: config.provider,
    primitives: nodePrimitives,
    limits: lives.rooms,
    providerOf: () => undefined,
    incarnation: 1,
    isBot,
  };
  const backups = new Backups({
    store: store.backups(),
    useGrant: async (use) => (await login.promise).useGrant(use),
    primitives: nodePrimitives,
    now: Date.now,
  });
  const directory = new Directory({ store: store.directory(), isBot, now: Date.now });
  const reports = new Reports({ store, primitives: nodePrimitives, now: Date.now });
  const account = { login: () => login.promise, directory, backups };
  const serve: Serve = ({ user, device, body }) => {
    if (body.$case === 'report') return reports.serve({ user, body });
    return isAboutDirectory(body) ? directory.serve({ user, body }) : backups.serve({ user, device, body });
  };
  const waking = new Waking();
  const runtime: Runtime = new Runtime({
    create: {
      session: (session) => new Session(session, sessions),
      user: (user, incarnation) => new UserActor(user, incarnation, users),
      room: (room) => new Room(room, rooms),
    },
    publish: (topic, frame) => transport.publish(topic, frame),
    checkToken: async (token) => {
      const identity = await (await login.promise).verifyAccess(token);
      return identity && { ...identity, deviceName: identity.deviceName ?? `device ${identity.deviceNumber}` };
    },
    revokeDevice: async (user, device) => {
      await auth?.revokeDevice(user, device);
    },
    checkGrant: async ({ user, device, purpose, grant: { token, attempt }, content }) => {
      const bound = boundAttempt(purpose, { attempt, content }, nodePrimitives);
      return (await login.promise).useGrant({ user, device, purpose, token, attempt: bound });
    },
    closeAccount: (user, purpose) => closeAccount(account, user, purpose),
    serve: (request) => answerOpen(account, request, serve),
    logs: (answer) => {
      const logs = runner.serve((actor, incarnation, heard) => {
        if (isWell(heard)) waking.worked(actor);
        answer(actor, incarnation, heard);
      });
      return {
        command: (actor, incarnation, command) => logs.command(actor, incarnation, command),
        forget: (actor, incarnation) => logs.forget(actor, incarnation),
        peek: (actor) => runner.hearFailures(sleepingSummary(logs, store, actor)),
      };
    },
    limits: { idleMs: { user: config.userIdleSeconds * 1000, room: config.roomIdleSeconds * 1000 } },
    log,
    ...(place === null ? {} : { cluster: { seat, send: (to, packet) => cluster?.send(to, packet) } }),
  });
  if (place !== null) {
    const town = makeCluster(config, { store, runner, runtime, place, log });
    cluster = town;
    closing.push(() => town.close());
    await town.start();
  }
  const transport: Transport = openTransport(config, runtime, {
    log,
    http: (request) => auth?.handle(request) ?? { status: 503 },
    firstConnection: firstSession(seat) + 1,
  });
  const port = await transport.listen();
  closing.push(() => transport.drain(0));
  const url = config.publicUrl || `${config.tlsCert ? 'https' : 'http'}://${urlHost(config.host)}:${port}`;
  const luxid = await ports.luxid(`${url}/auth/callback`);
  auth = createAuth({
    ...luxid,
    providerName: config.provider,
    publicUrl: url,
    webOrigins: config.origins,
    secret,
    store: store.accounts(),
    bots: config.bots,
    limits: loginLimits(config),
    log: {
      info: (event) => log.info(event),
      warn: (event) => log.warn(event),
      error: (event, error) => log.error(event, error),
    },
  });
  login.resolve(auth);
  auth.onRevoked(({ userId, deviceNumber }) => runtime.deviceRevoked(userId, deviceNumber));
  const wakeDue = async () => {
    const now = Date.now();
    const wake = (actor: string) => {
      if (waking.mayWake(actor, now)) runtime.wake(actor as Address);
    };
    await sweepDue({ store, get: (actor) => runner.get(actor), now, wake, isOwn: (shard) => runtime.owns(shard) });
    waking.swept();
  };
  const rest = new Rest();
  const jobs = [
    // One node clears away for all: the one that has the first shard.
    every(sweepMs, async () => (runtime.owns(0) ? await auth.sweep(1000) : undefined), {
      failed: (error) => log.error('login sweep failed', error),
    }),
    every(sweepMs, () => backups.sweep(), { failed: (error) => log.error('backup sweep failed', error) }),
    every(sweepMs, wakeDue, { failed: (error) => log.error('waking failed', error) }),
    every(sweepMs, () => checkClock(store, log), {
      failed: (error) => (error instanceof ClockOff ? ports.lost(`${error.message}.`) : runner.noteFailure(error)),
    }),
    every(expireMs, () => store.expire(), { failed: (error) => log.error('expiry failed', error) }),
    setInterval(() => rest.look(), restLimits.lookMs),
  ];
  const endJobs = async () => {
    for (const job of jobs) clearInterval(job);
  };
  closing.push(endJobs);
  let draining = false;
  const writes = () => runner.healthy() && store.hasFailed !== true;
  const state: NodeState = {
    ready: () => !draining && writes() && (cluster === null || (cluster.isFresh && cluster.isLinked)),
    draining: () => draining,
    writes,
  };
  const ops = createOpsServer({
    host: config.opsHost,
    port: config.opsPort,
    ready: state.ready,
    metrics: async () => (await metrics.scrape()).body,
    onFault: (cause) => log.error('ops failed', cause),
  });
  const opsPort = await ops.listen();
  closing.push(() => ops.close());
  const closeStaffDoor = await openStaffDoor({
    data: config.data,
    reports,
    failed: (cause) => log.error('staff door failed', cause),
  });
  closing.push(closeStaffDoor);
  watch(metrics, { runtime, transport, cluster, state, requests, backups, directory, reports });
  log.info('started', { port, opsPort, ...(place === null ? {} : { seat: place.seat }) });
  return {
    url,
    port,
    opsUrl: `http://${urlHost(config.opsHost)}:${opsPort}`,
    runtime,
    metrics,
    reopenLog: () => log.reopen(),
    drain: async () => {
      log.info('draining');
      draining = true;
      await endJobs();
      const away = transport.drain(config.drainSeconds * 1000);
      if (cluster !== null && !(await cluster.leave())) log.warn('left with shards');
      await away;
      const left = await runtime.drain(drainActorsMs);
      await cluster?.close();
      await closeStaffDoor();
      await ops.close();
      await runner.stop();
      await store.close();
      log.info('stopped', { actorsLeft: left });
    },
  };
}

function isAboutDirectory(body: ServedRequest): body is AboutDirectory {
  return body.$case === 'readListing' || body.$case === 'setListing' || body.$case === 'searchDirectory';
}

/** Did the log make something durable? Opening it may work while writing to it does not. */
function isWell({ kind }: LogAnswer): boolean {
  return kind === 'appended' || kind === 'saved' || kind === 'rewritten' || kind === 'closed';
}

/** Does `work` again and again, never twice at once: a slow run lets the next one out. */
function every(
  ms: number,
  work: () => Promise<unknown>,
  { failed }: { readonly failed: (error: unknown) => void },
): NodeJS.Timeout {
  let busy = false;
  return setInterval(() => {
    if (busy) return;
    busy = true;
    void work()
      .catch(failed)
      .finally(() => {
        busy = false;
      });
  }, ms);
}

/** The summary of a room that sleeps. Null where an actor has it, or where its summary is not of the last event: then it must be asked. */
async function sleepingSummary(logs: LogRunner, store: ProviderStore, actor: string): Promise<RoomSummary | null> {
  if (logs.get(actor)) return null;
  const head = (await peekHeads(store, [actor], summaryKey)).get(actor);
  const summary = head ? decodeSummary(parseAddress(actor as Address).id, head.value) : null;
  return summary?.entry.headSeq === (head?.nextSeq ?? 0) - 1 ? summary : null;
}

/** A login takes one of each; a source may do some more of the later steps, since a step may be repeated. */
function loginLimits({ loginsPerMinute }: Config): Partial<AuthLimits> {
  return {
    startsPerMinute: loginsPerMinute,
    callbacksPerMinute: loginsPerMinute * 2,
    exchangesPerMinute: loginsPerMinute * 2,
    grantsPerMinute: loginsPerMinute * 2,
    refreshesPerMinute: loginsPerMinute * 30,
  };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
