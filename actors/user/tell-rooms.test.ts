// A room that never heard of a new identity goes on taking messages under the old one. What was told from memory alone was lost for ever with a crash.
import { beforeEach, describe, expect, it } from 'vitest';
import { MemberStatus } from '#proto/gen/record.ts';
import { crossSigningOf, makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { parseAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { connects, uploads } from './testing/devices.ts';
import { roomOf, stand } from './testing/rooms.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;
const joined = MemberStatus.MEMBER_STATUS_JOINED;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  connects(street, alice, 1);
  uploads(street, { user, device: 1 }, { deviceJson: alice.device(1).deviceJson });
  street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigningOf(alice) });
});

function publishes(version = 1, previousHash?: Uint8Array) {
  const manifest = signManifest(alice, { version, devices: [1], ...(previousHash && { previousHash }) });
  const request = street.asks({ user, device: 1 }, { $case: 'publishManifest', value: { manifest } });
  return { request, hash: manifestHash(manifest.signed, testPrimitives) };
}
/** Rooms that were told since the last call, in order. */
function told(): string[] {
  const rooms = street
    .all('send')
    .flatMap(({ to, message }) => (message.kind === 'identityMoved' ? parseAddress(to).id : []));
  street.forget();
  return rooms;
}
const tick = () => street.tell(user, { kind: 'timer', name: 'rooms' });

describe('a published manifest', () => {
  it('is told to each room until it confirms, with a wait in between', () => {
    for (let n = 0; n < 3; n++) stand(street, user, { room: roomOf(n), status: joined });
    street.deaf.add(roomOf(1));
    publishes();
    expect(street.all('startTimer')).toMatchObject([{ name: 'rooms', delayMs: userLimits.roomsAgainMs }]);
    expect(told()).toEqual([roomOf(0), roomOf(1), roomOf(2)]);
    tick();
    expect(told()).toEqual([roomOf(1)]);
    street.deaf.clear();
    tick();
    expect(told()).toEqual([roomOf(1)]);
    tick();
    expect(told()).toEqual([]);
  });

  it('is told after a crash that came when it was durable and nobody had been told', () => {
    stand(street, user, { room: roomOf(0), status: joined });
    const log = street.log(user);
    log.held = true;
    const { request } = publishes();
    for (const command of log.waiting.splice(0)) log.perform(command);
    street.crash(user);
    log.held = false;
    expect(street.answers.get(request)).toBeUndefined();
    expect(told()).toEqual([]);
    connects(street, alice, 1);
    expect(told()).toEqual([roomOf(0)]);
    street.passivate(user);
    connects(street, alice, 1);
    expect(told()).toEqual([]);
  });

  it('is told again when this actor slept before a room confirmed', () => {
    stand(street, user, { room: roomOf(0), status: joined });
    street.deaf.add(roomOf(0));
    publishes();
    told();
    expect(street.log(user).restless).toBe(true);
    street.passivate(user);
    expect(street.isAwake(user)).toBe(false);
    expect(street.log(user).restless).toBe(true);
    street.deaf.clear();
    connects(street, alice, 1);
    expect(told()).toEqual([roomOf(0)]);
    street.passivate(user);
    expect(street.log(user).restless).toBe(false);
  });

  it('is not confirmed by what was said of an older one', () => {
    stand(street, user, { room: roomOf(0), status: joined });
    street.deaf.add(roomOf(0));
    const { hash } = publishes();
    street.now += userLimits.manifestEveryMs;
    publishes(2, hash);
    expect(told()).toEqual([roomOf(0), roomOf(0)]);
    street.tell(user, { kind: 'identityKept', room: roomOf(0), version: 1 });
    tick();
    expect(told()).toEqual([roomOf(0)]);
    street.tell(user, { kind: 'identityKept', room: roomOf(0), version: 2 });
    tick();
    expect(told()).toEqual([]);
  });

  it('goes to 100 rooms at once, the next ones a little later, and the silent ones after all', () => {
    const count = userLimits.roomsToldMax + 1;
    for (let n = 0; n < count; n++) {
      stand(street, user, { room: roomOf(n), status: joined });
      street.deaf.add(roomOf(n));
    }
    publishes();
    expect(street.all('startTimer').at(-1)).toMatchObject({ delayMs: userLimits.roomsTickMs });
    expect(told()).toHaveLength(userLimits.roomsToldMax);
    tick();
    expect(street.all('startTimer').at(-1)).toMatchObject({ delayMs: userLimits.roomsAgainMs });
    expect(told()).toEqual([roomOf(count - 1)]);
    tick();
    expect(told()).toHaveLength(userLimits.roomsToldMax);
  });
});
