// What can go wrong with what is shown, in two closed lists: why a message can't be read, and what the server (or an author) did that signatures
// contradict. README.md says what is done about each.

/** Why a message can't be shown. A closed list; each has a repair that runs by itself and a counter. */
export const troubleCauses = [
  /** No session key came yet: tried again when it comes; own devices, the backup and the author's device are asked for it. */
  'NO_KEY',
  /** The sender's device refused this device the key, usually because it is not confirmed: asked for as above, and after confirmation. */
  'WITHHELD',
  /** A key came that starts later than this message: an earlier one is asked for as above. */
  'UNKNOWN_INDEX',
  /** The sender's device is not known yet: its keys are fetched, then tried again. */
  'UNKNOWN_DEVICE',
  /** The sender's device is not confirmed by its owner: tried again when it is. */
  'NOT_CROSS_SIGNED',
  /** The sender's device is in no manifest, or was taken off before. Not shown. */
  'SENDER_REMOVED',
  /** The keys of the device do not fit the message. Not shown. */
  'KEY_MISMATCH',
  /** The key belongs to someone else than the event says. Not shown, an alarm. */
  'SENDER_MISMATCH',
  /** The sender's identity changed and was not approved. */
  'IDENTITY_CHANGED',
  /** Inside and outside differ: transplanted, re-attributed or renumbered. Not shown, an alarm. */
  'BINDING_MISMATCH',
  /** The same ciphertext came before as another message. Not shown, an alarm. */
  'REPLAY',
  /** Not what the algorithm makes, or damaged on its way. */
  'BAD_CIPHERTEXT',
  /** Decrypts, but is nothing that an SDK like this one writes. */
  'BAD_CONTENT',
  /** Decrypted, but made by a newer version: update to read it. */
  'UNKNOWN_CONTENT',
] as const;
/** One of the causes. */
export type TroubleCause = (typeof troubleCauses)[number];

/** What the server did that devices' signatures contradict, or, where an alarm names a `user`, that user's own lie. A closed list; README.md says
 * which ones freeze sending in the room or to the person. */
export const alarmCodes = [
  /** Two histories: a record names another one before it. With `user`: that author says to have had another record at some place. */
  'HISTORY_FORKED',
  /** A record is malformed, of another room, or its body is not the one named. */
  'RECORD_INVALID',
  /** A control entry fails the validity function: member added, role forged. */
  'CONTROL_INVALID',
  /** The control chain was shortened or rewritten. */
  'CONTROL_ROLLED_BACK',
  /** An author knew a control entry that the server does not hand out: a hidden removal. */
  'CONTROL_WITHHELD',
  /** The chain can be read from a CHECKPOINT on only, and nobody of one's own stands for what it says of members: compare them with the others. */
  'CONTROL_UNVOUCHED',
  /** A device manifest is invalid. */
  'MANIFEST_INVALID',
  /** A lower manifest than known, or another one with the same version: a removed device listed again. */
  'MANIFEST_ROLLED_BACK',
  /** An author names a manifest that the server does not hand out. */
  'MANIFEST_WITHHELD',
  /** An older backup than the own manifest names, or another one under its version. */
  'BACKUP_ROLLED_BACK',
  /** Another identity than the one in the room's chain, or than before: `user` started over, or somebody takes their place. */
  'IDENTITY_SWAPPED',
  /** A message whose inside names another place. */
  'MESSAGE_TRANSPLANTED',
  /** A message came twice under two places. */
  'MESSAGE_REPLAYED',
  /** A body was emptied without an ordered event that may do so. */
  'EMPTIED_UNLAWFULLY',
] as const;
/** One of the alarms. */
export type AlarmCode = (typeof alarmCodes)[number];

/** An alarm. */
export interface Alarm {
  readonly code: AlarmCode;
  /** Where, as far as known. */
  readonly room?: string;
  /** Whose identity, devices or words it is about: then either the server lies about them, or they do. */
  readonly user?: string;
}
