// What goes wrong with a development server, as one error: a stable code, what happened, and what to do next. A launcher throws nothing else on
// purpose, so a test or a person at a terminal reads the same two sentences.

/** Stable: tests and scripts compare them. */
export type FailureCode =
  | 'JAVA_MISSING'
  | 'MAVEN_MISSING'
  | 'FETCH_FAILED'
  | 'UNEXPECTED_FILE'
  | 'REDIS_MISSING'
  | 'ADDRESS_MISSING'
  | 'PORTS_TAKEN'
  | 'START_FAILED'
  | 'NOT_RUNNING'
  | 'NODETOOL_FAILED';

/** A development server could not be had, or did not do what it was told. */
export class DevFailure extends Error {
  readonly code: FailureCode;
  /** What the reader can do about it, as one sentence. */
  readonly next: string;

  constructor(code: FailureCode, what: string, options: { next: string; cause?: unknown }) {
    super(`${what} [${code}] ${options.next}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DevFailure';
    this.code = code;
    this.next = options.next;
  }
}
