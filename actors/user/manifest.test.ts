// The signed list of a user's devices: who may publish which, who hears of it, and what a device outside it may not do. And signatures that are added to keys.
import { beforeEach, describe, expect, it } from 'vitest';
import type { KeysAnswer, UploadKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { bytesOf, crossSigningOf, makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { utf8Bytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { isSignedByItself, isSignedByMaster, readCrossSigningJson } from '#proto/rules/identity/credential.ts';
import { limits } from '#proto/rules/limits.ts';
import { roomAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { connects, uploads } from './testing/devices.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;
const masterName = toBase64(alice.master.publicKey);

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
});

const hello = (device = 1) => connects(street, alice, device);
const upload = (parts: Partial<UploadKeys>, device = 1) => uploads(street, { user, device }, parts);
const query = (device = 1, manifestsAbove = 0) => {
  const answer = street.ask(
    { user, device },
    { $case: 'queryKeys', value: { room: '', users: [user], manifestsAbove } },
  );
  return (answer!.value as KeysAnswer).users[0]!;
};
const publish = (version: number, devices: number[], previousHash?: Uint8Array, from = 1) => {
  const manifest = signManifest(alice, { version, devices, ...(previousHash && { previousHash }) });
  const answer = street.ask({ user, device: from }, { $case: 'publishManifest', value: { manifest } });
  return { answer, hash: manifestHash(manifest.signed, testPrimitives) };
};
const code = (rejection: Rejection) => ({ $case: 'rejected', value: { code: rejection } });

describe('the manifest', () => {
  function ready(devices: number): void {
    for (let device = 1; device <= devices; device++) {
      hello(device);
      upload({ deviceJson: alice.device(device).deviceJson }, device);
    }
    street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigningOf(alice) });
  }

  it('lets a second device write once the first one lists it', () => {
    ready(1);
    const first = publish(1, [1]);
    expect(first.answer).toMatchObject({ $case: 'done' });
    const told = () => street.all('tellSessions').map(({ device, message }) => ({ device, ...message }));
    const head = { version: 1, hash: first.hash };
    expect(told()).toEqual([{ device: 1, kind: 'mayWrite', mayWrite: true, manifest: head }]);
    street.forget();
    // The answer may have been lost with the word to the sessions.
    expect(publish(1, [1]).answer).toMatchObject({ $case: 'done' });
    expect(told()).toHaveLength(1);
    street.forget();
    hello(2);
    expect(street.all('send')[0]?.message).toMatchObject({ kind: 'welcomed', mayWrite: false, manifest: head });
    upload({ deviceJson: alice.device(2).deviceJson }, 2);
    street.forget();
    expect(publish(2, [1, 2], first.hash).answer).toMatchObject({ $case: 'done' });
    expect(told()).toMatchObject([
      { device: 1, mayWrite: true, manifest: { version: 2 } },
      { device: 2, mayWrite: true },
    ]);
    street.forget();
    hello(2);
    expect(street.all('send')[0]?.message).toMatchObject({
      kind: 'welcomed',
      mayWrite: true,
      body: { value: { manifest: { version: 2 } } },
    });
  });

  it('goes up by one, else the head comes back; the newest again is done', () => {
    ready(1);
    expect(publish(2, [1], bytesOf('x')).answer).toMatchObject(code(Rejection.REJECTION_STALE_MANIFEST));
    const first = publish(1, [1]);
    expect(publish(1, [1]).answer).toMatchObject({ $case: 'done' });
    const second = publish(2, [1], first.hash);
    expect(second.answer).toMatchObject({ $case: 'done' });
    for (const answer of [
      publish(1, [1]).answer,
      publish(2, [1], bytesOf('x')).answer,
      publish(4, [1], second.hash).answer,
    ]) {
      expect(answer).toMatchObject({
        value: { code: Rejection.REJECTION_STALE_MANIFEST, manifest: { version: 2, hash: second.hash } },
      });
    }
    expect(query(1, 0).manifests).toHaveLength(0);
    expect(query(1, 1).manifests).toHaveLength(1);
  });

  it('names only the account as it is: its identity, its devices, their keys', () => {
    hello(1);
    upload({ deviceJson: alice.device(1).deviceJson });
    expect(publish(1, [1]).answer).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigningOf(alice) });
    expect(publish(1, [1, 2]).answer).toMatchObject(code(Rejection.REJECTION_NOT_FOUND));
    const manifest = signManifest(makeActor(user, 2), { version: 1, devices: [1] });
    const answer = street.ask({ user, device: 1 }, { $case: 'publishManifest', value: { manifest } });
    expect(answer).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    const broken = { ...signManifest(alice, { version: 1, devices: [1] }), signature: new Uint8Array(64) };
    expect(street.ask({ user, device: 1 }, { $case: 'publishManifest', value: { manifest: broken } })).toMatchObject(
      code(Rejection.REJECTION_BAD_SIGNATURE),
    );
  });

  it('logs a device out that it leaves out', () => {
    ready(2);
    const first = publish(1, [1, 2]);
    street.forget();
    expect(publish(2, [1], first.hash).answer).toMatchObject({ $case: 'done' });
    expect(street.all('revokeDevice')).toMatchObject([{ device: 2 }]);
    expect(street.all('disconnectDevice')).toMatchObject([{ device: 2 }]);
  });

  it('is told to the rooms of the user once it is durable', () => {
    ready(1);
    const room = `!g${'a'.repeat(32)}:example.org`;
    const standing = {
      room,
      status: MemberStatus.MEMBER_STATUS_JOINED,
      member: 1,
      role: Role.ROLE_OWNER,
      controlNumber: 1,
      byUser: user,
      byBot: false,
      direct: false,
      readableFrom: 1,
    };
    street.tell(user, { kind: 'standing', replyTo: roomAddress(room), standing, readableFrom: 1 });
    street.forget();
    street.log(user).held = true;
    const { hash } = publish(1, [1]);
    expect(street.all('send')).toEqual([]);
    street.flush(user);
    const message = { kind: 'identityMoved', user, fingerprint: alice.master.publicKey, head: { version: 1, hash } };
    expect(street.all('send')).toMatchObject([{ to: roomAddress(room), message }]);
    // A room that the user comes into later hears it with its first standing.
    street.log(user).held = false;
    street.tell(user, { kind: 'standing', replyTo: roomAddress(room), standing, readableFrom: 1 });
    const kept = { kind: 'standingKept', user, controlNumber: 1, fingerprint: alice.master.publicKey };
    expect(street.all('send').at(-1)).toMatchObject({ to: roomAddress(room), message: kept });
  });

  it('keeps a device outside it from touching others', () => {
    ready(2);
    publish(1, [1]);
    const remove = (device: number, by: number) =>
      street.ask({ user, device: by }, { $case: 'removeDevice', value: { device } });
    expect(remove(1, 2)).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    const rename = { $case: 'renameDevice', value: { device: 1, name: 'mine' } } as const;
    expect(street.ask({ user, device: 2 }, rename)).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    expect(remove(2, 2)).toMatchObject({ $case: 'done' });
  });

  it('survives a crash, in all its versions', () => {
    ready(1);
    const first = publish(1, [1]);
    publish(2, [1], first.hash);
    street.crash(user);
    expect(query(1, 1).manifest).toBeDefined();
    street.passivate(user);
    expect(query(1, 1).manifests).toHaveLength(1);
  });

  it('is shown with at most 16 of those before', () => {
    ready(1);
    let hash: Uint8Array | undefined;
    for (let version = 1; version <= limits.manifestPageMax + 2; version++) {
      const published = publish(version, [1], hash);
      expect(published.answer).toMatchObject({ $case: 'done' });
      hash = published.hash;
      street.now += userLimits.manifestEveryMs;
    }
    expect(query(1, 2).manifests).toHaveLength(limits.manifestPageMax);
    expect(query(1, 1).manifests).toHaveLength(limits.manifestPageMax);
  });

  it('may be published ten times at once, then once a minute', () => {
    ready(1);
    let hash: Uint8Array | undefined;
    for (let version = 1; version <= userLimits.manifestBurst; version++) {
      const published = publish(version, [1], hash);
      expect(published.answer).toMatchObject({ $case: 'done' });
      hash = published.hash;
    }
    expect(publish(11, [1], hash).answer).toMatchObject(code(Rejection.REJECTION_RATE_LIMITED));
    street.now += userLimits.manifestEveryMs;
    expect(publish(11, [1], hash).answer).toMatchObject({ $case: 'done' });
  });
});

