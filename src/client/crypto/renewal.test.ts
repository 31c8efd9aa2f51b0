// The private identity replaced or renewed, between devices on a key server in memory: what counts afterwards, what does not, and what a stop half way leaves.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientError } from '../errors.ts';
import type { CryptoEngine } from './engine.ts';
import { alice, bob, TestWorld } from './test-world.ts';

const grant = { token: 'lxg_x', attempt: new Uint8Array(16) };
const seed = (fill: number) => new Uint8Array(32).fill(fill);
let world: TestWorld;
beforeEach(() => {
  world = new TestWorld();
});
afterEach(() => world.close());

const crossSigned = async (by: CryptoEngine, device: string) =>
  (await by.devices(alice)).find((each) => each.device === device)?.crossSigned;

/** Everyone hears that Alice's keys moved. */
async function told(): Promise<void> {
  for (const engine of world.engines) await engine.receive({ messages: [], changedUsers: [alice] });
  await world.settle();
}

describe('a self-signing key that is renewed', () => {
  async function people() {
    const phone = await world.device(alice, 'PHONE', { first: true });
    const tablet = await world.device(alice, 'TABLET');
    const stolen = await world.device(alice, 'STOLEN');
    const ben = await world.device(bob, 'BEN', { first: true });
    await world.verify(phone, tablet);
    await world.verify(phone, stolen);
    const staying = async () => [{ device: 'TABLET', ed25519: (await tablet.ownKeys()).ed25519 }];
    return { phone, tablet, stolen, ben, staying };
  }

  it('keeps the identity, signs those that stay, and no one else, whatever they hold of it', async () => {
    const { phone, tablet, stolen, ben, staying } = await people();
    const before = await ben.identity(alice);
    expect(await stolen.holdsIdentity()).toBe(true);
    await phone.renewSelfSigning({ seed: seed(7), devices: await staying() });
    await told();
    expect(await ben.identity(alice)).toEqual(before);
    expect(await Promise.all(['PHONE', 'TABLET', 'STOLEN'].map((id) => crossSigned(ben, id)))).toEqual([
      ...[true, true, false],
    ]);
    expect([await phone.confirmed(), await tablet.confirmed(), await stolen.confirmed()]).toEqual([true, true, false]);
    expect(await phone.exportIdentity()).toMatchObject({ selfSigning: seed(7) });
    // The one that stays is given the new key when it asks; the one that does not is not.
    expect([await tablet.holdsIdentity(), await stolen.holdsIdentity()]).toEqual([false, false]);
    await Promise.all([tablet.askForIdentity(), stolen.askForIdentity()]);
    await world.settle();
    expect([await tablet.holdsIdentity(), await stolen.holdsIdentity()]).toEqual([true, false]);
    expect(await tablet.exportIdentity()).toEqual(await phone.exportIdentity());
  });

  it('ends with the same seed, wherever it was cut short, and signs no other device under the name of one that stays', async () => {
    const phone = await world.device(alice, 'PHONE', { first: true });
    const tablet = await world.device(alice, 'TABLET');
    await phone.renewSelfSigning({ seed: seed(8), devices: [{ device: 'TABLET', ed25519: seed(1) }] });
    expect(await crossSigned(phone, 'TABLET')).toBe(false);
    const { ed25519 } = await tablet.ownKeys();
    const renewal = { seed: seed(9), devices: [{ device: 'TABLET', ed25519 }] };
    let left = 0;
    for (let steps = 0, done = false; !done; steps++) {
      left = steps;
      world.server.before = () => {
        if (left-- === 0) throw new Error('cut');
      };
      done = await phone.renewSelfSigning(renewal).then(
        () => true,
        () => false,
      );
    }
    world.server.before = () => {};
    await told();
    expect(await phone.exportIdentity()).toMatchObject({ selfSigning: seed(9) });
    expect(await phone.confirmed()).toBe(true);
    expect([await crossSigned(phone, 'PHONE'), await crossSigned(tablet, 'TABLET')]).toEqual([true, true]);
  });

  it('is refused by a device that does not hold the identity', async () => {
    await world.device(alice, 'PHONE', { first: true });
    const fresh = await world.device(alice, 'FRESH');
    await expect(fresh.renewSelfSigning({ seed: seed(7), devices: [] })).rejects.toMatchObject({
      code: 'NOT_CONFIRMED',
    });
  });
});

describe('an identity that is replaced', () => {
  it('is another one to everybody, and the device that began it is its first', async () => {
    const lost = await world.device(alice, 'LOST', { first: true });
    const ben = await world.device(bob, 'BEN', { first: true });
    const fresh = await world.device(alice, 'FRESH');
    const before = await ben.identity(alice);
    await fresh.replaceIdentity(grant);
    await told();
    expect(world.server.granted).toEqual(['lxg_x']);
    expect([await fresh.confirmed(), await fresh.holdsIdentity()]).toEqual([true, true]);
    expect([await lost.confirmed(), await lost.holdsIdentity()]).toEqual([false, false]);
    const now = await ben.identity(alice);
    expect(now).toMatchObject({ changed: true });
    expect(now?.masterKey).not.toEqual(before?.masterKey);
  });

  it('that the server refused is forgotten', async () => {
    const lost = await world.device(alice, 'LOST', { first: true });
    const fresh = await world.device(alice, 'FRESH');
    world.server.before = (call) => {
      if (call === 'uploadCrossSigning') throw new Error('refused');
    };
    await expect(fresh.replaceIdentity(grant)).rejects.toThrow('refused');
    expect([await fresh.holdsIdentity(), await fresh.confirmed()]).toEqual([false, false]);
    world.server.before = () => {};
    await told();
    expect(await lost.confirmed()).toBe(true);
  });

  it('that the server refused says so also where it can not be looked up after, and hides no bug', async () => {
    await world.device(alice, 'LOST', { first: true });
    const fresh = await world.device(alice, 'FRESH');
    const refused = new ClientError('REJECTED', 'refused');
    const bug = new TypeError('x is not a function');
    for (const [after, told] of [
      [new ClientError('OFFLINE', 'no connection'), refused],
      [bug, bug],
    ]) {
      world.server.before = (call) => {
        if (call === 'uploadCrossSigning') throw refused;
        if (call === 'queryKeys') throw after;
      };
      await expect(fresh.replaceIdentity(grant)).rejects.toBe(told);
    }
  });

  it('whose signatures were lost on their way is completed as a first one is', async () => {
    await world.device(alice, 'LOST', { first: true });
    const fresh = await world.device(alice, 'FRESH');
    world.server.before = (call) => {
      if (call === 'uploadSignatures') throw new Error('cut');
    };
    await expect(fresh.replaceIdentity(grant)).rejects.toThrow('cut');
    world.server.before = () => {};
    await fresh.refresh([alice]);
    expect(await fresh.holdsIdentity()).toBe(true);
    await fresh.createIdentity();
    await told();
    expect(await fresh.confirmed()).toBe(true);
  });
});
