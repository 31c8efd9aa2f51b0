// One control entry by itself: does it decode, has it exactly the parts of its kind, and who signed it? What it may do is said by
// control/rules.ts.
import { ControlBody, type ControlEntry, ControlKind, Role } from '../../gen/record.ts';
import { asciiBytes } from '../bytes/bytes.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { controlTextToSign, hashBytes, keyBytes, nonceBytes, signatureBytes } from '../bytes/hash.ts';
import type { Roll } from '../identity/roll.ts';
import { isProvider, parseUserId } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Primitives } from '../primitives.ts';
import type { ControlFault } from './fault.ts';

/** The parts that not every kind has. */
type Part = 'person' | 'role' | 'policy' | 'hub' | 'stateHash' | 'nonce';
/** `must` = has to be there, `may` = can be; any other has to be absent. */
type Shape = { readonly [part in Part]?: 'must' | 'may' };

const shapes: ReadonlyMap<ControlKind, Shape> = new Map<ControlKind, Shape>([
  [ControlKind.CONTROL_KIND_CREATE, { person: 'must', role: 'must', policy: 'must', hub: 'must', nonce: 'must' }],
  [ControlKind.CONTROL_KIND_INVITE, { person: 'may', role: 'must' }],
  [ControlKind.CONTROL_KIND_ACCEPT, { person: 'may' }],
  [ControlKind.CONTROL_KIND_DECLINE, {}],
  [ControlKind.CONTROL_KIND_LEAVE, {}],
  [ControlKind.CONTROL_KIND_REMOVE, {}],
  [ControlKind.CONTROL_KIND_BAN, {}],
  [ControlKind.CONTROL_KIND_UNBAN, {}],
  [ControlKind.CONTROL_KIND_ROLE, { role: 'must' }],
  [ControlKind.CONTROL_KIND_POLICY, { policy: 'must' }],
  [ControlKind.CONTROL_KIND_HUB, { hub: 'must' }],
  [ControlKind.CONTROL_KIND_IDENTITY, { person: 'must' }],
  [ControlKind.CONTROL_KIND_CHECKPOINT, { stateHash: 'must' }],
  [ControlKind.CONTROL_KIND_DEPART, {}],
]);
const untargeted: ReadonlySet<ControlKind> = new Set([
  ControlKind.CONTROL_KIND_POLICY,
  ControlKind.CONTROL_KIND_HUB,
  ControlKind.CONTROL_KIND_CHECKPOINT,
]);
const selfTargeted: ReadonlySet<ControlKind> = new Set([
  ControlKind.CONTROL_KIND_CREATE,
  ControlKind.CONTROL_KIND_ACCEPT,
  ControlKind.CONTROL_KIND_DECLINE,
  ControlKind.CONTROL_KIND_LEAVE,
]);

/** Decodes the signed part of an entry: the body, or MALFORMED, UNKNOWN_KIND. The signature is not checked here. */
export function decodeControl(entry: ControlEntry): ControlBody | ControlFault {
  if (entry.signed.length > limits.controlBytesMax || entry.signature.length !== signatureBytes) return 'MALFORMED';
  const body = decodeCanonical(ControlBody, entry.signed);
  if (body === null) return 'MALFORMED';
  const shape = shapes.get(body.kind);
  if (shape === undefined) return body.kind === 0 ? 'MALFORMED' : 'UNKNOWN_KIND';
  return hasShape(body, shape) ? body : 'MALFORMED';
}

/** Signed by this device, and the device is of this person? Null, or why not. */
export function checkSigner(
  entry: ControlEntry,
  body: ControlBody,
  signer: { readonly commitment: Uint8Array; readonly roll: Roll; readonly primitives: Primitives },
): ControlFault | null {
  const person = signer.roll.person(signer.commitment);
  if (person === undefined) return 'MISSING_PERSON';
  const device = signer.roll.device({ member: body.actor, device: body.device, key: body.deviceKey }, person);
  if (device === 'MISSING') return 'MISSING_CREDENTIAL';
  if (typeof device === 'string') return 'WRONG_CREDENTIAL';
  return isSigned(entry, body, signer.primitives) ? null : 'BAD_SIGNATURE';
}

/** Signed by the provider of the person behind `commitment`? Where that person was erased any known provider's key will do. */
export function checkProvider(
  entry: ControlEntry,
  body: ControlBody,
  signer: {
    readonly commitment: Uint8Array;
    readonly roll: Roll;
    readonly providerOf: (key: Uint8Array) => string | undefined;
    readonly primitives: Primitives;
  },
): ControlFault | null {
  const provider = signer.providerOf(body.deviceKey);
  const person = signer.roll.person(signer.commitment);
  if (provider === undefined) return 'WRONG_PROVIDER';
  if (person !== undefined && parseUserId(person.user)?.provider !== provider) return 'WRONG_PROVIDER';
  return isSigned(entry, body, signer.primitives) ? null : 'BAD_SIGNATURE';
}

function isSigned(entry: ControlEntry, body: ControlBody, primitives: Primitives): boolean {
  const text = asciiBytes(controlTextToSign(entry.signed, primitives));
  return primitives.verify(body.deviceKey, text, entry.signature);
}

function hasShape(body: ControlBody, shape: Shape): boolean {
  const fromProvider = body.kind === ControlKind.CONTROL_KIND_DEPART;
  return (
    body.number > 0 &&
    body.previousHash.length === hashBytes &&
    body.deviceKey.length === keyBytes &&
    (fromProvider ? body.actor === 0 && body.device === 0 : body.actor > 0 && body.device > 0) &&
    (untargeted.has(body.kind) ? body.target === 0 : body.target > 0) &&
    (!selfTargeted.has(body.kind) || body.target === body.actor) &&
    fits(shape.person, body.person.length, body.person.length === hashBytes) &&
    fits(shape.role, body.role, body.role >= Role.ROLE_MEMBER && body.role <= Role.ROLE_OWNER) &&
    fits(shape.policy, body.policy === undefined ? 0 : 1, true) &&
    fits(shape.hub, body.hub === undefined ? 0 : 1, body.hub !== undefined && isProvider(body.hub.provider)) &&
    fits(shape.stateHash, body.stateHash.length, body.stateHash.length === hashBytes) &&
    fits(shape.nonce, body.nonce.length, body.nonce.length === nonceBytes)
  );
}

/** `there` 0 = absent. */
function fits(wanted: 'must' | 'may' | undefined, there: number, good: boolean): boolean {
  if (there === 0) return wanted !== 'must';
  return wanted !== undefined && good;
}
