// The limits of a user actor that are this server's own; what both ends of the protocol know stands in `#proto/rules/limits.ts`.
// Each bounds memory, a row or a frame; what happens over it stands with it, and limits.test.ts has or names a case at n and n + 1.

/** Bounds of one user actor. */
export const userLimits = {
  /** Messages held while the account is being read, and their bytes. Over either: BUSY. */
  heldMessagesMax: 256,
  heldBytesMax: 1024 * 1024,
  /** Turns whose answers wait for the log. Over it what others send: BUSY. As many as newcomers that greet a bot at once, and more. */
  waitingTurnsMax: 4_096,
  /** Entries waiting for one device over all lanes. Over it only lanes with fewer than the second number take one more, up to the third in all.
   *  Beyond: LANE_FULL, and the device hears needs_full_sync. */
  waitingEntriesMax: 4_096,
  waitingQuietMax: 16,
  waitingHardMax: 8_192,
  /** Sending devices whose message ids are remembered; the longest silent is forgotten, a late repeat from it is stored twice. */
  sendersMax: 128,
  /** One-time key ids remembered after they were given away. */
  givenAwayMax: 256,
  /** Numbers of removed devices remembered. */
  removedDevicesMax: 256,
  /** Manifests kept, newest first. Who knows none of them can't follow the chain and has to trust anew. */
  manifestsKept: 64,
  /** Bytes of one device's keys JSON, so that ten of them with identity and manifest fit one frame. Over it: TOO_LARGE. */
  deviceJsonBytesMax: 3_072,
  /** Bytes of a page or an answer before the frame is called full. */
  pageBytesMax: 60 * 1024,
  /** Open invitations kept of one inviter. A further one displaces that inviter's oldest. */
  invitationsOfOneMax: 20,
  /** Open invitations kept in all. A further one displaces the oldest of the inviter who has most. */
  invitationsMax: 200,
  /** Rooms that a user is out of, still listed or kept by their id alone; those that they never were in go first, then those that are not listed, then the oldest. More than one can be in: who leaves all of them to
   * be erased leaves them at once, and each is to hear of it. */
  formerRoomsMax: 1_200,
  /** How long such a room stays listed: as long as inbox entries live. Then the id is kept of those that the user was in, so that they hear of an erasure. */
  formerRoomMs: 30 * 86_400_000,
  /** Requests under way that wait for others. Over it: BUSY. */
  gathersMax: 16,
  /** Milliseconds until the silent ones of a gather count as unavailable. */
  gatherMs: 10_000,
  /** Milliseconds that a caller is asked to wait with BUSY, UNAVAILABLE and LANE_FULL. */
  retryAfterMs: 1_000,
  /** Entries appended before the state rows are written. */
  flushEntries: 128,
  /** Rooms told at once of a manifest, milliseconds until more are told, and until those that did not confirm are told again. */
  roomsToldMax: 100,
  roomsTickMs: 250,
  roomsAgainMs: 5_000,
  /** Milliseconds until the Info bot, which has not confirmed, is told of this newcomer again. */
  newcomerAgainMs: 5_000,
  /** Milliseconds until login, backup and directory, which have not confirmed, are asked again to let go of a closed account. */
  closingAgainMs: 5_000,
  /** Days after which the last byte is gone of what is kept for 30 days, and of text and files, which count from when they were sent: what a receipt says. */
  monthGoneDays: 38,
  textGoneDays: 730,
  filesGoneDays: 365,
  /** Users whose newest manifest notice is remembered; over it all are forgotten, and one notice may come twice. */
  noticedMax: 1_024,
  /** Changes of standings by one other user that devices hear of at once, and milliseconds until one more. Over it: only the list shows them, and
   *  devices hear of the newest later. */
  standingBurst: 20,
  standingEveryMs: 60_000,
  /** Buckets remembered; over it the one that is full soonest is forgotten, and whose it is may begin anew. */
  bucketsMax: 128,
  /** Users that were found and are not paid for again; over it all are forgotten. */
  metMax: 1_024,
  /** Manifests that a user may publish at once, and milliseconds until one more is allowed. Over it: RATE_LIMITED. */
  manifestBurst: 10,
  manifestEveryMs: 60_000,
  /** One-time keys of others that a user may claim at once, and milliseconds until one more is allowed. Over it: RATE_LIMITED. */
  claimBurst: 4_000,
  claimEveryMs: 250,
  /** Users with whom no room is shared yet that may be asked for at once, and milliseconds until one more. Over it: RATE_LIMITED, and among others
   *  in one request put off. */
  strangerBurst: 20,
  strangerEveryMs: 30_000,
  /** Invitations that a user may make at once, and milliseconds until one more: 200 a day. Over it: LIMIT_REACHED by the room. */
  inviteBurst: 200,
  inviteEveryMs: 432_000,
  /** The same of an account that is not a week old: 20 a day. */
  inviteYoungBurst: 20,
  inviteYoungEveryMs: 4_320_000,
  youngMs: 7 * 86_400_000,
  /** Times in which one user was blocked that are remembered; then the oldest is forgotten. */
  blockSpansMax: 16,
  /** Users who are blocked no more and are remembered; over it the one who was let in again first is forgotten. */
  pastBlocksMax: 1_000,
  /** One-time keys left below which a device is told to bring more, once, and again when none is left. */
  oneTimeKeysLow: 25,
} as const;
