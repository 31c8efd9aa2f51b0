// What can happen in a history, as one closed list. The order of the list is the order in which the one test process saw things; times are for
// reports and recovery times only, no rule rests on them.

/** A record as far as a history knows it. */
export interface Placed {
  readonly seq: number;
  /** Hash of the record, or its first half: whatever everybody in this history uses. */
  readonly hash: string;
}

/** An inbox entry as far as a history knows it. */
export interface InboxPlaced {
  readonly seq: number;
  readonly id: string;
}

/** One send of one device in one room: the same for every try. */
interface Send {
  /** `deviceKey` of who sends. */
  readonly device: string;
  readonly room: string;
  readonly sendId: number;
}

export type HistoryEvent =
  /** A connection began. Numbers are never used again. */
  | { readonly kind: 'opened'; readonly device: string; readonly connection: number; readonly node: string }
  | { readonly kind: 'closed'; readonly connection: number; readonly code: number }
  /** A node took no connection, or not in time: the device tries the next one. */
  | { readonly kind: 'refused'; readonly device: string; readonly node: string; readonly code: number }
  /** The device stays away until it opens again: it need not have everything in the end. */
  | { readonly kind: 'away'; readonly device: string }
  /** Every try, the first as every other. `content` is the same for one message under whichever send id, and no other message has it. */
  | (Send & { readonly kind: 'sent'; readonly content: string })
  | (Send & { readonly kind: 'accepted' } & Placed)
  | (Send & { readonly kind: 'rejected'; readonly code: number })
  /** The connection ended before there was an answer. */
  | (Send & { readonly kind: 'unanswered' })
  /** One frame or page; receivers of the same bytes share the same list. */
  | {
      readonly kind: 'delivered';
      readonly connection: number;
      readonly room: string;
      readonly by: 'push' | 'fetch';
      readonly records: readonly Placed[];
    }
  /** The device showed these, each once and in this order. */
  | {
      readonly kind: 'shown';
      readonly device: string;
      readonly room: string;
      readonly from: number;
      readonly through: number;
    }
  /** The connection asks to be live in a room. */
  | { readonly kind: 'asked'; readonly connection: number; readonly room: string }
  /** The server named `through` as the head and said that all from `from` on was given; or that it can't (`gap`). */
  | {
      readonly kind: 'recovered';
      readonly connection: number;
      readonly room: string;
      readonly from: number;
      readonly through: number;
      readonly gap: boolean;
    }
  /** The device may read from this seq on. */
  | { readonly kind: 'joined'; readonly device: string; readonly room: string; readonly from: number }
  /** The device may read up to `through` and no more, and must have had everything up to `owed`: what it was to get before it went. */
  | {
      readonly kind: 'left';
      readonly device: string;
      readonly room: string;
      readonly through: number;
      readonly owed: number;
    }
  /** The sender was told that its device message is stored. */
  | { readonly kind: 'inbox-stored'; readonly to: string; readonly id: string }
  /** Entries above `after` and up to `through`, complete. */
  | {
      readonly kind: 'inbox-read';
      readonly device: string;
      readonly after: number;
      readonly through: number;
      readonly entries: readonly InboxPlaced[];
      readonly needsFullSync: boolean;
    }
  | { readonly kind: 'inbox-acked'; readonly device: string; readonly through: number }
  /** A fault begins or ends: recovery times count from here. */
  | { readonly kind: 'mark'; readonly name: string };

/** An event with when it was seen: milliseconds since the recording began. */
export type Seen<Event extends HistoryEvent = HistoryEvent> = Event & { readonly at: number };

/** All that happened, in order. */
export type History = readonly Seen[];

/** What names a device in a history. */
export function deviceKey(user: string, device: number): string {
  return `${user}/${device}`;
}

/** What names a send in a history. */
export function sendKey({ device, room, sendId }: Send): string {
  return `${room} ${device} ${sendId}`;
}