describe('keys that are signed', () => {
  it('gain signatures, and a device outside the manifest may give only its own', () => {
    hello();
    hello(2);
    street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigningOf(alice) });
    upload({ deviceJson: alice.device(1).deviceJson });
    upload({ deviceJson: alice.device(2).deviceJson }, 2);
    publish(1, [1]);
    const sign = (device: number, objects: object) => {
      const value = { signaturesJson: utf8Bytes(JSON.stringify({ [user]: objects, '@eve:example.org': objects })) };
      return street.ask({ user, device }, { $case: 'uploadSignatures', value });
    };
    const by = (name: string, letter: string) => ({
      signatures: { [user]: { [`ed25519:${name}`]: letter.repeat(86) } },
    });
    const { id } = alice.device(1);
    const own = alice.device(2).id;
    sign(2, { [masterName]: by(own, 'B') });
    sign(2, { [masterName]: by('FORGED', 'C'), [id]: by('FORGED', 'C'), [own]: by('SELF', 'D') });
    const keys = query();
    const master = readCrossSigningJson(keys.masterJson, 'master');
    expect(utf8Text(keys.masterJson)).toContain('B'.repeat(86));
    expect(utf8Text(keys.masterJson)).not.toContain('C'.repeat(86));
    expect(isSignedByMaster(keys.masterJson, master!, testPrimitives)).toBe(true);
    expect(utf8Text(keys.devices[0]!.deviceJson)).not.toContain('C'.repeat(86));
    expect(utf8Text(keys.devices[1]!.deviceJson)).toContain('D'.repeat(86));
    sign(1, { [own]: by('VERIFIED', 'E') });
    expect(utf8Text(query().devices[1]!.deviceJson)).toContain('E'.repeat(86));
    const rows = street.log(user).rows.length;
    expect(sign(1, { [own]: by('VERIFIED', 'E') })).toMatchObject({ $case: 'done' });
    expect(street.log(user).rows.length).toBe(rows);
  });

  it('of a device keep signatures that came later when it uploads itself again', () => {
    hello();
    const { deviceJson, id } = alice.device(1);
    upload({ deviceJson });
    const signature = 'A'.repeat(86);
    const json = JSON.stringify({ [user]: { [id]: { signatures: { [user]: { 'ed25519:LATER': signature } } } } });
    const value = { signaturesJson: utf8Bytes(json) };
    expect(street.ask({ user, device: 1 }, { $case: 'uploadSignatures', value })).toMatchObject({ $case: 'done' });
    upload({ deviceJson });
    const kept = query().devices[0]!.deviceJson;
    expect(utf8Text(kept)).toContain(signature);
    expect(isSignedByItself(kept, testPrimitives)).toBe(true);
  });

  it('get their signatures in an upload of at most 32 KiB', () => {
    hello();
    const sized = (bytes: number) => {
      const value = { signaturesJson: utf8Bytes(`{}${' '.repeat(bytes - 2)}`) };
      return street.ask({ user, device: 1 }, { $case: 'uploadSignatures', value });
    };
    expect(sized(limits.signaturesBytesMax)).toMatchObject({ $case: 'done' });
    expect(sized(limits.signaturesBytesMax + 1)).toMatchObject(code(Rejection.REJECTION_TOO_LARGE));
  });
});
