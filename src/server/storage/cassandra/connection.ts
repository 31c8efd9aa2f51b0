// Statements to Cassandra, in the few ways that the store uses. Guarantees: nothing is ever sent twice, by the driver or here, so that an error means
// what the ports say (it may have happened, may happen later, or never); conditional changes of one row go one after the other, since two at once from
// one process would only get in each other's way; every request is answered or given up within a bound; `close` waits for those under way.
import { auth, Client, errors, policies, type QueryOptions, types } from 'cassandra-driver';
import { StorageError } from '../store.ts';
import type { Ring } from './rows/replicas.ts';
import { Slots, Turns } from './turns.ts';

export interface ConnectionOptions {
  readonly contactPoints: readonly string[];
  /** Default 9042. */
  readonly port?: number;
  readonly localDataCenter: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** PEM texts: the authority that signs the servers' certificates, and what this end shows. Absent: plain. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** An answer that takes longer counts as none. Default 3,000: longer than Cassandra's own patience with a write, 2 s. */
  readonly requestTimeoutMs?: number;
  /** Writes of content under way at once, of all logs. Default 256. More wait here. */
  readonly inFlightMax?: number;
  /** Hears how long each request took, and what it was rejected with. */
  readonly answered?: (ms: number, failure?: unknown) => void;
}

/** Writes of content under way at once, unless another number is given. */
export const inFlightMax = 256;

export type Params = readonly unknown[];

export interface Statement {
  readonly query: string;
  readonly params: Params;
}

export interface Page {
  readonly rows: readonly types.Row[];
  /** null = the last one. */
  readonly next: string | null;
}

const { localQuorum, localSerial } = types.consistencies;

/** Code of Cassandra's answer to a wrong user or password. */
const badCredentials = 0x0100;
/** Servers that are asked about themselves at once. */
const serversMax = 15;

/** Plain reads and writes. Answers are bounded by what is asked, so they come whole (0 = no pages), unless pages are asked for. */
const plain: QueryOptions = { prepare: true, consistency: localQuorum, fetchSize: 0 };
/** Sees every conditional change that was decided, and completes what was begun. */
const serialRead: QueryOptions = { prepare: true, consistency: localSerial, fetchSize: 0 };
/** Decided among replicas of this datacenter, and committed to a quorum of them before the answer (rule 2). */
const conditional: QueryOptions = { prepare: true, consistency: localQuorum, serialConsistency: localSerial };

export class Connection {
  readonly #client: Client;
  readonly #turns = new Turns();
  readonly #slots: Slots;
  readonly #asked = new Set<Promise<unknown>>();
  readonly #answered: (ms: number, failure?: unknown) => void;
  #closed: Promise<void> | null = null;

  /** Rejects with UNREACHABLE. */
  static async open(options: ConnectionOptions, keyspace: string): Promise<Connection> {
    const client = driver(options, { keyspace });
    await connected(client, options);
    return new Connection(client, options);
  }

  private constructor(client: Client, { inFlightMax: most = inFlightMax, answered = () => {} }: ConnectionOptions) {
    this.#client = client;
    this.#answered = answered;
    this.#slots = new Slots(most);
  }

  /** A read at LOCAL_QUORUM. */
  async read(query: string, params: Params): Promise<readonly types.Row[]> {
    return (await this.#answer(() => this.#client.execute(query, params as unknown[], plain))).rows;
  }

  /**
   * Asks each server of this datacenter that is connected, up to `serversMax` of them, about itself; those that do not answer are left out. `answered` hears each
   * answer as it comes. Rejects when none does.
   */
  async readEach<T>(query: string, answered: (row: types.Row) => T): Promise<readonly T[]> {
    const hosts = this.#client.getState().getConnectedHosts().slice(0, serversMax);
    const asked = hosts.map(async (host) =>
      answered((await this.#answer(() => this.#client.execute(query, [], { host }))).first()),
    );
    const told: T[] = [];
    const results = await Promise.allSettled(asked);
    for (const result of results)
      if (result.status === 'fulfilled') told.push(result.value);
      else if (!(result.reason instanceof StorageError)) throw result.reason;
    if (told.length > 0) return told;
    throw new StorageError('UNANSWERED', 'No server of Cassandra answered', { cause: results });
  }

  /** One page of a read at LOCAL_QUORUM. */
  async page(
    { query, params }: Statement,
    { rows, from }: { readonly rows: number; readonly from: string | null },
  ): Promise<Page> {
    const options = { ...plain, fetchSize: rows, ...(from === null ? {} : { pageState: from }) };
    const found = await this.#answer(() => this.#client.execute(query, params as unknown[], options));
    return { rows: found.rows, next: found.pageState ?? null };
  }

  /** A read at LOCAL_SERIAL, of one partition. */
  async readSerial(query: string, params: Params): Promise<readonly types.Row[]> {
    return (await this.#answer(() => this.#client.execute(query, params as unknown[], serialRead))).rows;
  }

  /** A write at LOCAL_QUORUM. */
  async write(query: string, params: Params): Promise<void> {
    await this.#answer(() => this.#client.execute(query, params as unknown[], plain));
  }

  /** Writes at LOCAL_QUORUM: of each partition all or none. */
  async writeTogether(statements: readonly Statement[]): Promise<void> {
    const [only] = statements;
    if (only === undefined) return;
    if (statements.length === 1) return await this.write(only.query, only.params);
    const options = { ...plain, logged: false };
    await this.#answer(() => this.#client.batch(batched(statements), options));
  }

  /** Which servers hold what; see rows/replicas.ts. */
  get ring(): Ring {
    return this.#client;
  }

  /** Runs when there is room among the writes of content. */
  inSlot<T>(run: () => Promise<T>): Promise<T> {
    return this.#slots.run(run);
  }

  /** A conditional change; the row says whether it was applied and, if not, what is there. Those of one `row` wait for each other. */
  async change(row: string, { query, params }: Statement): Promise<{ applied: boolean; found: types.Row }> {
    return await this.#turns.run(row, async () => {
      const result = await this.#answer(() => this.#client.execute(query, params as unknown[], conditional));
      return { applied: result.wasApplied(), found: result.first() };
    });
  }

  /** Conditional changes of one partition: all or none. */
  async changeTogether(row: string, statements: readonly Statement[]): Promise<boolean> {
    return await this.#turns.run(row, async () => {
      const result = await this.#answer(() =>
        this.#client.batch(batched(statements), { ...conditional, logged: false }),
      );
      return result.wasApplied();
    });
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#asked).then(() => this.#client.shutdown());
    return this.#closed;
  }

  async #answer<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#closed !== null) throw new StorageError('CLOSED', 'The store was closed');
    const began = performance.now();
    const asked = ask();
    this.#asked.add(asked);
    try {
      const answer = await asked;
      this.#answered(performance.now() - began);
      return answer;
    } catch (cause) {
      this.#answered(performance.now() - began, cause ?? 'unknown');
      throw new StorageError('UNANSWERED', 'Cassandra did not carry out a request, or did not say so', { cause });
    } finally {
      this.#asked.delete(asked);
    }
  }
}

