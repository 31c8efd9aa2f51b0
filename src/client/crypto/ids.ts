// What the crypto engine calls those it deals with.

/** A user's id, `@name:provider`. */
export type UserId = string;
/** A room's id, `!name:provider`. */
export type RoomId = string;
/** The name a device has in its key JSON (the wire's `device_id`). */
export type DeviceId = string;

/** A room key that is here now: what failed with NO_KEY or WITHHELD for it may be tried again. */
export interface RoomKey {
  room: RoomId;
  sessionId: string;
}
