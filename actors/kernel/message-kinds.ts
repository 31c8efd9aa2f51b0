// What the kernel must know about each kind of message: which lane it takes, whether it may wake an actor, and what it weighs. Exhaustive
// switches: a new kind does not compile until it has its answers here and in bounce.ts.
import type { Message } from './messages.ts';

/**
 * `control`: what the actor itself asked for (or a stop from outside). Served first, never refused, because its number is bounded by what
 * the actor has under way. `work`: everything that others send; bounded, refused with BUSY when full.
 */
export type Lane = 'control' | 'work';

/** The lane of a message. */
export function laneOf(message: Message): Lane {
  switch (message.kind) {
    case 'opened':
    case 'closed':
    case 'tokenChecked':
    case 'welcomed':
    case 'mayWrite':
    case 'mayEnter':
    case 'consent':
    case 'evicted':
    case 'unheard':
    case 'answer':
    case 'subscribedPart':
    case 'deposited':
    case 'claimed':
    case 'keysRead':
    case 'authorised':
    case 'summaries':
    case 'grantChecked':
    case 'standingKept':
    case 'log':
    case 'timer':
    case 'identityKept':
    case 'newcomerKept':
    case 'accountClosed':
    // An order of login: few, for it is repeated with growing waits until `revokeDevice` says that it was carried out.
    case 'deviceRevoked':
      return 'control';
    case 'frames':
    case 'hello':
    case 'request':
    case 'deposit':
    case 'claim':
    case 'readKeys':
    case 'standing':
    case 'newcomer':
    case 'manifestMoved':
    case 'invited':
    case 'submit':
    case 'subscribe':
    case 'fetch':
    case 'putReceipt':
    case 'ephemeral':
    case 'readRoom':
    case 'authorise':
    case 'summarise':
    case 'identityMoved':
      return 'work';
    default:
      return unknownKind(message);
  }
}

/** May this message create its actor? Answers may not, since whoever asked is gone; nor may frames: a session begins with `opened`. */
export function wakes(message: Message): boolean {
  switch (message.kind) {
    case 'opened':
    case 'deviceRevoked':
      return true;
    case 'frames':
      return false;
    default:
      return laneOf(message) === 'work';
  }
}

/** What any message costs at least, in bytes. */
const baseWeight = 128;

/**
 * Bytes that a message holds in a mailbox, roughly: 128 plus what it carries for others. Messages made from a client's frame come with
 * the length of that frame instead (`bytes` of the effect `send`), so that nothing hidden in them goes uncounted.
 */
export function weigh(message: Message): number {
  switch (message.kind) {
    case 'frames':
      return message.frames.reduce((sum, frame) => sum + frame.length, baseWeight);
    case 'deposit':
      return message.messages.reduce((sum, each) => sum + baseWeight + each.message.content.length, baseWeight);
    case 'claim':
      return baseWeight + message.targets.length * baseWeight;
    case 'authorise':
      return baseWeight + message.users.length * baseWeight;
    default:
      return baseWeight;
  }
}

function unknownKind(message: never): never {
  throw new Error(`unknown kind of message: ${(message as { kind: string }).kind}`);
}
