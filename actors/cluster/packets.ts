// What the nodes of one provider say to each other: a closed list. Between two nodes packets keep their order while the link lives; where it ends,
// what was under way may be lost, and both ends hear so. Nothing here is the truth: that is in the store, behind the fence.
import type { Disconnect } from '#proto/gen/codes.ts';
import type { Address } from '../kernel/address.ts';
import type { Audience } from '../kernel/effects.ts';
import type { Message, RoomSummary, SessionMessage } from '../kernel/messages.ts';

/** An actor's message with its weight in a mailbox. */
export interface Letter {
  readonly to: Address;
  readonly message: Message;
  readonly bytes: number;
}

export type Packet =
  /** For an actor that the receiver has: a room, a user, or one of its sessions. */
  | ({ readonly kind: 'tell' } & Letter)
  /** The receiver had sent this, and the actor is not here: nothing came of it. */
  | ({ readonly kind: 'returned' } & Letter)
  /** The receiver's session becomes live in an audience of the sender. */
  | { readonly kind: 'join'; readonly session: number; readonly audience: Audience }
  /** A session wants a mark of a room: from the node of its user to that of the room, and from there to that of the session. */
  | { readonly kind: 'watch'; readonly session: number; readonly room: string }
  /** The receiver's sessions of this user lose the room. */
  | { readonly kind: 'evict'; readonly user: string; readonly room: string }
  /** For the receiver's sessions of this user. */
  | {
      readonly kind: 'tellSessions';
      readonly user: string;
      readonly device: number | undefined;
      readonly message: SessionMessage;
    }
  | { readonly kind: 'disconnect'; readonly session: number; readonly code: Disconnect; readonly retryAfterMs: number }
  | {
      readonly kind: 'disconnectDevice';
      readonly user: string;
      readonly device: number;
      readonly code: Disconnect;
      readonly except: number | undefined;
    }
  /** The same bytes for all whom the receiver has of this audience: one packet a node, not one a member. */
  | {
      readonly kind: 'deliver';
      readonly audience: Audience;
      readonly frame: Uint8Array;
      readonly mark: Uint8Array | undefined;
      readonly shed: boolean;
    }
  /** None of the sender's sessions hears this audience any more; by now so many packets `join` and `watch` have come over this link. */
  | { readonly kind: 'left'; readonly audience: Audience; readonly joins: number }
  /** A room's part of a room list that the receiver gathers. */
  | { readonly kind: 'summarised'; readonly room: string; readonly token: number; readonly summary: RoomSummary | null }
  /** The account does not name this device, and that is durable: whoever ordered it may stop repeating the order. */
  | { readonly kind: 'revoked'; readonly user: string; readonly device: number }
  /** As the sender has heard, the shard has left the receiver, which answers `synced` behind every letter for it that it gives back. */
  | { readonly kind: 'sync'; readonly shard: number }
  | { readonly kind: 'synced'; readonly shard: number }
  /** The sender is about to stop: it gets nothing more, and gives away what it has. */
  | { readonly kind: 'leaving' }
  /** All shards that the sender has now. First packet of a link, and again after each change. */
  | { readonly kind: 'owns'; readonly shards: readonly number[] };
