// What a user actor knows must not depend on when it was in memory: random histories with sleeps, crashes and sealed segments in between end as
// the same history without them; and whatever was answered before a crash at any step is still so after it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressedDeviceMessage,
  type ClaimsAnswer,
  type DeliveryReport,
  type InboxPage,
  ServerFrame,
  type Welcome,
} from '#proto/gen/client.ts';
import { type MemberStatus, Role } from '#proto/gen/record.ts';
import { bytesOf, makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes, utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { roomAddress, userAddress } from '../kernel/address.ts';
import type { UserRequest } from '../kernel/messages.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;
const roomOf = (n: number) => `!g${'a'.repeat(31)}${'abcdefgh'[n]}:example.org`;
const freshStreet = () => new Street(testPrimitives);

type Step = (street: Street) => unknown;

const device = fc.integer({ min: 1, max: 3 });
const ask =
  (from: number, body: UserRequest): Step =>
  (street) =>
    street.ask({ user, device: from }, body);
const hello =
  (number: number): Step =>
  (street) => {
    street.tell(user, {
      kind: 'hello',
      session: number,
      device: number,
      deviceId: alice.device(number).id,
      deviceName: 'p',
    });
  };
const deposit =
  (id: number, to: number): Step =>
  (street) => {
    const content = utf8Bytes(`${id}`);
    const message: AddressedDeviceMessage = { user, device: to, type: 't', content, id: bytesOf(`${id}`, 8) };
    const replyTo = userAddress('@bob:example.org');
    const messages = [{ index: 0, message }];
    street.tell(user, {
      kind: 'deposit',
      replyTo,
      token: id,
      sender: '@bob:example.org',
      senderDevice: 1 + (id % 2),
      messages,
    });
  };
const keys = (from: number, count: number): Step => {
  const oneTimeKeys = Array.from({ length: count }, (_, index) => ({
    keyId: `signed_curve25519:${from}X${index}`,
    key: bytesOf(`${from} ${index}`),
  }));
  const fallbackKeys = [{ keyId: `signed_curve25519:F${count}`, key: bytesOf(`f ${count}`) }];
  return ask(from, {
    $case: 'uploadKeys',
    value: { deviceJson: alice.device(from).deviceJson, oneTimeKeys, fallbackKeys },
  });
};
const standing =
  (n: number, controlNumber: number, status: MemberStatus): Step =>
  (street) => {
    const base = {
      member: 2,
      role: Role.ROLE_MEMBER,
      byUser: '@bob:example.org',
      byBot: false,
      direct: false,
      readableFrom: 0,
    };
    const value = { ...base, room: roomOf(n), status, controlNumber };
    street.tell(user, {
      kind: 'standing',
      replyTo: roomAddress(roomOf(n)),
      standing: value,
      readableFrom: controlNumber,
    });
  };

const step: fc.Arbitrary<Step> = fc.oneof(
  device.map(hello),
  fc.tuple(fc.nat(40), fc.nat(3)).map(([id, to]) => deposit(id, to)),
  fc.tuple(device, fc.nat(12)).map(([from, count]) => keys(from, count)),
  fc
    .tuple(device, device)
    .map(([from, to]) => ask(from, { $case: 'claimKeys', value: { room: '', targets: [{ user, device: to }] } })),
  fc
    .tuple(device, fc.nat(60), fc.boolean())
    .map(([from, through, synced]) => ask(from, { $case: 'ackInbox', value: { through, synced } })),
  fc
    .tuple(device, device)
    .map(([from, to]) => ask(from, { $case: 'renameDevice', value: { device: to, name: `name ${from}` } })),
  device.filter((number) => number === 3).map((number) => ask(1, { $case: 'removeDevice', value: { device: number } })),
  fc
    .tuple(fc.nat(7), fc.nat(9), fc.integer({ min: 1, max: 6 }))
    .map(([n, control, status]) => standing(n, control, status as MemberStatus)),
  fc.tuple(device, device).map(([from, to]) => {
    const { id } = alice.device(to);
    const json = { [user]: { [id]: { signatures: { [user]: { [`ed25519:BY${from}`]: 'A'.repeat(86) } } } } };
    return ask(from, { $case: 'uploadSignatures', value: { signaturesJson: utf8Bytes(JSON.stringify(json)) } });
  }),
);

const disturbance: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  () => {},
  (street) => street.passivate(user),
  (street) => street.crash(user),
  (street) => street.tell(user, { kind: 'log', answer: { kind: 'sealing' } }),
);

function looks(street: Street): unknown[] {
  return [1, 2, 3].flatMap((from) => [
    ask(from, { $case: 'listDevices', value: {} })(street),
    ask(from, { $case: 'queryKeys', value: { room: '', users: [user], manifestsAbove: 0 } })(street),
    ask(from, { $case: 'fetchInbox', value: { after: 0, limit: 200 } })(street),
    ask(from, { $case: 'uploadKeys', value: { deviceJson: noBytes, oneTimeKeys: [], fallbackKeys: [] } })(street),
    ask(from, { $case: 'listRooms', value: { after: '', room: '' } })(street),
    ask(from, { $case: 'sendDeviceMessages', value: { room: '', messages: [] } })(street),
  ]);
}

