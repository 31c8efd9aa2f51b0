// The log's limits, each with its outcome. Tests shrink them, and limits.test.ts tries each at its bound and beyond.

export interface LogLimits {
  /** Rows in a segment, and rows that state does not cover yet. Reached: the segment is sealed. */
  readonly segmentRowsMax: number;
  /** Bytes of the rows in a segment. Reached: the segment is sealed. */
  readonly segmentBytesMax: number;
  /** Age of a segment's first row, milliseconds. Reached: sealed at the next event, or when the sweep of due segments wakes the log. */
  readonly segmentAgeMs: number;
  /** A row is kept for at least so long, milliseconds, even if it came late: it must outlive its segment's opening. */
  readonly rowLifeMsMin: number;
  /** Tries of a request that may be repeated. Used up: the log is lost, UNAVAILABLE. */
  readonly attemptsMax: number;
  /** Tries to change the meta while opening. Used up: the log is lost, UNAVAILABLE. */
  readonly openAttemptsMax: number;
  /** Rows and bytes of one read while recovering. */
  readonly pageRows: number;
  readonly pageBytes: number;
}

export const defaultLogLimits: LogLimits = {
  segmentRowsMax: 10_000,
  segmentBytesMax: 16 * 1024 * 1024,
  segmentAgeMs: 7 * 24 * 3_600_000,
  rowLifeMsMin: 3_600_000,
  attemptsMax: 6,
  openAttemptsMax: 8,
  pageRows: 1_000,
  pageBytes: 4 * 1024 * 1024,
};

/** What one state row may be. Beyond: the actor has a bug, its log is lost to it. */
export const stateLimits = {
  /** Characters of a key, at least one. */
  keyCharsMax: 128,
  valueBytesMax: 1024 * 1024,
};
