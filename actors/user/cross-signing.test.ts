// The identity of an account: begun once, renewed below its master key by listed devices alone, and replaced by whoever shows a grant that login lets count.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Grant, KeysAnswer, UploadCrossSigning } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import {
  type Actor,
  crossSigningOf,
  keyPair,
  makeActor,
  signedJson,
  signManifest,
  testPrimitives,
} from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { concatBytes, noBytes, utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { userLimits } from './limits.ts';
import { connects, uploads } from './testing/devices.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
/** The same person with another identity. */
const anew = makeActor(alice.user, 2);
const { user } = alice;
const grant: Grant = { token: 'lxg_x', attempt: new Uint8Array(16) };
const code = (rejection: Rejection) => ({ $case: 'rejected', value: { code: rejection } });
const done = { $case: 'done' };

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
});

function hello(device = 1, actor = alice): void {
  connects(street, actor, device);
  uploads(street, { user, device }, { deviceJson: actor.device(device).deviceJson });
}

/** What a person uploads; with another self-signing key where it has a name here. */
function keysOf(actor: Actor, more: { selfSigning?: string } = {}): UploadCrossSigning {
  const keys = crossSigningOf(actor);
  if (more.selfSigning === undefined) return keys;
  const name = toBase64(keyPair(more.selfSigning).publicKey);
  const fields = { user_id: user, usage: ['self_signing'], keys: { [`ed25519:${name}`]: name } };
  const byMaster = [{ name: toBase64(actor.master.publicKey), keys: actor.master }];
  return { ...keys, selfSigningJson: signedJson(fields, user, byMaster) };
}

const put = (value: UploadCrossSigning, device = 1) =>
  street.ask({ user, device }, { $case: 'uploadCrossSigning', value });
const asks = (value: UploadCrossSigning, device = 1) =>
  street.asks({ user, device }, { $case: 'uploadCrossSigning', value });
const shown = () => {
  const value = { room: '', users: [user], manifestsAbove: 0 };
  const answer = street.ask({ user, device: 1 }, { $case: 'queryKeys', value });
  return (answer!.value as KeysAnswer).users[0];
};
const publish = (actor: Actor, version: number, device: number, previousHash?: Uint8Array) => {
  const parts = { version, devices: [device], ...(previousHash && { previousHash }) };
  const manifest = signManifest(actor, parts, device);
  const answer = street.ask({ user, device }, { $case: 'publishManifest', value: { manifest } });
  return { answer, hash: manifestHash(manifest.signed, testPrimitives) };
};
/** What login was asked, and its word. */
const asked = () => street.all('checkGrant').at(-1);
const says = (counts: boolean | null) =>
  street.tell(user, { kind: 'grantChecked', token: asked()?.token ?? 0, counts });

describe('cross-signing keys', () => {
  it('are taken once: the same again is done, another identity is forbidden', () => {
    hello();
    expect(put({ ...keysOf(alice), userSigningJson: utf8Bytes('{}') })).toMatchObject(
      code(Rejection.REJECTION_BAD_REQUEST),
    );
    expect(put({ ...keysOf(alice), masterJson: new Uint8Array(4097) })).toMatchObject(
      code(Rejection.REJECTION_TOO_LARGE),
    );
    expect(put({ ...keysOf(alice), selfSigningJson: anew.selfSigningJson })).toMatchObject(
      code(Rejection.REJECTION_BAD_SIGNATURE),
    );
    expect([put(keysOf(alice)), put(keysOf(alice))]).toMatchObject([done, done]);
    expect(put(keysOf(anew))).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    expect(shown()?.userSigningJson.length).toBeGreaterThan(0);
  });

  it('below the same master key are those of a listed device, and of no other, with a grant or without', () => {
    hello();
    hello(2);
    put(keysOf(alice));
    const renewed = keysOf(alice, { selfSigning: 'renewed' });
    expect(put(renewed)).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    publish(alice, 1, 1);
    expect(put(renewed, 2)).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    expect(put({ ...renewed, grant }, 2)).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    expect(asked()).toBeUndefined();
    expect(put(renewed)).toMatchObject(done);
    expect(shown()?.selfSigningJson).toEqual(renewed.selfSigningJson);
    const forged = { ...renewed, selfSigningJson: keysOf(anew, { selfSigning: 'mine' }).selfSigningJson };
    expect(put(forged)).toMatchObject(code(Rejection.REJECTION_BAD_SIGNATURE));
  });

  it('that were renewed are the only ones that a list may name from then on', () => {
    hello();
    put(keysOf(alice));
    const { hash } = publish(alice, 1, 1);
    put(keysOf(alice, { selfSigning: 'renewed' }));
    expect(publish(alice, 2, 1, hash).answer).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
  });
});

