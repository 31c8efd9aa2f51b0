// Control entries at the hub: the validity function that every device runs too, and around it what only a hub can and must check: that the
// session's own user and device act, that the person and credential given fit and are of this provider, and that no pair's room is taken.
import type { Requester } from '#actors/kernel/messages.ts';
import type { Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { type ControlBody, ControlEntry, ControlKind, type EventHeader, type Person } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { personCommitment } from '#proto/rules/bytes/hash.ts';
import { applyControl, headerFitsControl } from '#proto/rules/control/chain.ts';
import { decodeControl } from '#proto/rules/control/entry.ts';
import { rejectionOf } from '#proto/rules/control/fault.ts';
import { isPair } from '#proto/rules/control/person.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { credentialFits, proveCredential } from '#proto/rules/identity/credential.ts';
import { isUserId, parseRoomId, parseUserId } from '#proto/rules/ids.ts';
import type { RoomContext } from '../context.ts';
import { isTrueIdentity } from '../members/identity.ts';
import type { KeptCredential } from '../state/people.ts';
import type { Change } from '../state/room-state.ts';

/** A control entry that is good, with what came beside it and is new here. */
export interface JudgedControl {
  readonly change: Change;
  readonly person: Person | null;
  readonly credential: KeptCredential | null;
}

/** Who submits what. */
interface Input {
  readonly from: Requester;
  readonly submit: Submit;
  readonly header: EventHeader;
}

/** Entries by which the session's user comes into a room. */
const entering: ReadonlySet<ControlKind> = new Set([ControlKind.CONTROL_KIND_CREATE, ControlKind.CONTROL_KIND_ACCEPT]);

/** The signed body of a control event, unchecked; null where there is none that decodes. */
export function controlBodyOf(body: Uint8Array): { entry: ControlEntry; body: ControlBody } | null {
  const entry = decodeCanonical(ControlEntry, body);
  const decoded = entry === null ? null : decodeControl(entry);
  return entry === null || decoded === null || typeof decoded === 'string' ? null : { entry, body: decoded };
}

/** Judges a control event that would get the next place after `before` (null: as the first of a room). */
export function judgeControl(
  context: RoomContext,
  { from, submit, header }: Input,
  before: ControlState | null,
): JudgedControl | Rejection {
  const { room, state, options } = context;
  const entry = decodeCanonical(ControlEntry, submit.event?.body ?? new Uint8Array(0));
  if (entry === null) return Rejection.REJECTION_INVALID_CONTROL;
  const body = decodeControl(entry);
  if (typeof body === 'string') return rejectionOf(body);
  if (!headerFitsControl(header, body)) return Rejection.REJECTION_BAD_EVENT;
  // One node is the whole provider so far: a room can't go anywhere.
  if (body.kind === ControlKind.CONTROL_KIND_HUB) return Rejection.REJECTION_UNSUPPORTED;
  if (!from.mayEnter && entering.has(body.kind)) return Rejection.REJECTION_LIMIT_REACHED;
  if (!from.mayInvite && body.kind === ControlKind.CONTROL_KIND_INVITE) return Rejection.REJECTION_LIMIT_REACHED;
  const person = personGiven(context, submit, body, from.user);
  if (typeof person === 'number') return person;
  // Nobody could answer the invitation, nor be told of it. Another account of the same person comes under another number.
  if (body.kind === ControlKind.CONTROL_KIND_INVITE && state.erased.has(body.target))
    return Rejection.REJECTION_NOT_FOUND;
  if (bringsBotIntoGroup(context, { user: from.user, kind: body.kind, person })) return Rejection.REJECTION_FORBIDDEN;
  if (before === null) {
    const misplaced = checkBirth(context, submit, from.user);
    if (misplaced !== null) return misplaced;
  }
  const seq = before === null ? 1 : state.ahead.seq + 1;
  const credential = credentialGiven(context, submit, body, { before, person, seq });
  if (typeof credential === 'number') return credential;
  if (!state.people.show({ person: person ?? undefined, credential: credential?.credential })) {
    return Rejection.REJECTION_INVALID_CONTROL;
  }
  const { primitives, providerOf } = options;
  const judgedBy = { room, seq, primitives, roll: state.people.roll, providerOf, fresh: true };
  const result = applyControl(before, entry, judgedBy);
  if (result.invalid !== undefined) {
    if (person !== null || credential !== null) state.people.refused();
    return rejectionOf(result.invalid);
  }
  if (body.kind === ControlKind.CONTROL_KIND_IDENTITY && !isVouchedFor(context, body, person)) {
    if (person !== null || credential !== null) state.people.refused();
    return Rejection.REJECTION_INVALID_CONTROL;
  }
  return { change: { kind: 'control', before, after: result.state, entry, body }, person, credential };
}

/** The person that the entry brings in, as this provider will show it; null where it brings none. */
function personGiven(
  { options, state }: RoomContext,
  submit: Submit,
  body: ControlBody,
  user: string,
): Person | null | Rejection {
  const { person } = submit;
  if (body.person.length === 0) return null;
  if (person === undefined) return state.people.person(body.person) ? null : Rejection.REJECTION_INVALID_CONTROL;
  const bringsSelf = body.target === body.actor;
  const fits =
    isUserId(person.user) &&
    person.member === body.target &&
    (!bringsSelf || person.user === user) &&
    (state.people.numberOf(person.user) ?? body.target) === body.target &&
    equalBytes(personCommitment(person, options.primitives), body.person);
  if (!fits) return Rejection.REJECTION_INVALID_CONTROL;
  if (parseUserId(person.user)?.provider !== options.provider) return Rejection.REJECTION_UNSUPPORTED;
  const { member, salt, fingerprint } = person;
  // Bytes of its own, so that what is kept for ever does not hold the frame that it came in.
  const own = { salt: new Uint8Array(salt), fingerprint: new Uint8Array(fingerprint) };
  return { member, user: person.user, ...own, bot: options.isBot(person.user) };
}

/** Bots talk with one person at a time: in a group they would read what people say to each other. */
function bringsBotIntoGroup(
  { room, options }: RoomContext,
  entry: { readonly user: string; readonly kind: ControlKind; readonly person: Person | null },
): boolean {
  if (parseRoomId(room)?.direct !== false) return false;
  return (
    (entering.has(entry.kind) && options.isBot(entry.user)) ||
    (entry.person !== null && options.isBot(entry.person.user))
  );
}

/** The identity that the entry brings in is the one that the target's user actor told. */
function isVouchedFor(context: RoomContext, body: ControlBody, given: Person | null): boolean {
  const fingerprint = (given ?? context.state.people.person(body.person))?.fingerprint;
  return fingerprint !== undefined && isTrueIdentity(context, body.target, fingerprint);
}

/** A room is born here, and a 1:1 room by one of its pair. */
function checkBirth({ room, options }: RoomContext, submit: Submit, user: string): Rejection | null {
  const parts = parseRoomId(room);
  if (parts === null || parts.provider !== options.provider) return Rejection.REJECTION_NOT_FOUND;
  if (!parts.direct) return null;
  const isTheirs = isUserId(submit.partner) && isPair(room, user, submit.partner, options.primitives);
  return isTheirs ? null : Rejection.REJECTION_INVALID_CONTROL;
}

/**
 * The signer's credential where it is needed: null where one is kept here that proves the key. What the roll has merely seen with a refused entry does
 * not count: an entry that rested on it could not be proven to newcomers, nor to this hub after a restart.
 */
function credentialGiven(
  { state, options }: RoomContext,
  submit: Submit,
  body: ControlBody,
  known: { readonly before: ControlState | null; readonly person: Person | null; readonly seq: number },
): KeptCredential | null | Rejection {
  const { credential } = submit;
  const member = known.before?.members.get(body.actor);
  const signer = member === undefined ? known.person : (state.people.person(member.person) ?? null);
  const { actor, device, deviceKey: key } = body;
  // Nobody stands there: the rules say so, in their order.
  if (signer === null) return null;
  const kept = state.people.credentials(actor, device);
  if (kept.some((each) => equalBytes(each.key, key) && equalBytes(each.fingerprint, signer.fingerprint))) return null;
  if (credential === undefined || credential.member !== actor || credential.device !== device) {
    return Rejection.REJECTION_INVALID_CONTROL;
  }
  if (!credentialFits(credential)) return Rejection.REJECTION_TOO_LARGE;
  const proven = proveCredential(credential, signer.fingerprint, options.primitives);
  if (typeof proven === 'string' || proven.user !== signer.user || !equalBytes(proven.signingKey, key)) {
    return Rejection.REJECTION_BAD_SIGNATURE;
  }
  // None is ever dropped for a newer one: a member could else make his own older entries unprovable for newcomers.
  if (kept.length >= options.limits.credentialsMax) return Rejection.REJECTION_LIMIT_REACHED;
  const { deviceJson, selfSigningJson } = credential;
  const own = { deviceJson: new Uint8Array(deviceJson), selfSigningJson: new Uint8Array(selfSigningJson) };
  return { seq: known.seq, credential: { member: actor, device, ...own }, key, fingerprint: signer.fingerprint };
}
