// The list of attacks: what a hostile device with a real token does, and the code of codes.proto that it gets. A line with a code that no device
// can bring about names the test that shows it instead.
import { describePerson } from '#client/chain/control-author.ts';
import { logout } from '#client/connection/login.ts';
import { type Disconnect, Rejection } from '#proto/gen/codes.ts';
import { ControlKind, EventKind, RoomPolicy } from '#proto/gen/record.ts';
import { eventually } from './harness.ts';
import { type Answering, type Asking, codeOf, frameOf, helloOf, RawSocket, rawLogin } from './hostile-socket.ts';
import { controlOf, eventOf, freshSendId, inOwnGroup, type Stage, submitOf } from './hostile-stage.ts';

type Code = keyof typeof Rejection | keyof typeof Disconnect;
/** Does something hostile; the code that came back. */
type Attack = (stage: Stage) => Promise<number>;

const listDevices: Asking = { $case: 'listDevices', value: {} };
const nobody = '!gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:localhost';

/** A live session of Mallory's: what it does, and the codes that it hears. */
export async function live(stage: Stage, work: (raw: RawSocket) => Promise<readonly Answering[]>): Promise<number[]> {
  const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
  try {
    return (await work(raw)).map(codeOf);
  } finally {
    raw.close();
  }
}

const asks =
  (make: (stage: Stage) => Asking | Promise<Asking>): Attack =>
  async (stage) => {
    const asking = await make(stage);
    return (await live(stage, async (raw) => [await raw.ask(asking)]))[0] as number;
  };

/** The one code among many answers that is looked for; 0 where it did not come. */
const among =
  (code: number, make: (stage: Stage) => readonly Asking[]): Attack =>
  async (stage) =>
    (await live(stage, (raw) => raw.askAll(make(stage)))).includes(code) ? code : 0;

/** The last of several requests, one after the other. */
const lastOf =
  (make: (stage: Stage) => readonly Asking[]): Attack =>
  async (stage) =>
    (await live(stage, async (raw) => [...(await answersInTurn(raw, make(stage)))])).at(-1) as number;

async function answersInTurn(raw: RawSocket, bodies: readonly Asking[]): Promise<Answering[]> {
  const answers: Answering[] = [];
  for (const body of bodies) answers.push(await raw.ask(body));
  return answers;
}

/** A socket that says hello, where asked to, and then these bytes: the code with which it ends. */
const ends =
  (how: { readonly greeted: boolean }, bytes: (stage: Stage) => Uint8Array | string): Attack =>
  async (stage) => {
    const raw = how.greeted
      ? await RawSocket.greet(stage.provider, stage.login.accessToken)
      : await RawSocket.open(stage.provider);
    raw.bytes(bytes(stage));
    return raw.ended;
  };

const fresh = { greeted: false };
const greeted = { greeted: true };
const one = (frame: Uint8Array) => Uint8Array.of(frame.length, ...frame);
/** A page from a seq on. */
export const fetchFrom = (room: string, fromSeq: number): Asking => ({
  $case: 'fetchRecords',
  value: { room, fromSeq, throughSeq: 0, limit: 0, newestFirst: false },
});
const queryVera = ({ vera, group }: Stage): Asking => ({
  $case: 'queryKeys',
  value: { room: group, users: [vera.user], manifestsAbove: 0 },
});
const wrongSignature = (signature: Uint8Array) => signature.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
const leave = ({ mallory, group }: Stage) => ({
  kind: ControlKind.CONTROL_KIND_LEAVE,
  target: mallory.held.need(group).replica.chain.memberOf(mallory.user),
});
const emptying = { kind: EventKind.EVENT_KIND_EMPTYING };

