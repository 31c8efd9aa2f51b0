// What an actor may ask of the world: a closed set. Effects are carried out in order, after the turn, never inside it.
import type { Grant } from '#proto/gen/client.ts';
import type { Disconnect, Rejection } from '#proto/gen/codes.ts';
import type { LogCommand } from '../log/messages.ts';
import type { Address } from './address.ts';
import type { AnswerBody, Message, RoomSummary, ServedRequest, SessionMessage } from './messages.ts';

/** Who hears a delivery: the sessions live in a room, or all sessions of a user. */
export type Audience = { readonly room: string } | { readonly user: string };

/** Why an account is closed, and what a grant for it is for. */
export type ClosingPurpose = 'deactivate' | 'erase';

/** The closed set of effects. */
export type Effect =
  /** To another actor's mailbox. A full mailbox answers requests with BUSY, see bounce.ts. `bytes`: what the message weighs there, where the
   *  sender knows better than `weigh` of message-kinds.ts (a session knows the length of the frame). */
  | { readonly kind: 'send'; readonly to: Address; readonly message: Message; readonly bytes?: number }
  /** The same message to all sessions of a user that are live here (`device`: of that device alone). So a user actor need not remember its
   *  sessions, and may be passivated while they live on. */
  | { readonly kind: 'tellSessions'; readonly user: string; readonly device?: number; readonly message: SessionMessage }
  /** The one answer to a request; the session encodes and pushes it and counts it against its window. */
  | { readonly kind: 'answer'; readonly session: number; readonly request: number; readonly body: AnswerBody }
  /** Bytes to one socket (a session's own effect). One ServerFrame. */
  | { readonly kind: 'push'; readonly session: number; readonly frame: Uint8Array }
  /** The same bytes to an audience: one effect, whatever its size. `mark` goes to sessions that watch the room without being live in it,
   *  once until they fetch. `shed` may be dropped first under load (typing, presence). */
  | {
      readonly kind: 'deliver';
      readonly audience: Audience;
      readonly frame: Uint8Array;
      readonly mark?: Uint8Array;
      readonly shed?: boolean;
    }
  /** The session becomes live in an audience; takes effect before any later delivery. */
  | { readonly kind: 'join'; readonly session: number; readonly audience: Audience }
  | { readonly kind: 'part'; readonly session: number; readonly audience: Audience }
  /** The session wants a mark when this room moves (and is not live in it); again after each mark. */
  | { readonly kind: 'watch'; readonly session: number; readonly room: string }
  /** All sessions of a user lose the room, before any later delivery, and hear so (`evicted`). */
  | { readonly kind: 'evict'; readonly user: string; readonly room: string }
  | { readonly kind: 'disconnect'; readonly session: number; readonly code: Disconnect; readonly retryAfterMs: number }
  /** The live session of a device, other than `except`, ends. */
  | {
      readonly kind: 'disconnectDevice';
      readonly user: string;
      readonly device: number;
      readonly code: Disconnect;
      readonly except?: number;
    }
  /** This session wants no deliveries that are marked `shed` (presence, typing). */
  | { readonly kind: 'quiet'; readonly session: number }
  /** Asks the login part for the identity behind a token; answered by `tokenChecked`. */
  | { readonly kind: 'checkToken'; readonly session: number; readonly token: string }
  /** Asks the login part whether this grant of a step-up counts for this device and purpose (a user actor's own effect); answered by `grantChecked`. `content`: what
   *  the grant is bound to besides its attempt. */
  | {
      readonly kind: 'checkGrant';
      readonly user: string;
      readonly device: number;
      readonly purpose: 'identity' | ClosingPurpose;
      readonly grant: Grant;
      readonly content: Uint8Array;
      readonly token: number;
    }
  /** A request that no actor handles (a session's own effect): the world serves it, for the user and device that the token proved. One `answer` comes
   *  back, rejected with BUSY or UNAVAILABLE where it can't be served now; none where the session is gone, though it may have been done. */
  | {
      readonly kind: 'serve';
      readonly session: number;
      readonly request: number;
      readonly user: string;
      readonly device: number;
      readonly body: ServedRequest;
    }
  /** The account names this device no more, and that is durable: its tokens end for good, and `deviceRevoked` need not be told again. */
  | { readonly kind: 'revokeDevice'; readonly user: string; readonly device: number }
  /** The account is deactivated or erased, and that is durable: login, directory and, where it is erased, backup let go of it; none of its devices logs in
   *  any more. Asked again until `accountClosed` answers; safe to repeat. */
  | { readonly kind: 'closeAccount'; readonly user: string; readonly purpose: ClosingPurpose }
  /** To the actor's own log and state rows; answered by messages of kind `log`. */
  | { readonly kind: 'log'; readonly command: LogCommand }
  /** Heads of rooms for a list, batched: active rooms are asked, clean ones read, others opened. Answered by `summaries`. */
  | { readonly kind: 'summaries'; readonly rooms: readonly string[]; readonly token: number }
  /** A room's answer to `summarise`. */
  | { readonly kind: 'summarised'; readonly user: string; readonly token: number; readonly summary: RoomSummary | null }
  /** One timer per name and actor; starting it again replaces it. Comes back as a message. */
  | { readonly kind: 'startTimer'; readonly name: string; readonly delayMs: number }
  | { readonly kind: 'cancelTimer'; readonly name: string }
  /** The actor is done: its address is free again. */
  | { readonly kind: 'stop' }
  /** Counted and, for the kinds that name it, logged: no ids in it. */
  | { readonly kind: 'count'; readonly counter: string; readonly by: number };

/** The answer that rejects a request. */
export function rejected(code: Rejection, retryAfterMs = 0): AnswerBody {
  return { $case: 'rejected', value: { code, retryAfterMs, control: undefined, manifest: undefined } };
}
