import { beforeEach, describe, expect, it } from 'vitest';
import type { ClaimsAnswer, KeysAnswer, UploadKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import {
  type Actor,
  bytesOf,
  keyPair,
  makeActor,
  signedJson,
  signManifest,
  testPrimitives,
} from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { noBytes, utf8Bytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { isSignedByItself, isSignedByMaster, readCrossSigningJson } from '#proto/rules/identity/credential.ts';
import { limits } from '#proto/rules/limits.ts';
import { roomAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;
const masterName = toBase64(alice.master.publicKey);
const userSigningName = toBase64(keyPair('user signing').publicKey);

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
});

function hello(device = 1): void {
  const { id } = alice.device(device);
  street.tell(user, { kind: 'hello', session: device, device, deviceId: id, deviceName: 'phone' });
}

function crossSigning(actor: Actor = alice) {
  const name = toBase64(actor.master.publicKey);
  const master = { user_id: actor.user, usage: ['master'], keys: { [`ed25519:${name}`]: name } };
  const byMaster = [{ name, keys: actor.master }];
  const userSigning = {
    user_id: actor.user,
    usage: ['user_signing'],
    keys: { [`ed25519:${userSigningName}`]: userSigningName },
  };
  return {
    masterJson: signedJson(master, actor.user, byMaster),
    selfSigningJson: actor.selfSigningJson,
    userSigningJson: signedJson(userSigning, actor.user, byMaster),
  };
}

const upload = (parts: Partial<UploadKeys>, device = 1) =>
  street.ask(
    { user, device },
    { $case: 'uploadKeys', value: { deviceJson: noBytes, oneTimeKeys: [], fallbackKeys: [], ...parts } },
  );
const oneTime = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    keyId: `signed_curve25519:K${from + index}`,
    key: bytesOf(`one-time ${from + index}`),
  }));
const fallback = { keyId: 'signed_curve25519:FALL', key: bytesOf('fallback') };
const claim = (device = 1) => {
  const answer = street.ask(
    { user, device: 1 },
    { $case: 'claimKeys', value: { room: '', targets: [{ user, device }] } },
  );
  return (answer?.value as ClaimsAnswer | undefined)?.keys.map(({ keyId }) => keyId);
};
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

