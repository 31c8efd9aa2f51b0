// One message of every kind, for tests that must not forget any. The type makes a new kind a compile error here.

import { EphemeralKind, ReadRoom, Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { RoomStanding } from '#proto/gen/record.ts';
import { roomAddress, userAddress } from './address.ts';
import type { Message, Requester } from './messages.ts';

type Samples = { readonly [Kind in Message['kind']]: Extract<Message, { kind: Kind }> };

const from: Requester = { session: 7, request: 3, user: '@ann:lux', device: 2, mayEnter: true, mayInvite: true };
const bob = userAddress('@bob:lux');
const room = '!r:lux';
const none = new Uint8Array();
const head = { version: 1, hash: none };

/** A sample of each kind of message. Requests are request 3 of session 7; asks between actors have token 5 and come from Bob's actor. */
export const samples: Samples = {
  opened: { kind: 'opened' },
  frames: { kind: 'frames', frames: [new Uint8Array(10), new Uint8Array(20)] },
  tokenChecked: { kind: 'tokenChecked', identity: null },
  welcomed: {
    kind: 'welcomed',
    body: { $case: 'done', value: {} },
    mayWrite: true,
    manifest: head,
    mayEnter: true,
    consent: { hidden: [room], inviteFromMs: 9 },
  },
  mayWrite: { kind: 'mayWrite', mayWrite: true, manifest: head },
  evicted: { kind: 'evicted', room },
  unheard: { kind: 'unheard', rooms: [room], watched: ['!s:lux'], own: true },
  mayEnter: { kind: 'mayEnter', mayEnter: true },
  consent: { kind: 'consent', hidden: [room], inviteFromMs: 9 },
  answer: { kind: 'answer', request: 3, body: { $case: 'done', value: {} } },
  closed: { kind: 'closed' },
  subscribedPart: { kind: 'subscribedPart', token: 5, room, entry: null },
  timer: { kind: 'timer', name: 'x' },
  hello: { kind: 'hello', session: 7, device: 2, deviceId: 'AB', deviceName: 'phone' },
  request: { kind: 'request', from, body: { $case: 'listDevices', value: {} } },
  deposit: {
    kind: 'deposit',
    replyTo: bob,
    token: 5,
    sender: '@bob:lux',
    senderDevice: 1,
    messages: [4, 9].map((index) => ({
      index,
      message: { user: '@ann:lux', device: 2, type: 't', content: new Uint8Array(100), id: none },
    })),
  },
  deposited: {
    kind: 'deposited',
    token: 5,
    user: '@ann:lux',
    undelivered: [{ index: 0, code: Rejection.REJECTION_BUSY, retryAfterMs: 1 }],
  },
  claim: { kind: 'claim', replyTo: bob, token: 5, targets: [{ user: '@ann:lux', device: 2 }] },
  claimed: { kind: 'claimed', token: 5, user: '@ann:lux', keys: [] },
  readKeys: { kind: 'readKeys', replyTo: bob, token: 5, devices: true, own: false },
  keysRead: { kind: 'keysRead', token: 5, user: '@ann:lux', keys: null },
  standing: {
    kind: 'standing',
    replyTo: roomAddress(room),
    standing: { ...RoomStanding.decode(none), room, controlNumber: 4 },
    readableFrom: 1,
  },
  identityKept: { kind: 'identityKept', room, version: 1 },
  newcomer: { kind: 'newcomer', replyTo: bob, user: '@bob:lux' },
  newcomerKept: { kind: 'newcomerKept' },
  accountClosed: { kind: 'accountClosed' },
  manifestMoved: { kind: 'manifestMoved', user: '@bob:lux', head },
  invited: { kind: 'invited' },
  authorised: { kind: 'authorised', token: 5, allowed: [], invited: [] },
  grantChecked: { kind: 'grantChecked', token: 5, counts: true },
  summaries: { kind: 'summaries', token: 5, summaries: [] },
  log: { kind: 'log', answer: {} as Extract<Message, { kind: 'log' }>['answer'] },
  submit: {
    kind: 'submit',
    from,
    submit: { ...Submit.decode(none), room, event: { header: none, body: none } },
  },
  subscribe: { kind: 'subscribe', from, replyTo: bob, token: 5 },
  fetch: { kind: 'fetch', from, fetch: { room, fromSeq: 1, throughSeq: 0, limit: 0, newestFirst: false } },
  putReceipt: { kind: 'putReceipt', from, write: none },
  ephemeral: { kind: 'ephemeral', from: { ...from, request: 0 }, ephemeral: EphemeralKind.EPHEMERAL_KIND_TYPING },
  readRoom: { kind: 'readRoom', from, read: { ...ReadRoom.decode(none), room } },
  authorise: { kind: 'authorise', replyTo: bob, token: 5, user: '@bob:lux', users: ['@ann:lux'] },
  summarise: { kind: 'summarise', token: 5, user: '@bob:lux' },
  standingKept: {
    kind: 'standingKept',
    user: '@bob:lux',
    controlNumber: 4,
    fingerprint: new Uint8Array(32),
    erased: false,
  },
  deviceRevoked: { kind: 'deviceRevoked', device: 2 },
  identityMoved: { kind: 'identityMoved', user: '@bob:lux', fingerprint: none, head },
};
