// Every limit of the protocol in one place. Names read noun, unit, bound. What happens at the limit + 1 stands with each.
// Limits of one server (mailboxes, sockets, storage) are not here: they are its own and may differ.

/** Bounds that both ends know. Changing one is a change of the protocol. */
export const limits = {
  // ---- frames -------------------------------------------------------------------------------------------------------------
  /** Bytes of one frame, without its length prefix. Over it: FRAME_TOO_LARGE, the session ends. */
  frameBytesMax: 65_536,
  /** Bytes of one WebSocket message, prefixes included. Over it: FRAME_TOO_LARGE, the session ends. */
  messageBytesMax: 1_048_576,
  /** Frames in one WebSocket message, so that a megabyte of tiny frames costs nobody a stall. Over it: MALFORMED_FRAME, the session ends. */
  messageFramesMax: 1_024,
  /** Requests waiting for their answer in one session. Over it: LIMIT_REACHED. */
  requestsMax: 64,
  /** Bytes of an access token. Over it: TOKEN_EXPIRED, the session ends. */
  accessTokenBytesMax: 256,
  /** Characters of the program's name in the hello. Over it: MALFORMED_FRAME, the session ends. */
  clientNameCharactersMax: 64,
  // ---- events -------------------------------------------------------------------------------------------------------------
  /** Bytes of an encoded EventHeader. Over it: TOO_LARGE. */
  headerBytesMax: 1_024,
  /** Bytes of an event's body. Over it: TOO_LARGE. */
  bodyBytesMax: 49_152,
  /** Bytes of an encoded ControlBody. Over it: TOO_LARGE at the hub, MALFORMED in the chain. */
  controlBytesMax: 2_048,
  /** Bytes of an encoded ControlEntry: the body, 64 bytes of signature, tags and lengths. Over it: TOO_LARGE. */
  controlEntryBytesMax: 2_128,
  /** Bytes of a slot's encrypted value. Over it: TOO_LARGE. */
  slotValueBytesMax: 4_096,
  /** Bytes of an encoded SlotWrite. Over it: TOO_LARGE. */
  slotWriteBytesMax: 4_192,
  /** How far a slot's version may be ahead of the one held. Over it: BAD_EVENT. */
  slotVersionStepMax: 1_000,
  /** Bytes of an encoded Emptying. Over it: TOO_LARGE. */
  emptyingBytesMax: 6_144,
  /** Seqs in one Emptying. Over it: BAD_EVENT. */
  emptyingSeqsMax: 64,
  /** Blob ids in one Emptying. Over it: BAD_EVENT. */
  emptyingBlobsMax: 64,
  /** Characters of a blob id. Over it: BAD_EVENT. */
  blobIdCharactersMax: 64,
  /** Milliseconds between what an author says and the stamp, up to which a reader shows the stamp alone. Further apart: both are shown, and it is counted. */
  writtenApartMs: 300_000,
  /** Send ids that a room remembers a device. An older one: TOO_OLD. */
  sendIdsKept: 128,
  // ---- rooms --------------------------------------------------------------------------------------------------------------
  /** Members counted at once, invited and joined. Over it: LIMIT_REACHED (MEMBERS_FULL in the chain). */
  membersMax: 10_000,
  /** The same where the policy says nothing. */
  membersMaxDefault: 1_000,
  /** Smallest members_max that a policy may set. Under it: INVALID_CONTROL (BAD_POLICY in the chain). */
  membersMaxLeast: 2,
  /** Member numbers ever given in a room. Over it: LIMIT_REACHED (MEMBERS_FULL in the chain). */
  memberNumberMax: 65_535,
  /** Control entries that a member may make at once in a room. Over it: RATE_LIMITED. Not counted: LEAVE, DECLINE, REMOVE, BAN, DEPART. */
  controlBurst: 1_024,
  /** Milliseconds until a member may make one control entry more. */
  controlEveryMs: 20_000,
  /** Stays kept of one member: over it the oldest is forgotten and no longer readable. */
  staysMax: 16,
  /** Members up to which receipts work. Over it: UNSUPPORTED. */
  receiptMembersMax: 100,
  /** Milliseconds between two receipts of a member in a room. Sooner: RATE_LIMITED. */
  receiptIntervalMs: 5_000,
  /** Milliseconds between two ephemeral events of a member in a room. Sooner: dropped. */
  ephemeralIntervalMs: 1_000,
  /** Rooms a user may be in. Over it: LIMIT_REACHED. */
  roomsMax: 1_000,
  /** The same of a bot, in one session as well: it talks with more people than anybody else. Over it: LIMIT_REACHED. */
  botRoomsMax: 10_000,
  // ---- pages --------------------------------------------------------------------------------------------------------------
  /** Rooms in one page of the room list. */
  roomPageMax: 64,
  /** Rooms in one Subscribe. Over it: BAD_REQUEST. */
  subscribeRoomsMax: 160,
  /** Rooms subscribed in one session. Over it: LIMIT_REACHED. */
  subscriptionsMax: 1_000,
  /** Records in one page. More asked for: as many as this. */
  recordPageMax: 200,
  /** Records in one page where the request says 0. */
  recordPageDefault: 100,
  /** Control entries in one answer to ReadRoom. */
  controlPageMax: 200,
  /** Inbox entries in one page. More asked for: as many as this. */
  inboxPageMax: 200,
  /** Inbox entries in one page where the request says 0. */
  inboxPageDefault: 100,
  // ---- devices and keys -----------------------------------------------------------------------------------------------------
  /** Devices of one user, and in one manifest. Over it: LIMIT_REACHED; a manifest: BAD_REQUEST (MALFORMED to a reader). */
  devicesMax: 10,
  /** Characters of a device's name, none of them a control character. Else: BAD_REQUEST. */
  deviceNameCharactersMax: 64,
  /** Days that a device may stay away. Longer: it is logged out. */
  deviceIdleDays: 365,
  /** Days before that in which the person's other confirmed devices say so, once a session. */
  deviceWarnDays: 30,
  /** Bytes of an encoded ManifestBody. Over it: BAD_REQUEST (MALFORMED to a reader). */
  manifestBytesMax: 8_192,
  /** Bytes of one JSON object in a Credential or of one cross-signing key. Over it: TOO_LARGE. */
  keyJsonBytesMax: 4_096,
  /** Levels of nesting in such JSON. Over it: malformed. */
  keyJsonDepthMax: 8,
  /** Bytes of UploadSignatures.signatures_json. Over it: TOO_LARGE. */
  signaturesBytesMax: 32_768,
  /** One-time keys kept a device. Over it: LIMIT_REACHED. */
  oneTimeKeysMax: 100,
  /** Bytes of one one-time key. Over it: TOO_LARGE. */
  oneTimeKeyBytesMax: 1_024,
  /** Characters of a one-time key's id. Over it: BAD_REQUEST. */
  keyIdCharactersMax: 64,
  /** Users in one QueryKeys. Over it: BAD_REQUEST. */
  queryUsersMax: 100,
  /** Devices in one ClaimKeys. Over it: BAD_REQUEST. */
  claimTargetsMax: 100,
  /** Manifests of one user in one KeysAnswer. */
  manifestPageMax: 16,
  // ---- device messages --------------------------------------------------------------------------------------------------------
  /** Bytes of one device message's content. Over it: TOO_LARGE. */
  deviceMessageBytesMax: 49_152,
  /** Device messages in one request. Over it: BAD_REQUEST. */
  deviceMessagesMax: 500,
  /** Characters of a device message's type. Over it: BAD_REQUEST. */
  deviceMessageTypeCharactersMax: 64,
  /** Bytes of a device message's id, 1 to this. Over it: BAD_REQUEST. */
  deviceMessageIdBytesMax: 32,
  /** Device message ids that an inbox remembers a sending device. */
  deviceMessageIdsKept: 128,
  /** Entries of one sender that wait in an inbox for a device. Over it: LANE_FULL. */
  laneEntriesMax: 256,
  /** Days that an inbox entry lives. */
  inboxDays: 30,
  // ---- consent ------------------------------------------------------------------------------------------------------------
  /** Users whom one blocks. Over it: LIMIT_REACHED. */
  blockedMax: 1_000,
  /** Bytes of Report.inner: what a body can hold. Over it: TOO_LARGE. */
  reportBytesMax: 49_152,
  /** Characters of Report.reason. Over it: BAD_REQUEST. */
  reportReasonCharactersMax: 1_000,
  /** Reports of one user in 24 hours. Over it: LIMIT_REACHED. */
  reportsMax: 20,
  // ---- backups ------------------------------------------------------------------------------------------------------------
  /** Bytes of a backup's header. Over it: TOO_LARGE. */
  backupHeaderBytesMax: 16_384,
  /** Bytes of one sealed entry. Over it: TOO_LARGE. */
  backupEntryBytesMax: 8_192,
  /** Characters of an entry's session. Over it: BAD_REQUEST. */
  backupSessionCharactersMax: 64,
  /** Entries in one PutBackup. Over it: BAD_REQUEST. */
  backupPutEntriesMax: 100,
  /** Entries in one page. More asked for, or 0: as many as this. */
  backupPageMax: 100,
  /** Entries of one backup. Over it: LIMIT_REACHED, nothing of the request is kept. */
  backupEntriesMax: 50_000,
  /** Sealed bytes of all entries of one backup. Over it: LIMIT_REACHED, nothing of the request is kept. */
  backupBytesMax: 67_108_864,
  /** Times that an account's header is fetched within an hour, repeats not counted. Over it: RATE_LIMITED. */
  backupFetchesMax: 5,
  // ---- directory ------------------------------------------------------------------------------------------------------------
  /** Characters of the name that one is found by. Over it: BAD_REQUEST. */
  listingNameCharactersMax: 64,
  /** Letters and digits that folding must leave, of such a name and of what is searched for. Under it: BAD_REQUEST. */
  listingLettersLeast: 3,
  /** Changes to another name within ten days, of an account. Over it: RATE_LIMITED. */
  listingNamesMax: 10,
  /** Characters of what is searched for. Over it: BAD_REQUEST. */
  searchCharactersMax: 64,
  /** Hits of one search. */
  searchHitsMax: 10,
  // ---- ids ----------------------------------------------------------------------------------------------------------------
  /** Characters of a provider's name. */
  providerCharactersMax: 64,
  /** Characters of the name part of a user id. */
  userNameCharactersMax: 64,
  /** Characters of a device id. */
  deviceIdCharactersMax: 32,
} as const;