describe('device keys', () => {
  it('are taken once, must be the device own, and never change', () => {
    hello();
    hello(2);
    const { deviceJson } = alice.device(1);
    expect(upload({ deviceJson })).toMatchObject({ $case: 'keyCounts' });
    expect(upload({ deviceJson })).toMatchObject({ $case: 'keyCounts' });
    expect(street.log(user).rows.length).toBe(3);
    expect(upload({ deviceJson: alice.device(2).deviceJson })).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(upload({ deviceJson: utf8Bytes('{}') })).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    const unsigned = utf8Bytes(utf8Text(deviceJson)!.replace(/"ed25519:DEVICE11":"[^"]{86}"/, '"ed25519:X":"y"'));
    expect(upload({ deviceJson: unsigned })).toMatchObject(code(Rejection.REJECTION_BAD_SIGNATURE));
    const other = makeActor(user, 1).device(1);
    const keys = keyPair('another');
    const swapped = signedJson(
      {
        user_id: user,
        device_id: other.id,
        algorithms: [],
        keys: { [`curve25519:${other.id}`]: toBase64(bytesOf('c')), [`ed25519:${other.id}`]: toBase64(keys.publicKey) },
      },
      user,
      [{ name: other.id, keys }],
    );
    expect(upload({ deviceJson: swapped })).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
  });

  it('fit in 3 KiB', () => {
    hello();
    const padded = (bytes: number) => {
      const { id, keys, identityKey } = alice.device(1);
      const fields = (pad: string) => ({
        user_id: user,
        device_id: id,
        pad,
        keys: { [`curve25519:${id}`]: toBase64(identityKey), [`ed25519:${id}`]: toBase64(keys.publicKey) },
      });
      const bare = signedJson(fields(''), user, [{ name: id, keys }]).length;
      return signedJson(fields('x'.repeat(bytes - bare)), user, [{ name: id, keys }]);
    };
    expect(upload({ deviceJson: padded(userLimits.deviceJsonBytesMax + 1) })).toMatchObject(
      code(Rejection.REJECTION_TOO_LARGE),
    );
    expect(upload({ deviceJson: padded(userLimits.deviceJsonBytesMax) })).toMatchObject({ $case: 'keyCounts' });
  });

  it('keep signatures that came later when the device uploads itself again', () => {
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
});

describe('one-time keys', () => {
  it('are kept up to 100; an upload that would pass it keeps nothing', () => {
    hello();
    expect(upload({ oneTimeKeys: oneTime(0, 99) })).toMatchObject({ value: { oneTimeKeys: 99 } });
    expect(upload({ oneTimeKeys: oneTime(99, 2) })).toMatchObject(code(Rejection.REJECTION_LIMIT_REACHED));
    expect(upload({ oneTimeKeys: oneTime(99, 1) })).toMatchObject({ value: { oneTimeKeys: 100 } });
    expect(upload({ oneTimeKeys: oneTime(100, 1) })).toMatchObject(code(Rejection.REJECTION_LIMIT_REACHED));
  });

  it('may come twice with the same bytes, never with others', () => {
    hello();
    const [key] = oneTime(0, 1);
    upload({ oneTimeKeys: [key!] });
    expect(upload({ oneTimeKeys: [key!] })).toMatchObject({ value: { oneTimeKeys: 1 } });
    expect(street.log(user).rows.length).toBe(2);
    const forged = { keyId: key!.keyId, key: bytesOf('other') };
    expect(upload({ oneTimeKeys: [forged] })).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(
      upload({
        oneTimeKeys: [
          { ...forged, keyId: 'signed_curve25519:N' },
          { ...key!, keyId: 'signed_curve25519:N' },
        ],
      }),
    ).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
  });

  it('have an id of their algorithm and at most 1 KiB', () => {
    hello();
    const one = (keyId: string, key = bytesOf('k')) => upload({ oneTimeKeys: [{ keyId, key }] });
    expect(one('curve25519:A')).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(one(`signed_curve25519:${'A'.repeat(47)}`)).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(one(`signed_curve25519:${'A'.repeat(46)}`)).toMatchObject({ $case: 'keyCounts' });
    expect(one('signed_curve25519:B', noBytes)).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(one('signed_curve25519:B', new Uint8Array(1025))).toMatchObject(code(Rejection.REJECTION_TOO_LARGE));
    expect(one('signed_curve25519:B', new Uint8Array(1024))).toMatchObject({ $case: 'keyCounts' });
  });

  it('may have the ids of fallback keys: libraries count the two apart', () => {
    hello();
    // Met in the wild: the first fallback key has the id of the first one-time key, and the refusal kept every later upload out.
    const [first] = oneTime(0, 1) as [{ keyId: string; key: Uint8Array }];
    upload({ oneTimeKeys: [first] });
    const twin = { keyId: first.keyId, key: bytesOf('a fallback key') };
    expect(upload({ oneTimeKeys: oneTime(1, 1), fallbackKeys: [twin] })).toMatchObject({
      value: { oneTimeKeys: 2, unusedFallback: ['signed_curve25519'] },
    });
  });

  it('are given away once each, oldest first, then the fallback key again and again', () => {
    hello();
    upload({ oneTimeKeys: oneTime(0, 2), fallbackKeys: [fallback] });
    expect([claim(), claim(), claim(), claim()]).toEqual([
      ['signed_curve25519:K0'],
      ['signed_curve25519:K1'],
      ['signed_curve25519:FALL'],
      ['signed_curve25519:FALL'],
    ]);
    expect(upload({})).toMatchObject({ value: { oneTimeKeys: 0, unusedFallback: [] } });
    const fresh = { keyId: 'signed_curve25519:NEXT', key: bytesOf('next') };
    expect(upload({ fallbackKeys: [fresh] })).toMatchObject({ value: { unusedFallback: ['signed_curve25519'] } });
    expect(upload({ fallbackKeys: [fresh, fallback] })).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
  });

  it('are given away once across a crash at any step of the claim', () => {
    for (let steps = 0; steps <= 1; steps++) {
      street = new Street(testPrimitives);
      hello();
      upload({ oneTimeKeys: oneTime(0, 3) });
      if (steps === 1) street.passivate(user);
      street.log(user).held = steps === 0;
      const given = claim() ?? [];
      if (steps === 0) {
        // The entry is durable, its answer is not out: the key is lost, never given again.
        street.log(user).perform(street.log(user).waiting[0]!);
      }
      street.crash(user);
      street.log(user).held = false;
      const later = [claim(), claim(), claim()].flat();
      expect(new Set([...given, ...later]).size).toBe(given.length + later.length);
      expect(later).toEqual(['signed_curve25519:K1', 'signed_curve25519:K2']);
    }
  });

  it('do not come back with a late repeat of their upload', () => {
    hello();
    const keys = oneTime(0, 2);
    upload({ oneTimeKeys: keys });
    claim();
    street.passivate(user);
    expect(upload({ oneTimeKeys: keys })).toMatchObject({ value: { oneTimeKeys: 1 } });
    expect(claim()).toEqual(['signed_curve25519:K1']);
    expect(claim()).toEqual([]);
  });

  it('push a hint when 24 are left, when none is, and when the fallback key goes', () => {
    hello();
    upload({ oneTimeKeys: oneTime(0, 26), fallbackKeys: [fallback] });
    street.forget();
    const hintsAfter = (claims: number) => {
      for (let n = 0; n < claims; n++) claim();
      return street.all('deliver').length;
    };
    expect(hintsAfter(1)).toBe(0);
    expect(hintsAfter(1)).toBe(1);
    expect(hintsAfter(23)).toBe(1);
    expect(hintsAfter(1)).toBe(2);
    expect(hintsAfter(1)).toBe(3);
    expect(hintsAfter(5)).toBe(3);
  });

  // Each was a durable row for ever and woke every session of the one whose keys they were.
  it('leave no row and wake nobody once the fallback key is used, however often they are claimed', () => {
    hello();
    upload({ oneTimeKeys: oneTime(0, 3), fallbackKeys: [fallback] });
    const before = street.log(user).rows.length;
    street.forget();
    for (let n = 0; n < 1_000; n++) expect(claim()).toHaveLength(1);
    expect(street.log(user).rows.length - before).toBe(4);
    expect(street.all('deliver')).toHaveLength(2);
    street.crash(user);
    expect(claim()).toEqual([fallback.keyId]);
    expect(street.log(user).rows.length - before).toBe(4);
    upload({ fallbackKeys: [{ ...fallback, keyId: 'signed_curve25519:NEXT' }] });
    claim();
    expect(street.log(user).rows.length - before).toBe(6);
  });

  it('show a used fallback key only once that is durable', () => {
    hello();
    upload({ fallbackKeys: [fallback] });
    street.log(user).held = true;
    const asks = [1, 2].map(() =>
      street.asks({ user, device: 1 }, { $case: 'claimKeys', value: { room: '', targets: [{ user, device: 1 }] } }),
    );
    expect(asks.map((request) => street.answers.get(request))).toEqual([undefined, undefined]);
    street.flush(user);
    for (const request of asks)
      expect(street.answers.get(request)).toMatchObject({ value: { keys: [{ keyId: fallback.keyId }] } });
  });
});

describe('cross-signing keys', () => {
  it('gain signatures, and a device outside the manifest may give only its own', () => {
    hello();
    hello(2);
    street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigning() });
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

  it('come in an upload of at most 32 KiB', () => {
    hello();
    const sized = (bytes: number) => {
      const value = { signaturesJson: utf8Bytes(`{}${' '.repeat(bytes - 2)}`) };
      return street.ask({ user, device: 1 }, { $case: 'uploadSignatures', value });
    };
    expect(sized(limits.signaturesBytesMax)).toMatchObject({ $case: 'done' });
    expect(sized(limits.signaturesBytesMax + 1)).toMatchObject(code(Rejection.REJECTION_TOO_LARGE));
  });
});

describe('the manifest', () => {
  function ready(devices: number): void {
    for (let device = 1; device <= devices; device++) {
      hello(device);
      upload({ deviceJson: alice.device(device).deviceJson }, device);
    }
    street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigning() });
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
    street.ask({ user, device: 1 }, { $case: 'uploadCrossSigning', value: crossSigning() });
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
