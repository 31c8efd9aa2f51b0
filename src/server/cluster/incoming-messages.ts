// Messages that actors of another node sent, out of what proto/node.proto has them as: what a message must have to be one stands here. The switch is
// exhaustive: a new case of the contract does not compile before it has its message.
import { type ActorKind, type Address, parseAddress } from '#actors/kernel/address.ts';
import type { Message, SessionMessage, UserMessage, UserRequest } from '#actors/kernel/messages.ts';
import type { ClientFrame } from '#proto/gen/client.ts';
import type { ActorMessage } from '#proto/gen/node.ts';

/** What an actor and its own node say to each other: never leaves the node. */
type LocalKind =
  | 'opened'
  | 'frames'
  | 'tokenChecked'
  | 'closed'
  | 'unheard'
  | 'summaries'
  | 'grantChecked'
  | 'accountClosed'
  | 'log'
  | 'timer';
/** What actors of two nodes may say to each other. */
export type CrossingMessage = Exclude<Message, { kind: LocalKind }>;
type Kind = CrossingMessage['kind'];
type Body = NonNullable<ActorMessage['body']>;

const receivers: {
  readonly [K in Kind]: K extends SessionMessage['kind'] ? 'session' : K extends UserMessage['kind'] ? 'user' : 'room';
} = {
  subscribedPart: 'session',
  welcomed: 'session',
  mayWrite: 'session',
  mayEnter: 'session',
  consent: 'session',
  evicted: 'session',
  answer: 'session',
  hello: 'user',
  request: 'user',
  deviceRevoked: 'user',
  deposit: 'user',
  deposited: 'user',
  claim: 'user',
  claimed: 'user',
  readKeys: 'user',
  keysRead: 'user',
  standing: 'user',
  identityKept: 'user',
  newcomer: 'user',
  newcomerKept: 'user',
  manifestMoved: 'user',
  invited: 'user',
  authorised: 'user',
  submit: 'room',
  subscribe: 'room',
  fetch: 'room',
  putReceipt: 'room',
  ephemeral: 'room',
  readRoom: 'room',
  authorise: 'room',
  summarise: 'room',
  standingKept: 'room',
  identityMoved: 'room',
};

/** The kind of actor that a message is for. */
export function receiverOf(message: CrossingMessage): ActorKind {
  return receivers[message.kind];
}

/** An address that another node sent, null where it is none. */
export function addressOf(text: string): Address | null {
  const { kind, id } = parseAddress(text as Address);
  if (kind === 'session') return /^\d{1,16}$/.test(id) && Number.isSafeInteger(Number(id)) ? (text as Address) : null;
  return (kind === 'user' || kind === 'room') && id !== '' ? (text as Address) : null;
}