/** Hostile requests, and the rejection that answers each. */
export const rejections: readonly (readonly [keyof typeof Rejection, string, Attack])[] = [
  [
    'REJECTION_BUSY',
    'more questions about others than are asked at a time',
    among(Rejection.REJECTION_BUSY, (stage) => Array.from({ length: 60 }, () => queryVera(stage))),
  ],
  [
    'REJECTION_RATE_LIMITED',
    'more claims than the bucket holds',
    async (stage) => {
      const claim: Asking = {
        $case: 'claimKeys',
        value: { room: '', targets: [{ user: stage.mallory.user, device: 99 }] },
      };
      const codes = await live(stage, async (raw) => {
        const answers: Answering[] = [];
        for (let round = 0; round < 3; round++)
          answers.push(...(await raw.askAll(Array.from({ length: 60 }, () => claim))));
        return answers;
      });
      return codes.includes(Rejection.REJECTION_RATE_LIMITED) ? Rejection.REJECTION_RATE_LIMITED : 0;
    },
  ],
  ['REJECTION_LANE_FULL', 'more device messages than a lane holds', fullLane],
  [
    'REJECTION_STALE_STATE',
    'a control head that is not there yet',
    asks((stage) => submitOf(stage, eventOf(stage, { control: { number: 999, hash: new Uint8Array(32) } }))),
  ],
  [
    'REJECTION_TOO_OLD',
    'a send id far below the last',
    lastOf((stage) => [submitOf(stage, eventOf(stage)), submitOf(stage, eventOf(stage, { sendId: 900 }))]),
  ],
  [
    'REJECTION_ID_REUSED',
    'a send id with another header',
    lastOf((stage) => {
      const sendId = freshSendId();
      return [submitOf(stage, eventOf(stage, { sendId })), submitOf(stage, eventOf(stage, { sendId }))];
    }),
  ],
  [
    'REJECTION_ROOM_EXISTS',
    'a second genesis of a room',
    asks((stage) => {
      const person = describePerson(stage.mallory.user, new Uint8Array(32).fill(7), 1);
      const hub = { provider: 'localhost', epoch: 1 };
      const policy = RoomPolicy.decode(new Uint8Array());
      return controlOf(inOwnGroup(stage), {
        kind: ControlKind.CONTROL_KIND_CREATE,
        target: 1,
        role: 4,
        person,
        hub,
        policy,
      });
    }),
  ],
  [
    'REJECTION_STALE_MANIFEST',
    'a submit of a device in no manifest',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.stray.accessToken);
      const answer = await raw.ask(submitOf(stage, eventOf(stage, { device: stage.stray.deviceNumber })));
      raw.close();
      return codeOf(answer);
    },
  ],
  ['REJECTION_BAD_REQUEST', 'a room id that is none', asks(() => fetchFrom('!../../etc/passwd:localhost', 1))],
  [
    'REJECTION_BAD_REQUEST',
    'a request number that still waits',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
      raw.frames(...[1, 2].map(() => frameOf(77, queryVera(stage))));
      const answers = () => raw.heard.filter(({ request }) => request === 77);
      await eventually('both are answered', () => answers().length === 2);
      raw.close();
      return Math.max(...answers().map(({ body }) => codeOf(body as Answering)));
    },
  ],
  [
    'REJECTION_BAD_REQUEST',
    'no event at all',
    asks(({ group }) => ({
      $case: 'submit',
      value: { room: group, event: undefined, person: undefined, credential: undefined, partner: '' },
    })),
  ],
  [
    'REJECTION_BAD_EVENT',
    'a header for another room',
    asks((stage) => submitOf(stage, eventOf(stage, { room: stage.own }))),
  ],
  [
    'REJECTION_BAD_EVENT',
    'another body than the header names',
    asks((stage) => submitOf(stage, { ...eventOf(stage), body: new Uint8Array(64) })),
  ],
  ['REJECTION_BAD_EVENT', "another device's number", asks((stage) => submitOf(stage, eventOf(stage, { device: 9 })))],
  [
    'REJECTION_BAD_EVENT',
    "the provider's own device number",
    asks((stage) => submitOf(stage, eventOf(stage, { device: 0 }))),
  ],
  [
    'REJECTION_BAD_EVENT',
    'a header that is not canonical',
    asks((stage) => {
      const { header, body } = eventOf(stage);
      return submitOf(stage, { header: Uint8Array.of(...header, 0x10, 0x01), body });
    }),
  ],
  ['REJECTION_BAD_EVENT', 'an emptying that is garbage', asks((stage) => submitOf(stage, eventOf(stage, emptying)))],
  [
    'REJECTION_BAD_SIGNATURE',
    'a control entry with a bit of its signature turned',
    asks((stage) => controlOf(stage, leave(stage), wrongSignature)),
  ],
  [
    'REJECTION_TOO_LARGE',
    'a header over its size',
    asks((stage) => submitOf(stage, { header: new Uint8Array(1_025), body: new Uint8Array() })),
  ],
  [
    'REJECTION_TOO_LARGE',
    'a body over its size',
    asks((stage) => submitOf(stage, eventOf(stage, {}, new Uint8Array(49_153)))),
  ],
  ['REJECTION_NOT_MEMBER', "another member's number", asks((stage) => submitOf(stage, eventOf(stage, { member: 1 })))],
  [
    'REJECTION_FORBIDDEN',
    'a member who removes the owner',
    asks((stage) => controlOf(stage, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 1 })),
  ],
  [
    'REJECTION_INVALID_CONTROL',
    'a member who makes herself owner',
    asks((stage) => controlOf(stage, { ...leave(stage), kind: ControlKind.CONTROL_KIND_ROLE, role: 4 })),
  ],
  ['REJECTION_NOT_FOUND', 'a room that is not there', asks(() => fetchFrom(nobody, 1))],
  [
    'REJECTION_LIMIT_REACHED',
    'more requests than may wait at once',
    among(Rejection.REJECTION_LIMIT_REACHED, (stage) => Array.from({ length: 190 }, () => fetchFrom(stage.group, 0))),
  ],
  [
    'REJECTION_NOT_LOGGED_IN',
    'a request while the hello is looked at',
    async (stage) => {
      const raw = await RawSocket.open(stage.provider);
      raw.frames(frameOf(500, helloOf(stage.login.accessToken)), frameOf(501, listDevices));
      const code = codeOf(await raw.answer(501));
      raw.close();
      return code;
    },
  ],
  [
    'REJECTION_UNSUPPORTED',
    'a frame of a kind that does not exist',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
      // Field 1000, empty, behind the request number 600.
      raw.frames(Uint8Array.of(0x08, 0xd8, 0x04, 0xc2, 0x3e, 0x00));
      const code = codeOf(await raw.answer(600));
      raw.close();
      return code;
    },
  ],
  [
    'REJECTION_UNSUPPORTED',
    'an event of a kind that does not exist',
    asks((stage) => submitOf(stage, eventOf(stage, { kind: 77 as EventKind }))),
  ],
  ['REJECTION_BELOW_FLOOR', 'records from before one joined', asks((stage) => fetchFrom(stage.group, 1))],
  [
    'REJECTION_INVALID_CONTROL',
    'a control entry that decodes to nothing',
    asks((stage) => submitOf(stage, eventOf(stage, { kind: EventKind.EVENT_KIND_CONTROL }))),
  ],
  [
    'REJECTION_INVALID_CONTROL',
    'an invitation without the person',
    asks((stage) => controlOf(stage, { kind: ControlKind.CONTROL_KIND_INVITE, target: 3, role: 1 })),
  ],
];