/** A client of the driver that sends nothing twice. */
export function driver(options: ConnectionOptions, more: { readonly keyspace?: string; readonly timeoutMs?: number }) {
  const { contactPoints, port = 9042, localDataCenter, credentials, tls, requestTimeoutMs = 3_000 } = options;
  return new Client({
    contactPoints: [...contactPoints],
    localDataCenter,
    ...(more.keyspace === undefined ? {} : { keyspace: more.keyspace }),
    ...(credentials === undefined
      ? {}
      : { authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password) }),
    // Left to itself the driver takes any certificate.
    ...(tls === undefined ? {} : { sslOptions: { ...tls, rejectUnauthorized: true, minVersion: 'TLSv1.2' } }),
    // schema.ts waits for agreement in its own way. Trying a newer protocol first makes Cassandra answer twice, on which the driver gives one number to two
    // requests and waits for ever.
    protocolOptions: { port, maxVersion: types.protocolVersion.v4, maxSchemaAgreementWaitSeconds: 0 },
    // A server that stands still keeps its connections: after a few answers that did not come, or a sign of life, it is left alone until it is back.
    socketOptions: { readTimeout: more.timeoutMs ?? requestTimeoutMs, defunctReadTimeoutThreshold: 4 },
    pooling: { heartBeatInterval: 2_000 },
    encoding: { useBigIntAsLong: true, copyBuffer: true },
    policies: {
      retry: new NeverAgain(),
      speculativeExecution: new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
    },
    // No statement is marked so: it would only matter to the two policies above.
    queryOptions: { isIdempotent: false, captureStackTrace: false },
  });
}

/** Connects, or says to the operator what is wrong. */
export async function connected(client: Client, { contactPoints, localDataCenter }: ConnectionOptions): Promise<void> {
  try {
    await client.connect();
  } catch (cause) {
    // Why it did not connect says more than why what was never open did not close.
    await client.shutdown().catch(() => {});
    const text = `No Cassandra answers at ${contactPoints.join(', ')} in datacenter ${localDataCenter}`;
    throw new StorageError('UNREACHABLE', `${text}${hintOf(cause)}`, { cause });
  }
}

/** What the servers said, where that helps. */
function hintOf(cause: unknown): string {
  const inner = cause instanceof errors.NoHostAvailableError ? Object.values(cause.innerErrors ?? {}) : [cause];
  const [error] = inner as (NodeJS.ErrnoException | undefined)[];
  if (
    error instanceof errors.AuthenticationError ||
    (error instanceof errors.ResponseError && error.code === badCredentials)
  )
    return ': user and password are not accepted, or missing';
  if (error?.code !== undefined && /CERT|TLS|SSL|SIGNED|SIGNATURE/.test(String(error.code)))
    return `: no encrypted connection (${error.code})`;
  return '';
}

/**
 * Hands every failure on. The driver's own policy sends a request again to another server when a connection breaks, conditional ones too: a change that
 * was applied would then be reported as not applied.
 */
class NeverAgain extends policies.retry.RetryPolicy {
  override onReadTimeout() {
    return this.rethrowResult();
  }
  override onRequestError() {
    return this.rethrowResult();
  }
  override onUnavailable() {
    return this.rethrowResult();
  }
  override onWriteTimeout() {
    return this.rethrowResult();
  }
}

function batched(statements: readonly Statement[]): { query: string; params: unknown[] }[] {
  return statements.map(({ query, params }) => ({ query, params: params as unknown[] }));
}
