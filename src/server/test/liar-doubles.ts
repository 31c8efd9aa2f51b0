// Defences of the SDK that a control run switches off, to show that without them the lie would have worked. Each is the true code with one check
// left out; nothing is off unless its name stands in `off`.

import type { CryptoEngine, CryptoLedger } from '#client/crypto/engine.ts';
import type { People } from '#client/devices/people.ts';
import type { RoomReplica } from '#client/room/room.ts';
import { ControlBody, PayloadInner, type Person } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import type { Primitives } from '#proto/rules/primitives.ts';

/** Names of the defences. */
export type Defence =
  /** Signatures of control entries, manifests and credentials. */
  | 'signatures'
  /** The rules of the control chain about roles and standing. */
  | 'rules'
  /** An entry follows the one before it: none is left out. */
  | 'succession'
  /** A state behind which a chain begins is the one that the CHECKPOINT signs. */
  | 'state hashes'
  /** Whoever signs a CHECKPOINT was an admin as far as the chain is known, or somebody stands for it. */
  | 'checkpoint signers'
  /** A CHECKPOINT undoes nothing that is known. */
  | 'checkpoint continuity'
  /** Person records are found by the commitment in the chain. */
  | 'commitments'
  /** Whoever writes knows of every removal before it. */
  | 'control heads'
  /** The body is the one that the header names. */
  | 'bodies'
  /** What is encrypted repeats the header. */
  | 'binding'
  /** A step of a session is used once. */
  | 'replay table'
  /** A message id has one place. */
  | 'places'
  /** A session belongs to one room. */
  | 'library: rooms'
  /** A session belongs to one sender. */
  | 'library: senders'
  /** The sender's device stands in the newest manifest that the message names. */
  | 'device standing'
  /** What is stamped later than the loss of its author's device is not shown. */
  | 'removal stamps'
  /** Nor what comes from above a head that was seen later, by the own clock, whatever its stamp. */
  | 'own clock'
  /** A manifest follows the one known: never below it, never another of the same version, signed by a device that stood in it. */
  | 'manifest succession'
  /** Keys go to the identity that was seen first. */
  | 'fingerprints'
  /** A new identity is signed in where a person approved it. */
  | 'approvals'
  /** Ordered slots are set by those who may. */
  | 'slot rights'
  /** A slot's version is within what its events can have made of it. */
  | 'slot versions'
  /** What contradicts the log or the chain freezes the room and is told. */
  | 'freezing';

/** What is off just now. */
export const off = new Set<Defence>();

/** Persons that a liar passes off as others: forged user id -> the true record. */
export const forgedPersons = new Map<string, Person>();

/** States that a liar passes off as others: forged bytes, in hex -> hash of the true state. */
export const forgedStates = new Map<string, Uint8Array>();

/** Primitives whose verify says true while `signatures` are off. */
export function primitivesWith(real: Primitives): Primitives {
  return {
    sha256: (data) => real.sha256(data),
    hmacSha256: (key, data) => real.hmacSha256(key, data),
    verify: (key, message, signature) => off.has('signatures') || real.verify(key, message, signature),
  };
}

/** A ledger that lets a step be used again while the `replay table` is off. */
export function ledgerWith(real: CryptoLedger): CryptoLedger {
  return {
    claimIndex: async (session, index, eventId) => {
      const holder = await real.claimIndex(session, index, eventId);
      return off.has('replay table') ? eventId : holder;
    },
    sessionBegan: (room) => real.sessionBegan(room),
    setSessionBegan: (room, began) => real.setSessionBegan(room, began),
    sessionAudience: (room, session) => real.sessionAudience(room, session),
    sessionOrigin: (room, session) => real.sessionOrigin(room, session),
    setSessionOrigins: (origins) => real.setSessionOrigins(origins),
  };
}