/** Hostile sockets, and the code that ends each. */
export const disconnects: readonly (readonly [keyof typeof Disconnect, string, Attack])[] = [
  [
    'DISCONNECT_HELLO_TIMEOUT',
    'a socket that never says hello',
    async (stage) => (await RawSocket.open(stage.provider)).ended,
  ],
  ['DISCONNECT_TOKEN_EXPIRED', 'a token that nobody gave', ends(fresh, () => one(frameOf(1, helloOf('nonsense'))))],
  [
    'DISCONNECT_TOKEN_EXPIRED',
    'a token over its size',
    async (stage) => {
      const raw = await RawSocket.open(stage.provider);
      raw.frames(frameOf(1, helloOf('t'.repeat(257))));
      return raw.ended;
    },
  ],
  [
    'DISCONNECT_TOKEN_EXPIRED',
    'the token of a device that was logged out',
    async ({ provider }) => {
      const gone = await rawLogin(provider, 'mallory', 'gone');
      (await RawSocket.greet(provider, gone.accessToken)).close();
      await logout({ server: provider.url }, gone.accessToken);
      const raw = await RawSocket.open(provider);
      raw.frames(frameOf(1, helloOf(gone.accessToken)));
      return raw.ended;
    },
  ],
  [
    'DISCONNECT_LOGGED_OUT',
    'a session whose device is logged out',
    async (stage) => {
      const gone = await rawLogin(stage.provider, 'mallory', 'gone');
      const raw = await RawSocket.greet(stage.provider, gone.accessToken);
      await live(stage, async (other) => [
        await other.ask({ $case: 'removeDevice', value: { device: gone.deviceNumber } }),
      ]);
      return raw.ended;
    },
  ],
  [
    'DISCONNECT_REPLACED',
    'the same device twice',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
      (await RawSocket.greet(stage.provider, stage.login.accessToken)).close();
      return raw.ended;
    },
  ],
  ['DISCONNECT_MALFORMED_FRAME', 'an empty message', ends(greeted, () => new Uint8Array())],
  ['DISCONNECT_MALFORMED_FRAME', 'an empty frame', ends(greeted, () => Uint8Array.of(0))],
  ['DISCONNECT_MALFORMED_FRAME', 'a truncated frame', ends(greeted, () => Uint8Array.of(9, 8, 1))],
  [
    'DISCONNECT_MALFORMED_FRAME',
    'a length that is not in shortest form',
    ends(greeted, () => Uint8Array.of(0x82, 0x00, 8, 1)),
  ],
  ['DISCONNECT_MALFORMED_FRAME', 'a frame of garbage', ends(greeted, () => one(Uint8Array.of(0xff, 0xff, 0xff, 0xff)))],
  [
    'DISCONNECT_MALFORMED_FRAME',
    'garbage instead of hello',
    ends(fresh, () => one(Uint8Array.of(0x12, 0x7f, 1, 2, 3))),
  ],
  ['DISCONNECT_MALFORMED_FRAME', 'a request without a number', ends(greeted, () => one(frameOf(0, listDevices)))],
  [
    'DISCONNECT_MALFORMED_FRAME',
    'more tiny frames than a message may hold',
    ends(greeted, () => new Uint8Array(2_100).map((_, at) => (at % 2 === 0 ? 1 : 8))),
  ],
  [
    'DISCONNECT_FRAME_TOO_LARGE',
    'a frame over 64 KiB',
    ends(greeted, () => Uint8Array.of(0x81, 0x80, 0x04, ...new Uint8Array(65_537))),
  ],
  [
    'DISCONNECT_FRAME_TOO_LARGE',
    'a length over any limit',
    ends(greeted, () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1)),
  ],
  ['DISCONNECT_TEXT_NOT_ALLOWED', 'a text message', ends(greeted, () => 'GET / HTTP/1.1')],
  ['DISCONNECT_OUT_OF_STATE', 'a request before hello', ends(fresh, () => one(frameOf(1, listDevices)))],
  [
    'DISCONNECT_OUT_OF_STATE',
    'typing before hello',
    ends(fresh, ({ group }) => one(frameOf(0, { $case: 'sendEphemeral', value: { room: group, kind: 1 } }))),
  ],
  [
    'DISCONNECT_OUT_OF_STATE',
    'a second hello',
    ends(greeted, ({ login }) => one(frameOf(9, helloOf(login.accessToken)))),
  ],
  [
    'DISCONNECT_UNSUPPORTED_VERSION',
    'a hello of another version',
    ends(fresh, ({ login }) => one(frameOf(1, helloOf(login.accessToken, 2)))),
  ],
  [
    'DISCONNECT_FLOODING',
    'frames that keep coming after rejections',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
      for (let round = 0; round < 10; round++)
        raw.frames(...Array.from({ length: 50 }, (_, at) => frameOf(1_000 + round * 50 + at, undefined)));
      return raw.ended;
    },
  ],
];

