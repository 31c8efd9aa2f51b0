// What is lost: a device in a thief's hands, and a person's password with all devices. Through the SDK and a real provider. The thief has what the stolen device
// held, and may log in as the person with LuxID and its SMS as often as they like.
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEntries } from '#client/backup/entry.ts';
import { passwordCostMin } from '#client/backup/header.ts';
import { backupKeys } from '#client/backup/sealing.ts';
import { type ChainPlace, controlBytes, signControl } from '#client/chain/control-author.ts';
import type { IdentitySeeds } from '#client/crypto/keeping.ts';
import { canonicalBytes, type Json, type JsonObject, objectOf, parseObject } from '#client/crypto/olm/json.ts';
import { ClientError, rejectionName } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import { readHeld } from '#client/security/backup-rows.ts';
import { Submit } from '#proto/gen/client.ts';
import { Algorithm, ControlKind, type Event, EventHeader, EventKind, MemberStatus } from '#proto/gen/record.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { utf8Bytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { confirm, eventually, ProviderProcess } from './harness.ts';
import { signManifest } from './liar-forger.ts';
import { expectSound, reads, texts } from './shown.ts';

const password = 'abacus harvest purple monkey window zebra';
const { MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_SUSPENDED: suspended } = MemberStatus;
const open: LuxchatClient[] = [];
let provider: ProviderProcess;
let bob: LuxchatClient;

beforeAll(async () => {
  provider = await ProviderProcess.start();
  bob = await device('bob');
});
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await provider?.remove();
});

async function device(user: string): Promise<LuxchatClient> {
  const client = await provider.device(user, `${user}'s`, { passwordCost: passwordCostMin });
  open.push(client);
  return client;
}

async function together(room: string, inviter: LuxchatClient, ...guests: LuxchatClient[]): Promise<void> {
  for (const guest of guests) {
    await eventually('invited', () => guest.rooms().some((one) => one.room === room), 30_000, [guest]);
    await guest.accept(room);
  }
  await eventually('all in', () => inviter.room(room).members.length === guests.length, 30_000, [inviter]);
}

const ended = (client: LuxchatClient) => new Promise<void>((resolve) => client.on('ended', () => resolve()));
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error) => (error instanceof ClientError ? rejectionName(error.rejection ?? 0) : String(error)),
  );

/** An event of this member's device, in the room as it stands. */
function eventOf(
  { room, number, previousHash, actor }: ChainPlace,
  device: number,
  { body, ...more }: Partial<EventHeader> & { body: Uint8Array },
): Event {
  const header = EventHeader.encode({
    ...EventHeader.decode(new Uint8Array()),
    ...{ room, member: actor, device, sendId: 1, algorithm: Algorithm.ALGORITHM_NONE },
    ...{ bodySize: body.length, bodyHash: primitives.sha256(body) },
    ...{ control: { number: number - 1, hash: previousHash }, ...more },
  }).finish();
  return { header, body };
}

/** Whoever has a key can sign anything with it. */
function signedBy(json: Uint8Array, user: string, seed: Uint8Array): Uint8Array {
  const { signatures, ...signed } = parseObject(utf8Text(json) as string);
  const name = `ed25519:${toBase64(ed25519.getPublicKey(seed))}`;
  const own = { ...objectOf(objectOf(signatures)[user]), [name]: toBase64(ed25519.sign(canonicalBytes(signed), seed)) };
  return canonicalBytes({ ...signed, signatures: { [user]: own } });
}

function keyJson(user: string, usage: string, seed: Uint8Array, master: Uint8Array): Uint8Array {
  const name = toBase64(ed25519.getPublicKey(seed));
  const json: JsonObject = { user_id: user, usage: [usage], keys: { [`ed25519:${name}`]: name } as Json };
  return signedBy(canonicalBytes(json), user, master);
}

