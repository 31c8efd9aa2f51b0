import { describe, expect, it } from 'vitest';
import { ManifestBody } from '../../gen/record.ts';
import { bytesOf, keyPair, makeActor, signManifest, testPrimitives } from '../../golden/cast.ts';
import { asciiBytes } from '../bytes/bytes.ts';
import { manifestTextToSign } from '../bytes/hash.ts';
import { checkManifest, followManifest, type KnownManifest, manifestHead } from './manifest.ts';

const ada = makeActor('@ada:alpha.lu');
const context = { user: ada.user, primitives: testPrimitives };
const taken = (known: KnownManifest | null, manifest: Parameters<typeof followManifest>[1]): KnownManifest => {
  const result = followManifest(known, manifest, context);
  if (result.known === undefined) throw new Error(result.invalid);
  return result.known;
};
const first = taken(null, signManifest(ada, { version: 1, devices: [1, 2] }));
const next = (parts: { devices: readonly number[]; version?: number }, signer = 1, actor = ada) =>
  signManifest(actor, { version: 2, previousHash: first.hash, ...parts }, signer);
const fault = (manifest: Parameters<typeof followManifest>[1], known: KnownManifest | null = first) =>
  followManifest(known, manifest, context).invalid ?? null;

/** Signs whatever body, so that only the body can be what is wrong. */
function resign(change: Partial<ManifestBody>, base = signManifest(ada, { version: 1, devices: [1, 2] })) {
  const signed = ManifestBody.encode({ ...ManifestBody.decode(base.signed), ...change }).finish();
  const signature = ada.device(1).keys.sign(asciiBytes(manifestTextToSign(signed, testPrimitives)));
  return { ...base, signed, signature };
}