/** What no device can bring about, or not within a test's time: where it is shown instead. */
export const elsewhere: Readonly<Partial<Record<Code, string>>> = {
  REJECTION_UNAVAILABLE: 'actors/session/journey.test.ts',
  REJECTION_SUSPENDED: 'actors/room/posting/post.test.ts',
  DISCONNECT_SLOW_READER: 'src/server/test/slow.test.ts',
  DISCONNECT_HEARTBEAT_MISSED: 'src/server/transport/test/contract/ends.ts',
  DISCONNECT_BUSY: 'actors/kernel/system.test.ts',
  DISCONNECT_INTERNAL: 'src/server/transport/test/contract/frames.ts',
  // The last test of this file.
  DISCONNECT_GOING_AWAY: 'src/server/test/hostile.test.ts',
};

async function fullLane(stage: Stage): Promise<number> {
  const messages = (from: number) =>
    Array.from({ length: 200 }, (_, at) => ({
      user: stage.mallory.user,
      device: stage.stray.deviceNumber,
      type: 'm.noise',
      content: new Uint8Array(16),
      id: new TextEncoder().encode(`${from + at}`),
    }));
  const send = (from: number): Asking => ({
    $case: 'sendDeviceMessages',
    value: { room: '', messages: messages(from) },
  });
  const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
  await raw.ask(send(0));
  const report = await raw.ask(send(200));
  raw.close();
  return report.$case === 'deliveryReport' ? (report.value.undelivered[0]?.code ?? 0) : 0;
}