describe('a thief of an unlocked, confirmed device, with the LuxID and its SMS', () => {
  it('reads nothing new and signs nothing, once it was logged out as lost', async () => {
    const phone = await device('ann');
    const room = await phone.startDirect(bob.user);
    await together(room, phone, bob);
    await phone.send(room, 'before');
    await reads(bob, room, 'before', 30_000);
    await phone.security.setUp(await provider.stepUp(phone, 'ann'), password);
    const [stolen, tablet] = [await device('ann'), await device('ann')];
    for (const other of [stolen, tablet]) {
      await confirm(other, phone);
      const has = () => other.security.state().state === 'protected';
      await eventually('it has the key of the backup', has, 30_000, [other]);
    }
    await phone.security.flushed();
    const { replica } = stolen.held.need(room);
    const { chain } = replica;
    const author = { engine: stolen.parts.engine, primitives, device: stolen.device, now: Date.now };
    const place = { room, number: chain.number + 1, previousHash: chain.state!.hash, actor: replica.own };
    const leaves = { kind: ControlKind.CONTROL_KIND_LEAVE, target: replica.own };
    const loot = {
      leaves: await signControl(author, place, leaves),
      identity: (await stolen.parts.engine.exportIdentity()) as IdentitySeeds,
      backupKey: (await readHeld(stolen.parts.store))?.backupKey as Uint8Array,
    };

    const grant = await provider.stepUp(phone, 'ann');
    const lost = { devices: [stolen.device] };
    await expect(phone.security.logOutAsLost(grant, `${password}s`, lost)).rejects.toMatchObject({
      code: 'WRONG_PASSWORD',
    });
    expect(stolen.ownDevices.confirmed).toBe(true);
    const out = ended(stolen);
    await phone.security.logOutAsLost(grant, password, lost);
    await out;
    // Those that stay have all that is new.
    await eventually('the tablet has the new keys', async () => {
      const seeds = await tablet.parts.engine.exportIdentity();
      return tablet.security.state().state === 'protected' && seeds !== undefined;
    });
    expect((await tablet.parts.engine.exportIdentity())?.selfSigning).not.toEqual(loot.identity.selfSigning);
    await Promise.all([phone, tablet].map((client) => client.security.flushed()));

    const thief = await device('ann');
    const { user, parts } = thief;
    const { request, engine, people } = parts;
    // The backup: neither its header, nor what is in it, nor one of their own.
    const again = await provider.stepUp(thief, 'ann');
    await expect(thief.security.unlock(again, 'whatever this is')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    const version = people.get(user)?.manifest.body.backup?.version ?? 0;
    const list = { $case: 'listBackup', value: { version, room: '', after: '', limit: 0 } } as const;
    const { entries } = await request(list, 'backupPage');
    expect(entries.length).toBeGreaterThan(0);
    const { seal } = await backupKeys(loot.backupKey);
    expect(await openEntries(seal, { user, version }, entries)).toEqual({ sessions: [], refused: entries.length });
    const create = { grant: again.second, header: new Uint8Array(9), version: version + 1 };
    expect(await refusal(request({ $case: 'createBackup', value: create }, 'done'))).toBe('STALE_MANIFEST');
    // The identity: what they hold of it is not the published one, and they can't put theirs in its place.
    await expect(engine.importIdentity(loot.identity)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    const mine = new Uint8Array(32).fill(66);
    const certificate = await phone.parts.engine.certificate();
    const forged = {
      masterJson: certificate.masterJson,
      selfSigningJson: keyJson(user, 'self_signing', mine, loot.identity.master),
      userSigningJson: keyJson(user, 'user_signing', loot.identity.userSigning, loot.identity.master),
    };
    const identityGrant = await provider.stepUp(thief, 'ann', 'identity');
    for (const shown of [undefined, identityGrant]) {
      const value = { ...forged, grant: shown };
      expect(await refusal(request({ $case: 'uploadCrossSigning', value }, 'done'))).toBe('FORBIDDEN');
    }
    // The list of devices: signed by a device that their own signature vouches for, under the true master key.
    const keys = await engine.ownKeys();
    const before = people.get(user)?.manifest as NonNullable<ReturnType<typeof people.get>>['manifest'];
    for (const [seed, json] of [
      [loot.identity.selfSigning, keyJson(user, 'self_signing', loot.identity.selfSigning, loot.identity.master)],
      [mine, forged.selfSigningJson],
    ] as const) {
      const deviceJson = signedBy(keys.deviceJson, user, seed);
      const self = { number: thief.device, id: thief.deviceId, signingKey: keys.ed25519, identityKey: keys.curve25519 };
      const body = {
        ...before.body,
        ...{ version: before.body.version + 1, previousHash: before.hash, signer: thief.device },
        ...{ devices: [...before.body.devices, self], selfSigningKey: ed25519.getPublicKey(seed) },
      };
      const credential = { member: 0, device: thief.device, deviceJson, selfSigningJson: json };
      const manifest = await signManifest(engine, body, credential);
      expect(await refusal(request({ $case: 'publishManifest', value: { manifest } }, 'done'))).toBe('BAD_SIGNATURE');
      const signatures = { [user]: { [thief.deviceId]: parseObject(utf8Text(deviceJson) as string) } };
      const value = { signaturesJson: utf8Bytes(JSON.stringify(signatures)) };
      await request({ $case: 'uploadSignatures', value }, 'done');
    }
    // What they would say in the person's name, from either device: that she leaves, and a message. (What a server shows that helps them: lies/thief.ts.)
    for (const device of [thief.device, stolen.device]) {
      const { entry, credential } = loot.leaves;
      const sealed = { algorithm: Algorithm.ALGORITHM_MEGOLM_V1, counts: true, commitment: new Uint8Array(32) };
      for (const event of [
        eventOf(place, device, { kind: EventKind.EVENT_KIND_CONTROL, body: controlBytes(entry) }),
        eventOf(place, device, { kind: EventKind.EVENT_KIND_CONTENT, body: Uint8Array.of(1), ...sealed }),
      ]) {
        const value = { ...Submit.decode(new Uint8Array()), room, event, credential };
        expect(await refusal(request({ $case: 'submit', value }, 'accepted'))).toBe('STALE_MANIFEST');
      }
    }
    // No own device gives it a secret, nobody a key.
    await engine.refresh([user]);
    await engine.askForIdentity();
    await engine.flush();
    await bob.send(room, 'who is there?');
    for (const own of [phone, tablet]) await reads(own, room, 'who is there?', 30_000);
    await phone.send(room, 'only me');
    await reads(bob, room, 'only me', 30_000);
    await eventually('the thief sees that something was said', async () => (await texts(thief, room)).length === 3);
    expect((await texts(thief, room)).filter((line) => !/NO_KEY|WITHHELD|UNKNOWN_DEVICE/.test(line))).toEqual([]);
    expect([await engine.holdsIdentity(), thief.ownDevices.confirmed]).toEqual([false, false]);
    expectSound(phone, tablet, bob);
    await thief.logout();
  });

  // Whoever had logged it out first was told that there is no such device, and the thief's key went on opening what was secured.
  it('holds nothing that counts once it is said to be lost, also where it was logged out before', async () => {
    const phone = await device('cara');
    await phone.security.setUp(await provider.stepUp(phone, 'cara'), password);
    const stolen = await device('cara');
    await confirm(stolen, phone);
    await eventually('it has the key of the backup', () => stolen.security.state().state === 'protected', 30_000, [
      stolen,
    ]);
    await phone.removeDevice(stolen.device);
    expect(await phone.formerDevices()).toEqual([{ device: stolen.device, name: "cara's" }]);
    const secrets = async () => {
      const held = await readHeld(phone.parts.store);
      return { backupKey: held?.backupKey, selfSigning: (await phone.parts.engine.exportIdentity())?.selfSigning };
    };
    const before = await secrets();
    const lost = { devices: [stolen.device] };
    await phone.security.logOutAsLost(await provider.stepUp(phone, 'cara'), password, lost);
    const after = await secrets();
    expect(after.backupKey).not.toEqual(before.backupKey);
    expect(after.selfSigning).not.toEqual(before.selfSigning);
    expect((await phone.devices()).map(({ device }) => device)).toEqual([phone.device]);
  });
});

describe('who lost the password and every device', () => {
  it('starts over: it is said what that costs, contacts are warned, and let them in again', async () => {
    const [old, eve] = [await device('dora'), await device('eve')];
    const { user } = old;
    const direct = await old.startDirect(bob.user);
    await together(direct, old, bob);
    const group = await bob.createGroup({ name: 'Hiking', invite: [old.user, eve.user] });
    await together(group, bob, old, eve);
    const alone = await old.createGroup({ name: 'Diary' });
    await old.send(direct, 'before');
    await reads(bob, direct, 'before', 30_000);
    await old.security.setUp(await provider.stepUp(old, 'dora'), password);

    const fresh = await device('dora');
    const loss = await fresh.security.lossAtStartOver();
    expect(loss).toEqual({ backup: true, devices: ["dora's"], waiting: 2, closed: [alone] });
    await expect(
      old.security.startOver(await provider.stepUp(old, 'dora', 'identity'), password),
    ).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    });
    // A login for something else does not do, and nothing comes of the try.
    const wrong = await provider.stepUp(fresh, 'dora');
    await expect(fresh.security.startOver(wrong, password)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
    await old.send(direct, 'still here');
    await reads(bob, direct, 'still here', 30_000);

    const out = ended(old);
    await fresh.security.startOver(await provider.stepUp(fresh, 'dora', 'identity'), password);
    await out;
    expect(fresh.security.state()).toMatchObject({ state: 'protected', backup: true });
    for (const room of [direct, group]) expect(fresh.room(room).status).toBe(suspended);
    await fresh.send(direct, 'it is me');
    await fresh.send(group, 'hello all');
    for (const contact of [bob, eve]) {
      const warned = () => contact.counters()['alarm.IDENTITY_SWAPPED'] !== undefined;
      await eventually('contacts are warned', warned, 30_000, [contact]);
    }
    await bob.send(direct, 'once I know that it is you');
    await bob.send(group, 'not for whoever that is');
    await bob.flushed();
    const unheard = [{ user, why: 'IDENTITY_CHANGED' }];
    for (const room of [direct, group]) expect(bob.room(room).unheard).toEqual(unheard);
    const [waits] = (await bob.timeline(direct)).filter(({ sending }) => sending === 'waiting');
    expect(waits?.content?.body).toMatchObject({ value: { text: 'once I know that it is you' } });
    expect(bob.members(group).find((member) => member.user === user)).toMatchObject({ identity: 'changed' });
    await expect(bob.createGroup({ name: 'New', invite: [user] })).rejects.toMatchObject({ code: 'UNTRUSTED' });

    // Bob has compared by voice: then one word of his lets her in, everywhere where he may.
    expect(await bob.fingerprint(user)).toBe(await fresh.fingerprint(user));
    await bob.approveIdentity(user);
    for (const room of [direct, group])
      await eventually('she is in again', () => fresh.room(room).status === joined, 30_000, [fresh]);
    await reads(bob, direct, 'it is me', 30_000);
    await reads(fresh, direct, 'once I know that it is you', 30_000);
    for (const room of [direct, group]) expect(bob.room(room).unheard).toEqual([]);
    // Who leads the group has signed her in: the others need not approve anything to talk with her there.
    await reads(eve, group, 'hello all', 30_000);
    await eve.send(group, 'welcome back');
    await bob.send(direct, 'welcome');
    await reads(fresh, group, 'welcome back', 30_000);
    await reads(fresh, direct, 'welcome', 30_000);
    for (const line of ['before', 'still here', 'not for whoever that is'])
      for (const room of [direct, group]) expect(await texts(fresh, room)).not.toContain(line);
    await eventually('the name of the group', () => fresh.room(group).name === 'Hiking', 30_000, [fresh]);
    expectSound(fresh);

    // A further device knows which rooms wait, and is not alarmed by it.
    const further = await device('dora');
    await further.security.unlock(await provider.stepUp(further, 'dora'), password);
    await reads(further, direct, 'welcome', 30_000);
    expect([further.room(alone).status, further.room(direct).status]).toEqual([suspended, joined]);
    expectSound(further);
  });
});