describe('a manifest', () => {
  it('is taken one after the other', () => {
    const second = taken(first, next({ devices: [1, 2, 3] }));
    expect(manifestHead(second)).toEqual({ version: 2, hash: second.hash });
    expect(followManifest(second, next({ devices: [1, 2, 3] }), context).known).toBe(second);
  });

  it('that is older, ahead, or another of the same version is not', () => {
    const second = taken(first, next({ devices: [1] }));
    expect(fault(signManifest(ada, { version: 1, devices: [1, 2] }), second)).toBe('STALE');
    expect(fault(next({ version: 3, devices: [1] }))).toBe('GAP');
    expect(fault(next({ devices: [1, 2] }), second)).toBe('FORK');
    expect(fault(signManifest(ada, { version: 2, devices: [1] }))).toBe('FORK');
  });

  it('can be signed by no device that was taken off the list', () => {
    const second = taken(first, next({ devices: [1] }));
    const revenge = signManifest(ada, { version: 3, previousHash: second.hash, devices: [1, 2] }, 2);
    expect(fault(revenge, second)).toBe('WRONG_SIGNER');
  });

  it('is signed by a listed device, with its own key', () => {
    expect(fault(next({ devices: [2, 3] }, 1))).toBe('WRONG_SIGNER');
    expect(fault({ ...next({ devices: [1, 2] }), signature: new Uint8Array(64) })).toBe('BAD_SIGNATURE');
    expect(fault({ ...next({ devices: [1, 2] }), credential: ada.credential(0, 2) })).toBe('WRONG_CREDENTIAL');
    expect(fault({ ...next({ devices: [1, 2] }), credential: undefined })).toBe('MALFORMED');
  });

  it('is signed by a device that is just listed, where the backup named before vouches for it, and not by what it names itself', () => {
    const [listing, other] = [keyPair('listing'), keyPair('other')];
    const backup = { version: 1, hash: bytesOf('header'), listingKey: listing.publicKey };
    const secured = taken(first, signManifest(ada, { version: 2, previousHash: first.hash, devices: [1, 2], backup }));
    const third = { version: 3, previousHash: secured.hash, devices: [9], backup };
    // The phones are lost: the new device may drop them, too.
    expect(fault(signManifest(ada, { ...third, vouchedBy: listing }, 9), secured)).toBe(null);
    expect(fault(signManifest(ada, { ...third, vouchedBy: other }, 9), secured)).toBe('WRONG_SIGNER');
    const own = { version: 2, hash: bytesOf('mine'), listingKey: other.publicKey };
    expect(fault(signManifest(ada, { ...third, backup: own, vouchedBy: other }, 9), secured)).toBe('WRONG_SIGNER');
    // It vouches for these very bytes.
    const { backupSignature } = signManifest(ada, { ...third, vouchedBy: listing }, 9);
    const moved = { ...signManifest(ada, { ...third, devices: [2, 9] }, 9), backupSignature };
    expect(fault(moved, secured)).toBe('WRONG_SIGNER');
  });

  it('names no older backup than before, unless the identity is another', () => {
    const backup = { version: 5, hash: bytesOf('header'), listingKey: bytesOf('key') };
    const secured = taken(first, signManifest(ada, { version: 2, previousHash: first.hash, devices: [1, 2], backup }));
    const naming = (head: typeof backup | undefined, actor = ada) =>
      fault(signManifest(actor, { version: 3, previousHash: secured.hash, devices: [1], backup: head }), secured);
    expect([naming(backup), naming({ ...backup, version: 6 }), naming(undefined)]).toEqual([null, null, null]);
    expect(naming({ ...backup, version: 4 })).toBe('BACKUP_ROLLED_BACK');
    expect(naming({ ...backup, listingKey: bytesOf('another key') })).toBe('BACKUP_ROLLED_BACK');
    const reborn = signManifest(
      makeActor(ada.user, 2),
      { version: 3, previousHash: secured.hash, devices: [7], backup: { ...backup, version: 1 } },
      7,
    );
    expect(fault(reborn, secured)).toBe(null);
  });

  it('of someone else is not taken', () => {
    const ben = makeActor('@ben:alpha.lu');
    expect(fault(signManifest(ben, { version: 1, devices: [1] }), null)).toBe('WRONG_USER');
  });

  it('gives no number or key to another device', () => {
    const other = { ...ManifestBody.decode(next({ devices: [1, 2] }).signed) };
    const swapped = other.devices.map((device) => (device.number === 2 ? { ...device, id: 'SWAPPED' } : device));
    expect(fault(resign({ devices: swapped }, next({ devices: [1, 2] })))).toBe('DEVICE_REUSED');
    const renumbered = other.devices.map((device) => (device.number === 2 ? { ...device, number: 5 } : device));
    expect(fault(resign({ devices: renumbered }, next({ devices: [1, 2] })))).toBe('DEVICE_REUSED');
  });

  it('with a new master key says so, and is signed by a device that is just listed', () => {
    const reborn = makeActor(ada.user, 2);
    const result = followManifest(first, next({ devices: [7] }, 7, reborn), context);
    expect([result.invalid, result.known?.body.version]).toEqual([undefined, 2]);
    expect(result.invalid === undefined && result.identityChanged).toBe(true);
  });

  it('lists 1 to 10 devices', () => {
    const many = (count: number) =>
      signManifest(ada, { version: 1, devices: Array.from({ length: count }, (_, i) => i + 1) });
    expect(fault(many(10), null)).toBe(null);
    expect(fault(many(11), null)).toBe('MALFORMED');
    expect(fault(resign({ devices: [] }), null)).toBe('MALFORMED');
  });

  it.each([
    ['version 0', { version: 0 }],
    ['a predecessor of the first', { previousHash: first.hash }],
    ['a short master key', { masterKey: new Uint8Array(31) }],
    ['devices out of order', { devices: [...first.body.devices].reverse() }],
    ['a device twice', { devices: [first.body.devices[0]!, first.body.devices[0]!] }],
  ])('with %s is malformed', (_name, change) => {
    expect(checkManifest(resign(change), ada.user, testPrimitives)).toBe('MALFORMED');
  });
});
