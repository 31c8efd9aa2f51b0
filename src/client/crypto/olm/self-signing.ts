// Another self-signing key under the same master key: what the old one signed counts no more. The library makes all three keys or none, but takes any that
// fit the published ones; so this makes the key and its JSON (plain Ed25519 over canonical JSON, as every cross-signing key is made), publishes it, and has
// the library import it.
// Guarantees: the same seed again ends the same way, wherever it was cut short before. Does not: choose which devices stay.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { ed25519 } from '@noble/curves/ed25519.js';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError } from '../../errors.ts';
import type { CryptoServer } from '../engine.ts';
import type { SelfSigningRenewal } from '../keeping.ts';
import { importIdentity } from './identity.ts';
import { canonicalBytes, parseObject } from './json.ts';
import type { Machine, Requests } from './requests.ts';
import { keyBytes, keyIn, trustSignaturesAlone } from './trust.ts';

/** What is needed besides the machine. */
export interface RenewalPorts {
  readonly requests: Requests;
  readonly server: CryptoServer;
  /** Fetches the own keys. */
  readonly fetch: () => Promise<void>;
}

/** See `Keeping.renewSelfSigning`. */
export async function renewSelfSigning(
  machine: Machine,
  ports: RenewalPorts,
  renewal: SelfSigningRenewal,
): Promise<void> {
  const { olm, lock } = machine;
  const { requests, server, fetch } = ports;
  await fetch();
  const { masterKey, userSigningKey } = (await lock.run(() => olm.exportCrossSigningKeys())) ?? {};
  const identity = await lock.run(() => olm.getIdentity(olm.userId));
  if (masterKey === undefined || userSigningKey === undefined || !(identity instanceof wasm.OwnUserIdentity))
    throw new ClientError('NOT_CONFIRMED', 'This device does not hold the private identity');
  const [master, userSigning] = [keyBytes(masterKey), keyBytes(userSigningKey)];
  const key = ed25519.getPublicKey(renewal.seed);
  if (!equalBytes(keyIn(identity.selfSigningKey), key)) {
    await server.uploadCrossSigning({
      master: canonicalBytes(parseObject(identity.masterKey)),
      selfSigning: selfSigningJson(olm.userId.toString(), key, master),
      userSigning: canonicalBytes(parseObject(identity.userSigningKey)),
    });
    // The library forgets its old self-signing key when it sees the new one.
    await fetch();
  }
  await lock.run(() => trustSignaturesAlone(olm));
  await importIdentity(machine, requests, { master, selfSigning: renewal.seed, userSigning });
  for (const { device: id, ed25519: expected } of renewal.devices) {
    const signing = await lock.run(async () => {
      const device = await olm.getDevice(olm.userId, new wasm.DeviceId(id));
      const found = device?.ed25519Key;
      if (!device || !found || !equalBytes(keyBytes(found.toBase64()), expected)) return undefined;
      return device.verify();
    });
    if (signing) await requests.perform(signing);
  }
}

function selfSigningJson(user: string, key: Uint8Array, masterSeed: Uint8Array): Uint8Array {
  const name = toBase64(key);
  const signed = { user_id: user, usage: ['self_signing'], keys: { [`ed25519:${name}`]: name } };
  const signature = toBase64(ed25519.sign(canonicalBytes(signed), masterSeed));
  const signer = `ed25519:${toBase64(ed25519.getPublicKey(masterSeed))}`;
  return canonicalBytes({ ...signed, signatures: { [user]: { [signer]: signature } } });
}