describe('a user actor that comes and goes', () => {
  it('answers as if it had always been there', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, disturbance), { minLength: 1, maxLength: 60 }), (history) => {
        const calm = freshStreet();
        const shaken = freshStreet();
        for (const street of [calm, shaken]) hello(1)(street);
        for (const [act, disturb] of history) {
          expect(act(shaken)).toEqual(act(calm));
          disturb(shaken);
        }
        expect(looks(shaken)).toEqual(looks(calm));
        expect(shaken.log(user).rows.length).toBe(calm.log(user).rows.length);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps what it answered when it dies between any two steps of its log', () => {
    const move = fc.oneof(
      { weight: 4, arbitrary: fc.nat(30).map((id) => ({ kind: 'deposit', id }) as const) },
      { weight: 2, arbitrary: fc.constant({ kind: 'claim' } as const) },
      { weight: 2, arbitrary: fc.nat(30).map((through) => ({ kind: 'ack', through }) as const) },
      {
        weight: 4,
        arbitrary: fc.integer({ min: 1, max: 4 }).map((commands) => ({ kind: 'flush', commands }) as const),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'crash' } as const) },
      { weight: 1, arbitrary: fc.constant({ kind: 'passivate' } as const) },
    );
    fc.assert(
      fc.property(fc.array(move, { minLength: 5, maxLength: 80 }), (moves) => {
        const street = freshStreet();
        hello(1)(street);
        keys(1, 10)(street);
        const log = street.log(user);
        log.held = true;
        const open: { readonly request: number; readonly id?: number; readonly through?: number }[] = [];
        for (const each of moves) {
          if (each.kind === 'deposit') open.push({ id: each.id, request: send(street, each.id) });
          else if (each.kind === 'claim') open.push({ request: claim(street) });
          else if (each.kind === 'ack') open.push({ through: each.through, request: ack(street, each.through) });
          else if (each.kind === 'flush') street.flush(user, each.commands);
          else if (each.kind === 'crash') street.crash(user);
          else street.passivate(user);
        }
        street.crash(user);
        log.held = false;
        check(street, open);
      }),
      { numRuns: 150 },
    );
  });
});

// The word of an entry was lost with the actor that wrote it: a device that was there all the time heard of it only with the next one.
it('a user actor that opens says its head to whoever is live', () => {
  const street = freshStreet();
  hello(1)(street);
  const log = street.log(user);
  log.held = true;
  send(street, 1);
  const append = log.waiting.shift();
  if (append?.kind !== 'append') throw new Error('nothing is appended');
  log.perform(append);
  street.crash(user);
  log.held = false;
  const head = log.rows.length;
  street.forget();
  claim(street);
  const [first] = street.all('deliver');
  expect(first?.audience).toEqual({ user });
  expect(ServerFrame.decode(first!.frame).body).toMatchObject({ $case: 'inboxMoved', value: { head } });
});

function send(street: Street, id: number): number {
  const message = { user, device: 1, type: 't', content: utf8Bytes(`${id}`), id: bytesOf(`${id}`, 8) };
  return street.asks({ user, device: 1 }, { $case: 'sendDeviceMessages', value: { room: '', messages: [message] } });
}

function claim(street: Street): number {
  return street.asks({ user, device: 1 }, { $case: 'claimKeys', value: { room: '', targets: [{ user, device: 1 }] } });
}

function ack(street: Street, through: number): number {
  return street.asks({ user, device: 1 }, { $case: 'ackInbox', value: { through, synced: false } });
}

function check(street: Street, open: readonly { request: number; id?: number; through?: number }[]): void {
  const answers = open.map((each) => ({ ...each, answer: street.answers.get(each.request) }));
  const given = answers.flatMap(({ answer }) => (answer?.$case === 'claimsAnswer' ? answer.value.keys : []));
  const later = Array.from({ length: 12 }, () => street.answers.get(claim(street))!.value as ClaimsAnswer);
  const oneTime = [...given, ...later.flatMap((each) => each.keys)]
    .map(({ keyId }) => keyId)
    .filter((id) => id.includes('X'));
  expect(new Set(oneTime).size).toBe(oneTime.length);

  const page = street.ask({ user, device: 1 }, { $case: 'fetchInbox', value: { after: 0, limit: 200 } })!
    .value as InboxPage;
  const stored = page.entries.flatMap(({ body }) =>
    body?.$case === 'deviceMessage' ? [String.fromCharCode(...body.value.content)] : [],
  );
  expect(new Set(stored).size).toBe(stored.length);
  for (const { id, answer } of answers) {
    if (answer?.$case !== 'deliveryReport' || id === undefined) continue;
    expect((answer.value as DeliveryReport).undelivered).toEqual([]);
    expect(stored).toContain(`${id}`);
  }
  street.forget();
  hello(1)(street);
  const welcomed = street.all('send').at(-1)?.message;
  if (welcomed?.kind !== 'welcomed') throw new Error('no welcome');
  const acknowledged = answers.flatMap(({ through = 0, answer }) => (answer?.$case === 'done' ? [through] : []));
  expect((welcomed.body.value as Welcome).inboxCursor).toBeGreaterThanOrEqual(Math.max(0, ...acknowledged));
}
