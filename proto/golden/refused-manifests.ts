// Manifests that are not taken, at least one for each reason in the closed list. Everything but the one thing that is wrong is right, signatures
// included. For tests and `make.ts` only.
import { type DeviceManifest, ManifestBody } from '../gen/record.ts';
import { toHex } from '../rules/bytes/base.ts';
import { asciiBytes, concatBytes, noBytes, utf8Text } from '../rules/bytes/bytes.ts';
import { manifestHash, manifestTextToSign } from '../rules/bytes/hash.ts';
import type { ManifestFault } from '../rules/identity/manifest.ts';
import { bytesOf, keyPair, signManifest, testPrimitives } from './cast.ts';
import { ada, ben } from './people.ts';

const hashOf = ({ signed }: DeviceManifest) => manifestHash(signed, testPrimitives);
const first = signManifest(ada, { version: 1, devices: [1, 2] });
const second = signManifest(ada, { version: 2, previousHash: hashOf(first), devices: [1] });

const listing = keyPair('listing key');
const backup = { version: 2, hash: bytesOf('header'), listingKey: listing.publicKey };
const secured = signManifest(ada, { version: 3, previousHash: hashOf(second), devices: [1], backup });

/** A manifest of Ada that is not taken by one who knows her manifest number `known` (0 = none). */
export interface RefusedManifest extends HexManifest {
  readonly name: string;
  readonly known: number;
  readonly fault: ManifestFault;
}

interface HexManifest {
  readonly signed: string;
  readonly signature: string;
  readonly deviceJson: string;
  readonly selfSigningJson: string;
  /** Empty in most. */
  readonly backupSignature?: string;
}

/** Those that are known before: three, the second without Ada's device 2, the third with a backup. */
export function knownManifests(): HexManifest[] {
  return [first, second, secured].map(hexManifest);
}

/** Manifests by reason. */
export function refusedManifests(): RefusedManifest[] {
  const refused: RefusedManifest[] = [];
  const add = (fault: ManifestFault, name: string, known: number, manifest: DeviceManifest) =>
    refused.push({ name, known, ...hexManifest(manifest), fault });
  const third = (devices: readonly number[], signer = 1) =>
    signManifest(ada, { version: 3, previousHash: hashOf(second), devices }, signer);
  const good = third([1, 3]);
  const body = ManifestBody.decode(good.signed);
  const swapped = body.devices.map((device) => (device.number === 1 ? device : { ...device, id: 'DEVICE11' }));

  add('MALFORMED', 'a field twice', 2, signAgain(concatBytes(good.signed, Uint8Array.of(0x10, 3))));
  add('MALFORMED', 'version 0', 0, resign({ version: 0 }));
  add('MALFORMED', 'a first one with a predecessor', 0, resign({ version: 1 }));
  add('MALFORMED', 'no device', 2, resign({ devices: [] }));
  add('MALFORMED', 'devices out of order', 2, resign({ devices: [...body.devices].reverse() }));
  add('MALFORMED', 'eleven devices', 2, third(Array.from({ length: 11 }, (_, i) => i + 1)));
  add('MALFORMED', 'a device id twice', 2, resign({ devices: swapped }));
  add('MALFORMED', 'a short master key', 2, resign({ masterKey: bytesOf('master', 31) }));
  add('MALFORMED', 'a signature of 63 bytes', 2, { ...good, signature: good.signature.subarray(1) });
  add('MALFORMED', 'a signature by a backup of 63 bytes', 2, { ...good, backupSignature: bytesOf('short', 63) });
  add('MALFORMED', 'a backup of version 0', 2, resign({ backup: { ...backup, version: 0 } }));
  add('MALFORMED', 'a backup with a short hash', 2, resign({ backup: { ...backup, hash: bytesOf('header', 31) } }));
  add('MALFORMED', 'a backup with a short key', 2, resign({ backup: { ...backup, listingKey: bytesOf('key', 31) } }));
  add('WRONG_USER', 'of another user', 0, signManifest(ben, { version: 1, devices: [1] }));
  add('WRONG_SIGNER', 'by a device that it does not list', 2, third([3, 4], 1));
  add('WRONG_SIGNER', 'by a device that was taken off', 2, third([1, 2], 2));
  add('WRONG_SIGNER', 'by a new device that no backup vouches for', 3, fourth([1, 4], 4));
  add(
    'WRONG_SIGNER',
    'by one that was taken off, with the key of another backup',
    3,
    fourth([1, 2], 2, { vouchedBy: keyPair('old listing key') }),
  );
  add('WRONG_SIGNER', 'by a new device, where no backup was named before', 2, byBackup());
  add('BACKUP_ROLLED_BACK', 'an older backup', 3, fourth([1], 1, { backup: { ...backup, version: 1 } }));
  add(
    'BACKUP_ROLLED_BACK',
    'another backup under the same version',
    3,
    fourth([1], 1, { backup: { ...backup, hash: bytesOf('other') } }),
  );
  add('WRONG_CREDENTIAL', 'the credential of another device', 2, { ...good, credential: ada.credential(0, 2) });
  add('WRONG_CREDENTIAL', 'another self-signing key', 2, resign({ selfSigningKey: bytesOf('self-signing') }));
  add('BAD_SIGNATURE', 'signed by another device', 2, { ...good, signature: third([1, 3], 3).signature });
  add('BAD_SIGNATURE', 'changed after it was signed', 2, { ...good, signed: third([1, 4]).signed });
  add('DEVICE_REUSED', 'the number of another device', 1, renumbered());
  add('STALE', 'an older one', 2, first);
  add('GAP', 'two versions on', 1, good);
  add('FORK', 'another one of the same version', 2, resign({ version: 2, previousHash: hashOf(first) }));
  add('FORK', 'after another predecessor', 2, resign({ previousHash: bytesOf('another') }));
  return refused;

  function fourth(devices: readonly number[], signer = 1, more: Partial<Parameters<typeof signManifest>[1]> = {}) {
    return signManifest(ada, { version: 4, previousHash: hashOf(secured), devices, backup, ...more }, signer);
  }

  function byBackup(): DeviceManifest {
    return signManifest(ada, { version: 3, previousHash: hashOf(second), devices: [1, 4], vouchedBy: listing }, 4);
  }

  function resign(change: Partial<ManifestBody>): DeviceManifest {
    return signAgain(ManifestBody.encode({ ...body, ...change }).finish());
  }

  function signAgain(signed: Uint8Array): DeviceManifest {
    const signature = ada.device(1).keys.sign(asciiBytes(manifestTextToSign(signed, testPrimitives)));
    return { ...good, signed, signature };
  }

  function renumbered(): DeviceManifest {
    const { devices } = ManifestBody.decode(first.signed);
    const other = devices.map((device) => (device.number === 2 ? { ...device, number: 5 } : device));
    return resign({ version: 2, previousHash: hashOf(first), devices: other });
  }
}

function hexManifest({ signed, signature, credential, backupSignature }: DeviceManifest): HexManifest {
  const { deviceJson, selfSigningJson } = credential ?? { deviceJson: noBytes, selfSigningJson: noBytes };
  return {
    signed: toHex(signed),
    signature: toHex(signature),
    deviceJson: utf8Text(deviceJson) ?? '',
    selfSigningJson: utf8Text(selfSigningJson) ?? '',
    ...(backupSignature.length > 0 ? { backupSignature: toHex(backupSignature) } : {}),
  };
}
