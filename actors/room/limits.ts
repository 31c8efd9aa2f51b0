// The limits of a room actor that are this server's own; what both ends of the protocol know stands in `#proto/rules/limits.ts`.
// Each bounds memory, a row or a frame; what happens over it stands with it, and a test tries it at n and n + 1.

/** Bounds of one room actor. */
export interface RoomLimits {
  /** Requests held until the room lives, and their bytes. Over either: BUSY. */
  readonly heldMessagesMax: number;
  readonly heldBytesMax: number;
  /** Records that were given a place and are not covered yet, and their bytes. Over either: BUSY. */
  readonly uncoveredRecordsMax: number;
  readonly uncoveredBytesMax: number;
  /** Refusals that wait for the event on which they may rest. Over it: BUSY. */
  readonly refusalsMax: number;
  /** Reads, saves and rewrites under way at the log. Over it: BUSY. */
  readonly logCallsMax: number;
  /** Rows and bytes that are read at once where a member empties all they wrote; the rest in later turns. */
  readonly emptyingPageRows: number;
  readonly emptyingPageBytes: number;
  /** Submits that wait behind one whose rows are being looked up. Over it: BUSY. */
  readonly waitingSubmitsMax: number;
  /** Answers that wait until the log is known to be this room's. Over it: BUSY. All devices of the largest rooms that were measured come back at once. */
  readonly confirmingMax: number;
  /** Of these said in one turn, the longest some 60 KiB to be read and encoded; the rest in later turns. */
  readonly confirmedPerTurn: number;
  /** Newest records kept in memory, and the bytes of their rows. Over either the oldest goes; the log still has it. */
  readonly ringRecordsMax: number;
  readonly ringBytesMax: number;
  /** Bytes of rows or parts in one answer or pushed frame, the rest of a frame (64 KiB) being for what is around them. */
  readonly pageBytesMax: number;
  /** Bytes of a checkpoint's state in one answer; the persons of its members stand beside it. */
  readonly stateChunkBytes: number;
  /** Credentials kept of one device of one member. Over it: LIMIT_REACHED. */
  readonly credentialsMax: number;
  /** State rows that changed and are not saved: at this number they are saved, without waiting for the log to ask. What one write holds is bounded by it. */
  readonly saveAtRows: number;
  /** Over it: BUSY, until what is under way is saved. */
  readonly unsavedRowsMax: number;
  /** Control entries kept although a checkpoint stands in for them: who is further behind starts from the checkpoint. */
  readonly controlEntriesKept: number;
  /** Units of work, about 50 µs each, in one turn while a room is put into memory; the rest in later turns. */
  readonly loadUnitsMax: number;
  /** Refused control entries with a person or credential of their own before what they brought is swept out. */
  readonly strayPartsMax: number;
  /** Standings told in one go; the rest at the next tick. */
  readonly standingsPerTick: number;
  /** Milliseconds until a standing that was not confirmed is told again, the first time and at most: it doubles in between. */
  readonly standingRetryMs: number;
  readonly standingRetryMaxMs: number;
  /** Notices of a manifest sent in one go, and milliseconds until the next go. */
  readonly noticesPerTick: number;
  readonly noticeTickMs: number;
  /** Milliseconds that a caller is asked to wait with BUSY and UNAVAILABLE. */
  readonly retryAfterMs: number;
  /** Milliseconds that the head's stamp may be ahead of the clock. Over it: UNAVAILABLE, until the clock is right. */
  readonly clockBehindMaxMs: number;
  /** Milliseconds from the stamp until a record's row ends: 24 months less the week that a file waits, a day of grace, and what a stamp may be ahead of
   *  the clock, so that its bytes are gone in time. */
  readonly retentionMs: number;
}

export const defaultRoomLimits: RoomLimits = {
  heldMessagesMax: 256,
  heldBytesMax: 1_024 * 1_024,
  uncoveredRecordsMax: 1_024,
  uncoveredBytesMax: 4 * 1_024 * 1_024,
  refusalsMax: 256,
  logCallsMax: 128,
  emptyingPageRows: 256,
  emptyingPageBytes: 512 * 1_024,
  waitingSubmitsMax: 64,
  confirmingMax: 4_096,
  confirmedPerTurn: 32,
  ringRecordsMax: 256,
  ringBytesMax: 256 * 1_024,
  pageBytesMax: 60 * 1_024,
  stateChunkBytes: 12 * 1_024,
  credentialsMax: 4,
  saveAtRows: 512,
  unsavedRowsMax: 1_024,
  controlEntriesKept: 4_096,
  loadUnitsMax: 512,
  strayPartsMax: 64,
  standingsPerTick: 256,
  standingRetryMs: 1_000,
  standingRetryMaxMs: 30_000,
  noticesPerTick: 256,
  noticeTickMs: 250,
  retryAfterMs: 1_000,
  clockBehindMaxMs: 60_000,
  retentionMs: 722 * 86_400_000 - 60_000,
};
