// The keys of many people as a provider hands them out: device keys, cross-signing keys and one-time keys, signed for real, without an engine behind any of them. What
// is sent to them nobody can open; what it costs to send is the same.
import type { ClaimedKey, UserKeys } from '#proto/gen/client.ts';
import { keyPair, signedJson } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { noBytes, utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { primitives } from '../../lib/identity.ts';

/** Somebody with devices that nobody runs. */
export class KeptPerson {
  readonly user: string;
  readonly devices: readonly string[];
  readonly keys: UserKeys;
  readonly #signers = new Map<string, ReturnType<typeof keyPair>>();
  #given = 0;

  constructor(user: string, devices: number) {
    this.user = user;
    this.devices = Array.from({ length: devices }, (_, n) => `DEVICE${n + 1}`);
    const master = keyPair(`${user} master`);
    const selfSigning = keyPair(`${user} self-signing`);
    const crossSigning = (usage: string, { publicKey }: { publicKey: Uint8Array }) => {
      const fields = {
        user_id: user,
        usage: [usage],
        keys: { [`ed25519:${toBase64(publicKey)}`]: toBase64(publicKey) },
      };
      return signedJson(fields, user, [{ name: toBase64(master.publicKey), keys: master }]);
    };
    this.keys = {
      ...{
        user,
        masterJson: crossSigning('master', master),
        selfSigningJson: crossSigning('self_signing', selfSigning),
      },
      ...{ userSigningJson: noBytes, manifest: undefined, manifests: [], bot: false },
      devices: this.devices.map((deviceId, n) => {
        const keys = keyPair(`${user} ${deviceId}`);
        this.#signers.set(deviceId, keys);
        const fields = {
          user_id: user,
          device_id: deviceId,
          algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
          keys: {
            [`curve25519:${deviceId}`]: toBase64(curve(`${user} ${deviceId}`)),
            [`ed25519:${deviceId}`]: toBase64(keys.publicKey),
          },
        };
        const signers = [
          { name: deviceId, keys },
          { name: toBase64(selfSigning.publicKey), keys: selfSigning },
        ];
        return { device: n + 1, deviceId, deviceJson: signedJson(fields, user, signers) };
      }),
    };
  }

  /** A one-time key of the device with this number. */
  claim(device: number): ClaimedKey {
    const deviceId = this.devices[device - 1] as string;
    const name = `AAAA${++this.#given}`;
    const signers = [{ name: deviceId, keys: this.#signers.get(deviceId) as ReturnType<typeof keyPair> }];
    const key = signedJson({ key: toBase64(curve(`${this.user} ${deviceId} ${name}`)) }, this.user, signers);
    return { user: this.user, device, deviceId, keyId: `signed_curve25519:${name}`, key };
  }
}

/** Any 32 bytes are a public key of Curve25519. */
function curve(label: string): Uint8Array {
  return primitives.sha256(utf8Bytes(label));
}
