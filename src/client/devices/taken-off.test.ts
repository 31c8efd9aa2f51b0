// A device that was taken off is heard until the grace is over and not a millisecond longer, by the stamp or by this device's own clock.
import { describe, expect, it } from 'vitest';
import { LocalPerson } from '#proto/gen/local.ts';
import type { DeviceManifest, ManifestDevice } from '#proto/gen/record.ts';
import { signManifest } from '#proto/golden/cast.ts';
import { bob, chainOf, hashOf, KeyServer, room } from '../testing/key-server.ts';
import { People } from './people.ts';
import { isKnownLate, withRetired } from './taken-off.ts';

const signedMs = 1_700_000_000_000;
const learntMs = signedMs + 2_000_000;
const graceMs = 5 * 60_000;

/** Bob took his second device off, and this one knows since `learntMs` of its own clock. */
async function takenOff() {
  const server = new KeyServer();
  server.nowMs = learntMs;
  for (const manifest of chainOf([1, 2], [1])) await server.people.take(bob.user, manifest);
  const standing = (device: number, acceptedMs: number, afterMs = 0) =>
    server.people.deviceStanding(bob.user, bob.device(device).id, { room, acceptedMs, afterMs, named: undefined });
  return { server, standing };
}

describe('a device that was taken off', () => {
  it('tells a device that was taken off from one that is listed', async () => {
    const { standing } = await takenOff();
    const listedAs = bob.master.publicKey;
    expect(await standing(1, signedMs * 2, learntMs * 2)).toEqual({ number: 1, removed: false, listedAs });
    expect(await standing(2, signedMs - 1)).toEqual({ number: 2, removed: false });
  });

  it.each([
    ['at the end of the grace, by the stamp', signedMs + graceMs, 0, false],
    ['a millisecond later', signedMs + graceMs + 1, 0, true],
    ['at the end of the grace, by the own clock', 0, learntMs + graceMs, false],
    ['a millisecond later, whatever the stamp says', 0, learntMs + graceMs + 1, true],
  ])('hears a device that was taken off no more once the grace is over: %s', async (_what, stamp, afterMs, removed) => {
    const { standing, server } = await takenOff();
    expect(await standing(2, stamp, afterMs)).toEqual({ number: 2, removed });
    // Later lists do not give it its voice back, and neither does a restart.
    server.nowMs = learntMs * 2;
    await server.next(bob, 1);
    expect(await standing(2, stamp, afterMs)).toEqual({ number: 2, removed });
    const again = new People(() => server.parts());
    await again.load();
    const claim = { room, acceptedMs: stamp, afterMs, named: undefined };
    expect(await again.deviceStanding(bob.user, bob.device(2).id, claim)).toEqual({ number: 2, removed });
  });

  it('hears no more, either, a device that was off before it met its owner', async () => {
    const server = new KeyServer();
    server.nowMs = learntMs;
    await server.people.take(bob.user, chainOf([1])[0] as DeviceManifest);
    const standing = (acceptedMs: number, afterMs: number) =>
      server.people.deviceStanding(bob.user, bob.device(2).id, { room, acceptedMs, afterMs, named: undefined });
    expect(await standing(signedMs + graceMs, learntMs + graceMs)).toEqual({ number: 0, removed: false });
    expect(await standing(signedMs + graceMs + 1, 0)).toEqual({ number: 0, removed: true });
    expect(await standing(0, learntMs + graceMs + 1)).toEqual({ number: 0, removed: true });
  });

  // By the newest list each one that followed gave the stolen device back all the time until it was signed.
  it('does not hear it again, either, once later lists come', async () => {
    const server = new KeyServer();
    server.nowMs = learntMs;
    await server.people.take(bob.user, chainOf([1])[0] as DeviceManifest);
    const previousHash = hashOf(server);
    const list = { version: 2, devices: [1, 3], previousHash, signedMs: learntMs + 86_400_000 };
    await server.people.take(bob.user, signManifest(bob, list));
    const claim = { room, acceptedMs: learntMs + graceMs + 1, afterMs: 0, named: undefined };
    expect(await server.people.deviceStanding(bob.user, bob.device(2).id, claim)).toEqual({ number: 0, removed: true });
  });

  // A device that starts without the time learnt of a loss in 1970: whatever its owner had written since then was taken for the thief's, and rooms were frozen.
  it('does not go by a clock that was behind when it learnt of the loss, or first met its owner', async () => {
    const server = new KeyServer();
    server.nowMs = 5;
    for (const manifest of chainOf([1, 2], [1])) await server.people.take(bob.user, manifest);
    const standing = (device: number, afterMs: number) =>
      server.people.deviceStanding(bob.user, bob.device(device).id, { room, acceptedMs: 0, afterMs, named: undefined });
    for (const device of [2, 3]) {
      expect((await standing(device, signedMs + graceMs))?.removed).toBe(false);
      expect((await standing(device, signedMs + graceMs + 1))?.removed).toBe(true);
    }
    const key = bob.device(2).keys.publicKey;
    expect(server.people.wasTakenOff(bob.user, key, signedMs + graceMs)).toBe(false);
  });

  it('holds nothing that came in time against one that was taken off so long ago that it is not remembered', async () => {
    const server = new KeyServer();
    server.nowMs = signedMs;
    const others = Array.from({ length: 34 }, (_, n) => [1, n + 3]);
    const [first, ...later] = chainOf([1, 2], ...others);
    await server.people.take(bob.user, first as DeviceManifest);
    server.nowMs = learntMs;
    for (const manifest of later) await server.people.take(bob.user, manifest);
    const standing = (afterMs: number) =>
      server.people.deviceStanding(bob.user, bob.device(2).id, { room, acceptedMs: 0, afterMs, named: undefined });
    expect(await standing(learntMs)).toEqual({ number: 0, removed: false });
    expect(await standing(learntMs + graceMs + 1)).toEqual({ number: 0, removed: true });
  });

  it('says once of whom a device was taken off', async () => {
    const { server } = await takenOff();
    await server.next(bob, 1);
    expect(server.takenOff).toEqual([bob.user]);
  });

  it('tells by its own clock alone what a device that was taken off may not have signed', async () => {
    const { server } = await takenOff();
    const { people } = server;
    const key = (device: number) => bob.device(device).keys.publicKey;
    expect(people.wasTakenOff(bob.user, key(2), learntMs + graceMs)).toBe(false);
    expect(people.wasTakenOff(bob.user, key(2), learntMs + graceMs + 1)).toBe(true);
    for (const listedOrNever of [1, 3])
      expect(people.wasTakenOff(bob.user, key(listedOrNever), learntMs * 2)).toBe(false);
    expect(people.wasTakenOff('@nobody:localhost', key(2), learntMs * 2)).toBe(false);
  });

  it('knows nothing of its own clock where it learnt of it before that was kept', async () => {
    const row = {
      ...LocalPerson.decode(new Uint8Array()),
      retired: [{ number: 2 }],
      retiredMs: [signedMs],
    } as LocalPerson;
    const next = withRetired(row, [{ number: 3 } as ManifestDevice], { signedMs: signedMs + 1, now: learntMs });
    expect(next).toMatchObject({ retiredMs: [signedMs, signedMs + 1], retiredLearntMs: [0, learntMs] });
    expect(isKnownLate({ ...row, ...next }, 0, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});