/** An engine that tries every room and sender there is while the library's own checks are off. */
export function engineWith(
  real: CryptoEngine,
  all: () => { rooms: readonly string[]; users: readonly string[] },
): CryptoEngine {
  const decrypt: CryptoEngine['decrypt'] = async (request) => {
    const first = await real.decrypt(request);
    if (first.ok) return first;
    const { rooms, users } = all();
    for (const room of off.has('library: rooms') ? rooms : [request.room]) {
      for (const sender of off.has('library: senders') ? users : [request.sender]) {
        const tried = await real.decrypt({ ...request, room, sender });
        if (tried.ok) return tried;
      }
    }
    return first;
  };
  return new Proxy(real, {
    get: (target, name) => {
      if (name === 'decrypt') return decrypt;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

type Module<T> = () => Promise<T>;

/** `#proto/rules/record/payload.ts` */
export async function payloadWith(load: Module<typeof import('#proto/rules/record/payload.ts')>) {
  const real = await load();
  const openPayload: typeof real.openPayload = (header, payload, options) =>
    off.has('binding') ? PayloadInner.decode(payload.inner) : real.openPayload(header, payload, options);
  const openSlotPayload: typeof real.openSlotPayload = (place, payload) =>
    off.has('binding') ? PayloadInner.decode(payload.inner) : real.openSlotPayload(place, payload);
  return { ...real, openPayload, openSlotPayload };
}

/** `#proto/rules/record/event.ts` */
export async function eventWith(load: Module<typeof import('#proto/rules/record/event.ts')>) {
  const real = await load();
  const checkBody: typeof real.checkBody = (header, body, primitives) =>
    off.has('bodies') ? null : real.checkBody(header, body, primitives);
  const checkControlHead: typeof real.checkControlHead = (header, state, hashAt) =>
    off.has('control heads') ? null : real.checkControlHead(header, state, hashAt);
  return { ...real, checkBody, checkControlHead };
}

/** `#proto/rules/bytes/hash.ts` */
export async function hashWith(load: Module<typeof import('#proto/rules/bytes/hash.ts')>) {
  const real = await load();
  const personCommitment: typeof real.personCommitment = (person, primitives) => {
    const passedOff = off.has('commitments') ? forgedPersons.get(person.user) : undefined;
    return real.personCommitment(passedOff ?? person, primitives);
  };
  const stateHash: typeof real.stateHash = (bytes, primitives) => {
    const passedOff = off.has('state hashes') ? forgedStates.get(toHex(bytes)) : undefined;
    return passedOff ?? real.stateHash(bytes, primitives);
  };
  return { ...real, personCommitment, stateHash };
}

/** `#proto/rules/identity/manifest.ts` */
export async function manifestWith(load: Module<typeof import('#proto/rules/identity/manifest.ts')>) {
  const real = await load();
  const followManifest: typeof real.followManifest = (known, manifest, context) => {
    const result = real.followManifest(known, manifest, context);
    if (result.known && off.has('fingerprints')) return { known: result.known, identityChanged: false };
    if (result.invalid === undefined || !off.has('manifest succession')) return result;
    return real.followManifest(null, manifest, context);
  };
  return { ...real, followManifest };
}

/** `#proto/rules/control/rules.ts` */
export async function controlRulesWith(load: Module<typeof import('#proto/rules/control/rules.ts')>) {
  const real = await load();
  const { withMembers } = await import('#proto/rules/control/state.ts');
  const applyRule: typeof real.applyRule = (state, body, context) => {
    const result = real.applyRule(state, body, context);
    if (typeof result !== 'string' || !off.has('rules')) return result;
    const before = state.members.get(body.target);
    return withMembers(state, {
      number: body.target,
      role: body.role || (before?.role ?? 1),
      status: before?.status ?? 1,
      person: before?.person ?? body.person,
      stays: before?.stays ?? [],
      invitedBy: body.actor,
      changed: body.number,
    });
  };
  return { ...real, applyRule };
}

/** `#proto/rules/control/chain.ts`: an entry that leaves others out follows whatever it names. */
export async function controlChainWith(load: Module<typeof import('#proto/rules/control/chain.ts')>) {
  const real = await load();
  const applyControl: typeof real.applyControl = (state, entry, context) => {
    const result = real.applyControl(state, entry, context);
    const { number, previousHash } = ControlBody.decode(entry.signed);
    if (!off.has('succession') || !state || result.invalid !== 'WRONG_NUMBER' || number <= state.number) return result;
    return real.applyControl({ ...state, number: number - 1, hash: previousHash }, entry, context);
  };
  return { ...real, applyControl };
}

/** `#client/chain/behind-checkpoint.ts` */
export async function behindCheckpointWith(load: Module<typeof import('#client/chain/behind-checkpoint.ts')>) {
  const real = await load();
  const knowsSigner: typeof real.knowsSigner = (chain, link) =>
    off.has('checkpoint signers') || real.knowsSigner(chain, link);
  const continues: typeof real.continues = (chain, link) =>
    off.has('checkpoint continuity') || real.continues(chain, link);
  return { ...real, knowsSigner, continues };
}

/** `#proto/rules/control/state.ts` */
export async function controlStateWith(load: Module<typeof import('#proto/rules/control/state.ts')>) {
  const real = await load();
  const maySetSlot: typeof real.maySetSlot = (state, member) =>
    off.has('slot rights') || real.maySetSlot(state, member);
  return { ...real, maySetSlot };
}

/** `#proto/rules/record/slots.ts` */
export async function slotsWith(load: Module<typeof import('#proto/rules/record/slots.ts')>) {
  const real = await load();
  const isVersionWithin: typeof real.isVersionWithin = (version, seq) =>
    off.has('slot versions') || real.isVersionWithin(version, seq);
  return { ...real, isVersionWithin };
}

/** `#client/room/room-rows.ts`: what looks whether an id has a place finds none. */
export async function roomRowsWith(load: Module<typeof import('#client/room/room-rows.ts')>) {
  const real = await load();
  const recordById: typeof real.recordById = (rows, id) =>
    off.has('places') ? Promise.resolve(undefined) : real.recordById(rows, id);
  return { ...real, recordById };
}

/** Puts the doubles of the SDK's own classes in place; the returned function takes them off again. */
export function doubleClasses(classes: { RoomReplica: typeof RoomReplica; People: typeof People }): () => void {
  const { freeze, contradicted } = classes.RoomReplica.prototype;
  const { deviceStanding, recipient, get, wasTakenOff } = classes.People.prototype;
  classes.RoomReplica.prototype.freeze = function (code) {
    return off.has('freezing') ? Promise.resolve() : freeze.call(this, code);
  };
  classes.RoomReplica.prototype.contradicted = function (code, member) {
    return off.has('freezing') ? Promise.resolve('') : contradicted.call(this, code, member);
  };
  classes.People.prototype.deviceStanding = function (user, device, claim) {
    if (off.has('device standing')) return Promise.resolve({ number: 0, removed: false });
    const acceptedMs = off.has('removal stamps') ? 0 : claim.acceptedMs;
    const afterMs = off.has('own clock') ? 0 : claim.afterMs;
    return deviceStanding.call(this, user, device, { ...claim, acceptedMs, afterMs });
  };
  classes.People.prototype.wasTakenOff = function (user, key, afterMs) {
    return !off.has('own clock') && wasTakenOff.call(this, user, key, afterMs);
  };
  classes.People.prototype.recipient = function (user, committed) {
    const known = off.has('fingerprints') ? this.get(user) : undefined;
    if (known) return { user, devices: known.manifest.body.devices.map(({ id }) => id) };
    return recipient.call(this, user, committed);
  };
  classes.People.prototype.get = function (user) {
    const known = get.call(this, user);
    if (!known || !off.has('approvals')) return known;
    const fingerprint = known.manifest.body.masterKey;
    return { ...known, fingerprint, changedTo: new Uint8Array(), approved: true };
  };
  return () => {
    Object.assign(classes.RoomReplica.prototype, { freeze, contradicted });
    Object.assign(classes.People.prototype, { deviceStanding, recipient, get, wasTakenOff });
  };
}
