// Messages to actors of another node, as proto/node.proto has them; most are the same in both. The switch is exhaustive: a new kind of message does not
// compile before it crosses, or is named among those that never leave a node.
import type { Message } from '#actors/kernel/messages.ts';
import type { ActorMessage } from '#proto/gen/node.ts';

type Body = NonNullable<ActorMessage['body']>;

/** Throws for a message that never leaves a node. */
export function messageToWire(message: Message): ActorMessage {
  return { body: bodyToWire(message) };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a list, one case for each kind of message.
function bodyToWire(message: Message): Body {
  switch (message.kind) {
    case 'subscribedPart': {
      const { token, room, entry, busy = false } = message;
      return { $case: 'subscribedPart', value: { token, room, entry: entry ?? undefined, busy } };
    }
    case 'welcomed': {
      const { body, mayWrite, manifest, mayEnter } = message;
      const consent = { ...message.consent, hidden: [...message.consent.hidden] };
      return { $case: 'welcomed', value: { frame: { request: 0, body }, mayWrite, manifest, mayEnter, consent } };
    }
    case 'mayWrite':
      return { $case: 'mayWrite', value: message };
    case 'mayEnter':
      return { $case: 'mayEnter', value: message };
    case 'consent':
      return { $case: 'consent', value: { ...message, hidden: [...message.hidden] } };
    case 'invited':
      return { $case: 'invited', value: {} };
    case 'evicted':
      return { $case: 'evicted', value: message };
    case 'answer':
      return { $case: 'answer', value: message };
    case 'hello':
      return { $case: 'hello', value: message };
    case 'request':
      return { $case: 'request', value: { from: message.from, frame: { request: 0, body: message.body } } };
    case 'deviceRevoked':
      return { $case: 'deviceRevoked', value: message };
    case 'deposit':
      return { $case: 'deposit', value: { ...message, messages: [...message.messages] } };
    case 'deposited':
      return { $case: 'deposited', value: { ...message, undelivered: [...message.undelivered] } };
    case 'claim':
      return { $case: 'claim', value: { ...message, targets: [...message.targets] } };
    case 'claimed':
      return { $case: 'claimed', value: { ...message, keys: [...message.keys], busy: message.busy ?? false } };
    case 'readKeys':
      return { $case: 'readKeys', value: { ...message, manifestsAbove: message.manifestsAbove } };
    case 'keysRead':
      return { $case: 'keysRead', value: { ...message, keys: message.keys ?? undefined, busy: message.busy ?? false } };
    case 'standing':
      return { $case: 'standing', value: message };
    case 'identityKept':
      return { $case: 'identityKept', value: message };
    case 'newcomer':
      return { $case: 'newcomer', value: message };
    case 'newcomerKept':
      return { $case: 'newcomerKept', value: {} };
    case 'manifestMoved':
      return { $case: 'manifestMoved', value: message };
    case 'authorised': {
      const { token, allowed, invited, busy = false } = message;
      return { $case: 'authorised', value: { token, allowed: [...allowed], invited: [...invited], busy } };
    }
    case 'submit':
      return { $case: 'submit', value: message };
    case 'subscribe':
      return { $case: 'subscribe', value: { ...message, watch: message.watch ?? false } };
    case 'fetch':
      return { $case: 'fetch', value: message };
    case 'putReceipt':
      return { $case: 'putReceipt', value: message };
    case 'ephemeral':
      return { $case: 'ephemeral', value: { from: message.from, kind: message.ephemeral } };
    case 'readRoom':
      return { $case: 'readRoom', value: message };
    case 'authorise':
      return { $case: 'authorise', value: { ...message, users: [...message.users] } };
    case 'summarise':
      return { $case: 'summarise', value: message };
    case 'standingKept':
      return { $case: 'standingKept', value: message };
    case 'identityMoved':
      return { $case: 'identityMoved', value: message };
    case 'opened':
    case 'frames':
    case 'tokenChecked':
    case 'closed':
    case 'unheard':
    case 'summaries':
    case 'grantChecked':
    case 'accountClosed':
    case 'log':
    case 'timer':
      throw new Error(`${message.kind} never leaves a node`);
  }
}
