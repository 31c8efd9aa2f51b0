// What the SDK tells an app, each by its name. What lies in the local store was written there before it is told.
import type { Alarm } from './alarms.ts';
import type { ConnectionState } from './connection/connection.ts';
import type { ClientError } from './errors.ts';
import type { DeviceInfo, RoomInfo, SecurityState, TimelineItem, VerificationInfo } from './shown.ts';

/** What an app may listen to. */
export interface ClientEvents {
  connection: ConnectionState;
  /** First list after start, from the local store or the server. */
  ready: undefined;
  /** The account was deactivated, and this device's login made it active again: the person is to be told. Once, before `synced`. */
  reactivated: undefined;
  /** The server's list was compared and all rooms are live. */
  synced: undefined;
  /** A room is new, moved, was renamed, read, frozen …: read `rooms()` again. */
  room: RoomInfo;
  /** A line was added or changed (edited, decrypted late, accepted, deleted). In order per room for new ones. */
  item: TimelineItem;
  invitation: RoomInfo;
  /** To the provider's Info bot alone: somebody's account began. Said again after a restart as long as they wait: read `newcomers()`. */
  newcomer: { readonly user: string };
  typing: { readonly room: string; readonly user: string; readonly typing: boolean };
  /** Someone in the room has it open just now. Said by their app as often as it likes, at most one in three seconds; never stored, and never proven. */
  online: { readonly room: string; readonly user: string };
  receipt: { readonly room: string; readonly user: string; readonly seq: number };
  /** Somebody, or oneself, is called otherwise or has another picture: read members and timelines again. */
  profile: { readonly user: string };
  /** Who is blocked, after it changed, here or on another own device: read rooms and timelines again. */
  blocks: readonly string[];
  verification: VerificationInfo;
  /** The own device was confirmed or taken off. */
  devices: readonly DeviceInfo[];
  /** Another own device was not used for eleven months, and is logged out on its `endsDay` unless it is used: the person is to be told. Once a session each, before
   * `synced`, on confirmed devices. */
  deviceEnding: DeviceInfo;
  alarm: Alarm;
  /** The backup was made or opened, fills, or is read back: `security.state()` again. */
  security: SecurityState;
  /** It is over: LOGIN_NEEDED (logged out, or twelve months unused), DISCONNECTED (for good), CLOSED. A server that goes away for a while ends nothing. */
  ended: ClientError;
  /** A bug of the SDK, or a local store that can't be written. That piece of work was given up; the next session does it again. */
  fault: Error;
}
