// A certificate for 127.0.0.1 that signs itself, made on the spot, so that no key lies in the repository and no program is needed: as much of
// X.509 in DER as one P-256 key takes.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const sequence = 0x30;
const dayMs = 86_400_000;

/** Certificate and private key as PEM, good for two days around now. */
export function selfSigned(): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(sequence, der(0x31, der(sequence, oid('550403'), der(0x0c, Buffer.from('localhost')))));
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)]));
  const algorithm = der(sequence, oid('2a8648ce3d040302'));
  const validity = der(sequence, time(Date.now() - dayMs), time(Date.now() + dayMs));
  const address = der(sequence, der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = der(0xa3, der(sequence, der(sequence, oid('551d11'), der(0x04, address))));
  const subjectKey = publicKey.export({ format: 'der', type: 'spki' });
  const signed = der(sequence, version, serial, algorithm, name, validity, name, subjectKey, extensions);
  const signature = der(0x03, Buffer.from([0]), sign('sha256', signed, privateKey));
  const certificate = der(sequence, signed, algorithm, signature).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const long = body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...(body.length < 128 ? [body.length] : long)]), body]);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

/** UTCTime, to the second. */
function time(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}