describe('another identity', () => {
  beforeEach(() => {
    hello();
    put(keysOf(alice));
    const { hash } = publish(alice, 1, 1);
    before = hash;
    hello(2, anew);
  });
  let before: Uint8Array = noBytes;

  it('is taken from a device that no list names, once login lets its grant count for these very keys', () => {
    const keys = keysOf(anew);
    const request = asks({ ...keys, grant }, 2);
    expect(street.answers.get(request)).toBeUndefined();
    const content = concatBytes(keys.masterJson, keys.selfSigningJson, keys.userSigningJson);
    expect(asked()).toMatchObject({ user, device: 2, grant, content });
    says(true);
    expect(street.answers.get(request)).toMatchObject(done);
    expect(shown()?.masterJson).toEqual(keys.masterJson);
    // The same again, since its answer was lost, needs no grant.
    expect(put(keys, 2)).toMatchObject(done);
    // From now on the old one lists nobody any more, and the first list of the new one logs the others out.
    expect(publish(alice, 2, 1, before).answer).toMatchObject(code(Rejection.REJECTION_FORBIDDEN));
    street.forget();
    expect(publish(anew, 2, 2, before).answer).toMatchObject(done);
    expect(street.all('revokeDevice')).toMatchObject([{ device: 1 }]);
  });

  it.each([
    ['no grant', undefined, Rejection.REJECTION_FORBIDDEN],
    ['a short attempt', { ...grant, attempt: new Uint8Array(15) }, Rejection.REJECTION_BAD_REQUEST],
  ])('with %s is refused, and login is not asked', (_, shownGrant, rejection) => {
    expect(put({ ...keysOf(anew), grant: shownGrant }, 2)).toMatchObject(code(rejection));
    expect(asked()).toBeUndefined();
  });

  it('whose keys are refused does not use the grant up', () => {
    const keys = { ...keysOf(anew), selfSigningJson: alice.selfSigningJson, grant };
    expect(put(keys, 2)).toMatchObject(code(Rejection.REJECTION_BAD_SIGNATURE));
    expect(asked()).toBeUndefined();
  });

  it('is not taken where the grant does not count, and asked for again where that can’t be known', () => {
    const keys = { ...keysOf(anew), grant };
    for (const [counts, rejection] of [
      [false, Rejection.REJECTION_FORBIDDEN],
      [null, Rejection.REJECTION_UNAVAILABLE],
    ] as const) {
      const request = asks(keys, 2);
      says(counts);
      expect(street.answers.get(request)).toMatchObject(code(rejection));
    }
    const silent = asks(keys, 2);
    street.now += userLimits.gatherMs;
    street.tell(user, { kind: 'timer', name: `gather/${asked()?.token}` });
    expect(street.answers.get(silent)).toMatchObject(code(Rejection.REJECTION_UNAVAILABLE));
    expect(shown()?.masterJson).toEqual(keysOf(alice).masterJson);
  });

  it('is not taken from a device that was removed while login was asked', () => {
    const request = asks({ ...keysOf(anew), grant }, 2);
    street.tell(user, { kind: 'deviceRevoked', device: 2 });
    says(true);
    expect(street.answers.get(request)).toMatchObject(code(Rejection.REJECTION_NOT_LOGGED_IN));
  });

  it.each([true, false, null])(
    'is not taken where the account was closed while login was asked, which says %s',
    (word) => {
      const request = asks({ ...keysOf(anew), grant }, 2);
      const first = asked()!;
      street.ask({ user, device: 1 }, { $case: 'deactivateAccount', value: { grant } });
      says(true);
      const { length } = street.log(user).rows;
      street.tell(user, { kind: 'grantChecked', token: first.token, counts: word });
      expect(street.answers.get(request)).toMatchObject(code(Rejection.REJECTION_NOT_LOGGED_IN));
      expect(street.log(user).rows).toHaveLength(length);
    },
  );

  it('is there after a crash once it was answered, and not before it is durable', () => {
    const request = asks({ ...keysOf(anew), grant }, 2);
    street.log(user).held = true;
    says(true);
    expect(street.answers.get(request)).toBeUndefined();
    street.crash(user);
    street.log(user).held = false;
    expect(shown()?.masterJson).toEqual(keysOf(alice).masterJson);
    const again = asks({ ...keysOf(anew), grant }, 2);
    says(true);
    expect(street.answers.get(again)).toMatchObject(done);
    street.crash(user);
    expect(shown()?.masterJson).toEqual(keysOf(anew).masterJson);
  });
});
