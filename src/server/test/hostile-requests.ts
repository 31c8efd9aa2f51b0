// Hostile requests: what a device asks that is not for it, or too often, or not well-formed, and the rejection that answers it.
import { describePerson } from '#client/chain/control-author.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, EventKind, RoomPolicy } from '#proto/gen/record.ts';
import { eventually } from './harness.ts';
import { type Attack, listDevices, live } from './hostile-attacks.ts';
import { type Answering, type Asking, codeOf, frameOf, helloOf, RawSocket } from './hostile-socket.ts';
import { controlOf, eventOf, freshSendId, inOwnGroup, type Stage, submitOf } from './hostile-stage.ts';

const nobody = '!gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:localhost';

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