/** Null = of a kind that is not known here, or without what its kind needs. */
export function messageFromWire({ body }: ActorMessage): CrossingMessage | null {
  return body === undefined ? null : messageOf(body);
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a list, one case for each kind of message.
function messageOf(body: Body): CrossingMessage | null {
  switch (body.$case) {
    case 'subscribedPart': {
      const { token, room, entry = null, busy } = body.value;
      return { kind: 'subscribedPart', token, room, entry, ...busyIf(busy) };
    }
    case 'welcomed': {
      const { frame, mayWrite, manifest, mayEnter, consent } = body.value;
      if (!frame?.body || !manifest || !consent) return null;
      return { kind: 'welcomed', body: frame.body, mayWrite, manifest, mayEnter, consent };
    }
    case 'mayWrite': {
      const { mayWrite, manifest } = body.value;
      return manifest ? { kind: 'mayWrite', mayWrite, manifest } : null;
    }
    case 'mayEnter':
      return { kind: 'mayEnter', mayEnter: body.value.mayEnter };
    case 'consent': {
      const { hidden, inviteFromMs } = body.value;
      return { kind: 'consent', hidden, inviteFromMs };
    }
    case 'invited':
      return { kind: 'invited' };
    case 'evicted':
      return { kind: 'evicted', room: body.value.room };
    case 'answer': {
      const { request, body: answer } = body.value;
      return answer ? { kind: 'answer', request, body: answer } : null;
    }
    case 'hello': {
      const { session, device, deviceId, deviceName } = body.value;
      return { kind: 'hello', session, device, deviceId, deviceName };
    }
    case 'request': {
      const { from, frame } = body.value;
      const asked = userRequestOf(frame?.body);
      return from && asked ? { kind: 'request', from, body: asked } : null;
    }
    case 'deviceRevoked':
      return { kind: 'deviceRevoked', device: body.value.device };
    case 'deposit': {
      const { token, sender, senderDevice } = body.value;
      const replyTo = addressOf(body.value.replyTo);
      const messages = body.value.messages.flatMap(({ index, message }) => (message ? [{ index, message }] : []));
      if (replyTo === null || messages.length < body.value.messages.length) return null;
      return { kind: 'deposit', replyTo, token, sender, senderDevice, messages };
    }
    case 'deposited': {
      const { token, user, undelivered } = body.value;
      return { kind: 'deposited', token, user, undelivered };
    }
    case 'claim': {
      const { token, targets } = body.value;
      const replyTo = addressOf(body.value.replyTo);
      return replyTo && { kind: 'claim', replyTo, token, targets };
    }
    case 'claimed': {
      const { token, user, keys, busy } = body.value;
      return { kind: 'claimed', token, user, keys, ...busyIf(busy) };
    }
    case 'readKeys': {
      const { token, devices, own, manifestsAbove } = body.value;
      const replyTo = addressOf(body.value.replyTo);
      const above = manifestsAbove === undefined ? {} : { manifestsAbove };
      return replyTo && { kind: 'readKeys', replyTo, token, devices, own, ...above };
    }
    case 'keysRead': {
      const { token, user, keys = null, busy } = body.value;
      return { kind: 'keysRead', token, user, keys, ...busyIf(busy) };
    }
    case 'standing': {
      const { standing, readableFrom } = body.value;
      const replyTo = addressOf(body.value.replyTo);
      return replyTo && standing ? { kind: 'standing', replyTo, standing, readableFrom } : null;
    }
    case 'identityKept': {
      const { room, version } = body.value;
      return { kind: 'identityKept', room, version };
    }
    case 'newcomer': {
      const replyTo = addressOf(body.value.replyTo);
      return replyTo && { kind: 'newcomer', replyTo, user: body.value.user };
    }
    case 'newcomerKept':
      return { kind: 'newcomerKept' };
    case 'manifestMoved': {
      const { user, head } = body.value;
      return head ? { kind: 'manifestMoved', user, head } : null;
    }
    case 'authorised': {
      const { token, allowed, invited, busy } = body.value;
      return { kind: 'authorised', token, allowed, invited, ...busyIf(busy) };
    }
    case 'submit': {
      const { from, submit } = body.value;
      return from && submit ? { kind: 'submit', from, submit } : null;
    }
    case 'subscribe': {
      const { from, token, watch } = body.value;
      const replyTo = addressOf(body.value.replyTo);
      return from && replyTo ? { kind: 'subscribe', from, replyTo, token, ...(watch ? { watch } : {}) } : null;
    }
    case 'fetch': {
      const { from, fetch } = body.value;
      return from && fetch ? { kind: 'fetch', from, fetch } : null;
    }
    case 'putReceipt': {
      const { from, write } = body.value;
      return from ? { kind: 'putReceipt', from, write } : null;
    }
    case 'ephemeral': {
      const { from, kind } = body.value;
      return from ? { kind: 'ephemeral', from, ephemeral: kind } : null;
    }
    case 'readRoom': {
      const { from, read } = body.value;
      return from && read ? { kind: 'readRoom', from, read } : null;
    }
    case 'authorise': {
      const { token, user, users } = body.value;
      const replyTo = addressOf(body.value.replyTo);
      return replyTo && { kind: 'authorise', replyTo, token, user, users };
    }
    case 'summarise':
      return { kind: 'summarise', token: body.value.token, user: body.value.user };
    case 'standingKept': {
      const { user, controlNumber, fingerprint, erased } = body.value;
      return { kind: 'standingKept', user, controlNumber, fingerprint, erased };
    }
    case 'identityMoved': {
      const { user, fingerprint, head } = body.value;
      return head ? { kind: 'identityMoved', user, fingerprint, head } : null;
    }
  }
}

function busyIf(busy: boolean): { busy?: true } {
  return busy ? { busy } : {};
}

/** Null = none, or one that a session, a room or the world handles. */
function userRequestOf(body: ClientFrame['body']): UserRequest | null {
  switch (body?.$case) {
    case 'listRooms':
    case 'fetchInbox':
    case 'ackInbox':
    case 'sendDeviceMessages':
    case 'uploadKeys':
    case 'queryKeys':
    case 'claimKeys':
    case 'uploadCrossSigning':
    case 'uploadSignatures':
    case 'publishManifest':
    case 'listDevices':
    case 'renameDevice':
    case 'removeDevice':
    case 'setBlock':
    case 'listBlocks':
    case 'deactivateAccount':
    case 'eraseAccount':
    case 'readAccount':
      return body;
    case 'hello':
    case 'subscribe':
    case 'fetchRecords':
    case 'submit':
    case 'putReceipt':
    case 'sendEphemeral':
    case 'readRoom':
    case 'checkBackup':
    case 'createBackup':
    case 'fetchBackup':
    case 'putBackup':
    case 'listBackup':
    case 'dropBackup':
    case 'readListing':
    case 'setListing':
    case 'searchDirectory':
    case 'report':
    case undefined:
      return null;
  }
}
