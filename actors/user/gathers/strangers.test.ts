// Whoever is told apart "there is no such account" from "not for you" finds out whom a provider has. An owner can invite any name into a room of their
// own, so being invited must not make someone askable for nothing.
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClaimsAnswer, DeliveryReport, KeysAnswer } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { userLimits } from '../limits.ts';
import { Street } from '../testing/street.ts';

const eve = '@eve:example.org';
const room = `!g${'a'.repeat(32)}:example.org`;
const people = Array.from({ length: 30 }, (_, n) => `@p${n}:example.org`);
const ghosts = Array.from({ length: 30 }, (_, n) => `@ghost${n}:example.org`);
const burst = userLimits.strangerBurst;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  for (const user of [eve, ...people]) join(user);
  street.rooms.set(room, [eve]);
  street.invited.set(room, [...people, ...ghosts]);
});

function join(user: string): void {
  const device = makeActor(user).device(1);
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: device.id, deviceName: 'phone' });
  const oneTimeKeys = [{ keyId: 'signed_curve25519:A', key: utf8Bytes(`key of ${user}`) }];
  street.ask(
    { user, device: 1 },
    { $case: 'uploadKeys', value: { deviceJson: device.deviceJson, oneTimeKeys, fallbackKeys: [] } },
  );
}

const ask = (body: Parameters<Street['ask']>[1]) => street.ask({ user: eve, device: 1 }, body)!;
const query = (users: string[], where = room) =>
  ask({ $case: 'queryKeys', value: { room: where, users, manifestsAbove: 0 } });
const keysOf = (users: string[]) => query(users).value as KeysAnswer;
const claim = (users: string[]) => {
  const targets = users.map((user) => ({ user, device: 1 }));
  return (ask({ $case: 'claimKeys', value: { room, targets } }).value as ClaimsAnswer).keys.map(({ user }) => user);
};
const send = (users: string[], parts: { type?: string; device?: number } = {}) => {
  const message = (user: string, n: number) => ({
    user,
    device: 1,
    type: 't',
    content: utf8Bytes('c'),
    id: utf8Bytes(`${n}`),
    ...parts,
  });
  const answer = ask({ $case: 'sendDeviceMessages', value: { room, messages: users.map(message) } });
  return (answer.value as DeliveryReport).undelivered.map(({ code }) => code);
};
const rateLimited = { $case: 'rejected', value: { code: Rejection.REJECTION_RATE_LIMITED } };

describe('people who are only invited', () => {
  it('cost one stranger each, 20 at once, known or not; beyond, queries put them off', () => {
    const asked = [...ghosts.slice(0, burst - 1), ...people.slice(0, 2), ...ghosts.slice(burst)];
    const answer = keysOf(asked);
    expect(answer.users.map(({ user }) => user)).toEqual([people[0]]);
    expect(answer.missing).toEqual(ghosts.slice(0, burst - 1));
    expect(answer.deferred).toEqual([people[1], ...ghosts.slice(burst)]);
    expect(query([people[2]!], '')).toMatchObject(rateLimited);
  });

  it('are BUSY to messages and missing in claims, whether they exist or not', () => {
    keysOf(ghosts.slice(0, burst));
    expect(send([people[0]!, ghosts[29]!])).toEqual([Rejection.REJECTION_BUSY, Rejection.REJECTION_BUSY]);
    expect(claim([people[0]!, ghosts[29]!])).toEqual([]);
    street.now += userLimits.strangerEveryMs;
    expect(claim([people[0]!, people[1]!])).toEqual([people[0]]);
  });

  it('cost nothing again once they were found', () => {
    query([people[0]!], '');
    keysOf(ghosts.slice(0, burst - 1));
    for (let n = 0; n < 3; n++) {
      expect(keysOf([people[0]!, people[1]!])).toMatchObject({ users: [{ user: people[0] }], deferred: [people[1]] });
    }
    expect(send([people[0]!])).toEqual([]);
  });

  it('cost nothing once they have joined', () => {
    keysOf(ghosts.slice(0, burst));
    street.rooms.set(room, [eve, ...people]);
    expect(keysOf(people).users).toHaveLength(people.length);
  });

  it('cost one who is invited there too', () => {
    street.rooms.set(room, [people[29]!]);
    street.invited.set(room, [eve, ...ghosts, ...people.slice(0, 29)]);
    expect(keysOf([people[29]!]).users).toHaveLength(1);
    expect(keysOf([...ghosts.slice(0, burst), people[0]!]).deferred).toEqual([people[0]]);
  });
});

describe('the bucket of strangers', () => {
  it('is not filled by sleep or crash', () => {
    keysOf(ghosts.slice(0, burst));
    for (const forget of [() => street.passivate(eve), () => street.crash(eve)]) {
      forget();
      expect(query([people[0]!], '')).toMatchObject(rateLimited);
      expect(keysOf([people[0]!])).toMatchObject({ users: [], missing: [], deferred: [people[0]] });
    }
    street.now += userLimits.strangerEveryMs - 1;
    expect(query([people[0]!], '')).toMatchObject(rateLimited);
    street.now += 1;
    expect(query([people[0]!], '')).toMatchObject({ value: { users: [{ user: people[0] }] } });
  });

  it('is charged durably before anything is said', () => {
    street.log(eve).held = true;
    const request = street.asks(
      { user: eve, device: 1 },
      { $case: 'queryKeys', value: { room: '', users: [people[0]!], manifestsAbove: 0 } },
    );
    expect(street.answers.get(request)).toBeUndefined();
    street.flush(eve);
    expect(street.answers.get(request)).toMatchObject({ $case: 'keysAnswer' });
  });
});

describe('what can not be reached', () => {
  const outsider = '@outsider:example.org';
  const nobody = '@nobody:example.org';

  it('is the same answer to everything, whether it exists or not', () => {
    join(outsider);
    for (const user of [outsider, nobody]) {
      expect(keysOf([user])).toMatchObject({ users: [], missing: [user], deferred: [] });
      expect(claim([user])).toEqual([]);
      expect(send([user])).toEqual([Rejection.REJECTION_NOT_FOUND]);
    }
  });

  it('and what can are the same for a message that is malformed', () => {
    join(outsider);
    street.rooms.set(room, [eve, people[0]!]);
    for (const user of [outsider, nobody, people[0]!, people[1]!, ghosts[0]!]) {
      expect(send([user], { type: '' })).toEqual([Rejection.REJECTION_BAD_REQUEST]);
    }
  });

  it('is the same for a device that is not there and for a user who is not', () => {
    expect(send([people[0]!, ghosts[0]!], { device: 9 })).toEqual([
      Rejection.REJECTION_NOT_FOUND,
      Rejection.REJECTION_NOT_FOUND,
    ]);
  });
});
