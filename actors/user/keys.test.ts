// Keys of devices and one-time keys: what is taken, what is given away, and that nothing is given twice.
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClaimsAnswer, UploadKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { bytesOf, keyPair, makeActor, signedJson, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { noBytes, utf8Bytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { userLimits } from './limits.ts';
import { connects, uploads } from './testing/devices.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
});

const hello = (device = 1) => connects(street, alice, device);
const upload = (parts: Partial<UploadKeys>, device = 1) => uploads(street, { user, device }, parts);
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
