// What happens to a message whose actor is full, quarantined or lost: the matching negative answer, so that nobody waits for ever and nothing
// is dropped silently. Pure: a message becomes effects, which the system carries out as if the actor itself had returned them.
import { Disconnect, type Rejection } from '#proto/gen/codes.ts';
import { type Address, parseAddress } from './address.ts';
import { type Effect, rejected } from './effects.ts';
import type { Message } from './messages.ts';

/** Why a message could not be handled. BUSY: full, nothing happened. UNAVAILABLE: the actor was lost, the request may or may not have. */
export interface Refusal {
  readonly code: typeof Rejection.REJECTION_BUSY | typeof Rejection.REJECTION_UNAVAILABLE;
  readonly retryAfterMs: number;
}

/** What a bounce may ask for. */
export type BounceEffect = Extract<Effect, { kind: 'send' | 'answer' | 'disconnect' | 'summarised' }>;

/**
 * The effects that tell the sender. Empty for what may be dropped; those are, and why:
 * - `standing`: the room repeats it until `standingKept` comes;
 * - `newcomer`: the user actor repeats it until `newcomerKept` comes;
 * - `manifestMoved`: best effort by contract, the truth travels in payloads;
 * - `invited`: tells a limit of invitations what became of one, which it may miss;
 * - `ephemeral`: typing and presence are the first to be shed, and have no answer;
 * - `deviceRevoked`: login repeats it until the effect `revokeDevice` comes;
 * - `identityMoved`: the user actor repeats it until `identityKept` comes;
 * - answers, timers and everything else an actor asked for itself: whoever asked is gone.
 */
export function bounce(to: Address, message: Message, refusal: Refusal): readonly BounceEffect[] {
  const { code, retryAfterMs } = refusal;
  switch (message.kind) {
    case 'frames':
      // The device resumes: what it sent unanswered it sends again under the same send ids.
      return [
        { kind: 'disconnect', session: Number(parseAddress(to).id), code: Disconnect.DISCONNECT_BUSY, retryAfterMs },
      ];
    case 'hello':
      return [{ kind: 'disconnect', session: message.session, code: Disconnect.DISCONNECT_BUSY, retryAfterMs }];
    case 'request':
    case 'submit':
    case 'fetch':
    case 'putReceipt':
    case 'readRoom': {
      const { session, request } = message.from;
      return [{ kind: 'answer', session, request, body: rejected(code, retryAfterMs) }];
    }
    case 'subscribe': {
      const { token, replyTo } = message;
      const room = parseAddress(to).id;
      return [{ kind: 'send', to: replyTo, message: { kind: 'subscribedPart', token, room, entry: null, busy: true } }];
    }
    case 'deposit': {
      const undelivered = message.messages.map(({ index }) => ({ index, code, retryAfterMs }));
      const { token, replyTo } = message;
      const user = parseAddress(to).id;
      return [{ kind: 'send', to: replyTo, message: { kind: 'deposited', token, user, undelivered } }];
    }
    case 'claim': {
      const user = parseAddress(to).id;
      const claimed: Message = { kind: 'claimed', token: message.token, user, keys: [], busy: true };
      return [{ kind: 'send', to: message.replyTo, message: claimed }];
    }
    case 'readKeys': {
      const user = parseAddress(to).id;
      const keysRead: Message = { kind: 'keysRead', token: message.token, user, keys: null, busy: true };
      return [{ kind: 'send', to: message.replyTo, message: keysRead }];
    }
    case 'authorise': {
      const authorised: Message = { kind: 'authorised', token: message.token, allowed: [], invited: [], busy: true };
      return [{ kind: 'send', to: message.replyTo, message: authorised }];
    }
    case 'summarise':
      return [{ kind: 'summarised', user: message.user, token: message.token, summary: null }];
    case 'standing':
    case 'newcomer':
    case 'newcomerKept':
    case 'manifestMoved':
    case 'ephemeral':
    case 'identityMoved':
    case 'deviceRevoked':
    case 'opened':
    case 'closed':
    case 'tokenChecked':
    case 'welcomed':
    case 'mayWrite':
    case 'mayEnter':
    case 'consent':
    case 'invited':
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
    case 'identityKept':
    case 'accountClosed':
    case 'log':
    case 'timer':
      return [];
    default:
      return unknownKind(message);
  }
}

function unknownKind(message: never): never {
  throw new Error(`unknown kind of message: ${(message as { kind: string }).kind}`);
}
