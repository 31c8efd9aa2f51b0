import { describe, expect, it } from 'vitest';
import { bytesOf, keyPair, makeActor, signedJson, testPrimitives } from '../../golden/cast.ts';
import { toBase64 } from '../bytes/base.ts';
import { utf8Bytes, utf8Text } from '../bytes/bytes.ts';
import { canonicalJson, parseJsonObject } from '../bytes/json.ts';
import { limits } from '../limits.ts';
import {
  isSignedByItself,
  isSignedByMaster,
  proveCredential,
  readCrossSigningJson,
  readDeviceJson,
} from './credential.ts';
import { Roll } from './roll.ts';

const ada = makeActor('@ada:alpha.lu');
const ben = makeActor('@ben:alpha.lu');
const good = ada.credential(1, 1);
const prove = (change: Partial<typeof good>, master = ada.master.publicKey) =>
  proveCredential({ ...good, ...change }, master, testPrimitives);
const edit = (bytes: Uint8Array, from: string, to: string) => utf8Bytes(utf8Text(bytes)!.replace(from, to));

describe('a credential', () => {
  it('proves a device by self-signing and master key', () => {
    const device = ada.device(1);
    expect(prove({})).toEqual({
      user: ada.user,
      deviceId: device.id,
      signingKey: device.keys.publicKey,
      identityKey: device.identityKey,
      masterKey: ada.master.publicKey,
      selfSigningKey: ada.selfSigning.publicKey,
    });
  });

  it('proves nothing for another master key, or with parts of two people', () => {
    expect(prove({}, ben.master.publicKey)).toBe('BAD_SIGNATURE');
    expect(prove({ deviceJson: ben.device(1).deviceJson })).toBe('WRONG_USER');
    const second = makeActor(ada.user, 2);
    expect(prove({ deviceJson: second.device(1).deviceJson })).toBe('BAD_SIGNATURE');
    expect(prove({ selfSigningJson: second.selfSigningJson })).toBe('BAD_SIGNATURE');
  });

  it('proves nothing once a signed part is changed, and does not mind what is not signed', () => {
    expect(prove({ deviceJson: edit(good.deviceJson, 'DEVICE11"', 'DEVICE12"') })).toBe('MALFORMED');
    expect(prove({ deviceJson: edit(good.deviceJson, 'm.olm.v1', 'm.olm.v2') })).toBe('BAD_SIGNATURE');
    expect(typeof prove({ deviceJson: edit(good.deviceJson, '{', '{ "unsigned" : {"name":"x"},') })).toBe('object');
  });

  it('needs the signature of the device itself and of the self-signing key', () => {
    const device = ada.device(1);
    const fields = {
      user_id: ada.user,
      device_id: device.id,
      keys: {
        [`curve25519:${device.id}`]: toBase64(device.identityKey),
        [`ed25519:${device.id}`]: toBase64(device.keys.publicKey),
      },
    };
    const own = { name: device.id, keys: device.keys };
    const crossed = { name: toBase64(ada.selfSigning.publicKey), keys: ada.selfSigning };
    expect(prove({ deviceJson: signedJson(fields, ada.user, [own]) })).toBe('BAD_SIGNATURE');
    expect(prove({ deviceJson: signedJson(fields, ada.user, [crossed]) })).toBe('BAD_SIGNATURE');
    expect(prove({ deviceJson: signedJson(fields, ben.user, [own, crossed]) })).toBe('BAD_SIGNATURE');
    expect(typeof prove({ deviceJson: signedJson(fields, ada.user, [own, crossed]) })).toBe('object');
  });

  it('takes no master key, nor a key under another name, for a self-signing key', () => {
    const make = (usage: string, name: string) =>
      signedJson(
        { user_id: ada.user, usage: [usage], keys: { [`ed25519:${name}`]: toBase64(ada.selfSigning.publicKey) } },
        ada.user,
        [{ name: toBase64(ada.master.publicKey), keys: ada.master }],
      );
    const name = toBase64(ada.selfSigning.publicKey);
    expect(typeof prove({ selfSigningJson: make('self_signing', name) })).toBe('object');
    expect(prove({ selfSigningJson: make('master', name) })).toBe('MALFORMED');
    expect(prove({ selfSigningJson: make('self_signing', toBase64(bytesOf('x'))) })).toBe('MALFORMED');
  });

  it('is at most 4 KiB a part', () => {
    const pad = (bytes: number) => {
      const blanks = ' '.repeat(bytes - good.deviceJson.length);
      return utf8Bytes(`${utf8Text(good.deviceJson)}${blanks}`);
    };
    expect(typeof prove({ deviceJson: pad(limits.keyJsonBytesMax) })).toBe('object');
    expect(prove({ deviceJson: pad(limits.keyJsonBytesMax + 1) })).toBe('MALFORMED');
  });

  it('has parts that can be read and checked alone', () => {
    expect(readDeviceJson(good.deviceJson)?.deviceId).toBe('DEVICE11');
    expect(isSignedByItself(good.deviceJson, testPrimitives)).toBe(true);
    expect(isSignedByItself(edit(good.deviceJson, 'm.olm', 'm.elm'), testPrimitives)).toBe(false);
    expect(readCrossSigningJson(good.selfSigningJson, 'self_signing')?.key).toEqual(ada.selfSigning.publicKey);
    expect(readCrossSigningJson(good.selfSigningJson, 'user_signing')).toBe(null);
    expect(isSignedByMaster(good.selfSigningJson, { user: ada.user, key: ada.master.publicKey }, testPrimitives)).toBe(
      true,
    );
    expect(
      isSignedByMaster(good.selfSigningJson, { user: ada.user, key: keyPair('x').publicKey }, testPrimitives),
    ).toBe(false);
  });
});

describe('the JSON of keys', () => {
  const parse = (text: string) => parseJsonObject(utf8Bytes(text));
  const canonical = (text: string) => canonicalJson(parse(text)!);

  it('has one canonical form', () => {
    expect(canonical(' {"b" : [1, -2,true , null ], "a":{"\\u00e9":"\\n\\u0001\\/\\"\\\\"}} ')).toBe(
      '{"a":{"é":"\\n\\u0001/\\"\\\\"},"b":[1,-2,true,null]}',
    );
  });

  it('sorts keys by code point, not by UTF-16', () => {
    expect(canonical('{"\\ud83d\\ude42":1,"\\uffff":2}')).toBe('{"\uffff":2,"🙂":1}');
  });

  it('keeps __proto__ a key like others', () => {
    expect(canonical('{"__proto__":{"x":1}}')).toBe('{"__proto__":{"x":1}}');
  });

  it.each([
    '',
    '[]',
    '1',
    '{"a":1,"a":2}',
    '{"a":1.5}',
    '{"a":1e3}',
    '{"a":-0}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":9007199254740992}',
    '{"a":"\\ud800"}',
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"a"}',
    '{a:1}',
    '{"a":1,}',
    '{"a":[1,]}',
    '{"a":1}}',
    '{"a":tru}',
    '{"a":"b',
  ])('refuses %j', (text) => {
    expect(parse(text)).toBe(null);
  });

  it('takes the largest integer, and nesting up to 8 levels', () => {
    expect(canonical('{"a":9007199254740991,"b":-9007199254740991}')).toBe(
      '{"a":9007199254740991,"b":-9007199254740991}',
    );
    const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(parse(nested(limits.keyJsonDepthMax))).not.toBe(null);
    expect(parse(nested(limits.keyJsonDepthMax + 1))).toBe(null);
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(parseJsonObject(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))).toBe(null);
  });
});

describe('a roll', () => {
  it('finds persons by commitment and drops them on request', () => {
    const roll = new Roll(testPrimitives);
    expect(roll.addPerson(ada.person(1))).toBe(true);
    expect(roll.addCredential(good)).toBe(true);
    const signer = { member: 1, device: 1, key: ada.device(1).keys.publicKey };
    expect(roll.person(ada.commitment)?.user).toBe(ada.user);
    expect(roll.device(signer, ada.person(1))).toMatchObject({ user: ada.user });
    expect(roll.device(signer, { ...ada.person(1), user: ben.user })).toBe('WRONG_USER');
    expect(roll.device({ ...signer, device: 2 }, ada.person(1))).toBe('MISSING');
    roll.forget(ada.user);
    expect(roll.person(ada.commitment)).toBe(undefined);
    expect(roll.device(signer, ada.person(1))).toBe('MISSING');
  });

  it('takes no malformed person and no oversized credential', () => {
    const roll = new Roll(testPrimitives);
    expect(roll.addPerson({ ...ada.person(1), user: 'ada' })).toBe(false);
    expect(roll.addPerson({ ...ada.person(1), salt: new Uint8Array(15) })).toBe(false);
    expect(roll.addCredential({ ...good, deviceJson: new Uint8Array(4_097) })).toBe(false);
  });

  it('keeps sixteen credentials of a device, and what came first', () => {
    const roll = new Roll(testPrimitives);
    roll.addCredential(good);
    const others = Array.from({ length: 16 }, (_, i) => makeActor(ada.user, i + 2).credential(1, 1));
    expect(others.map((other) => roll.addCredential(other))).toEqual([...Array(15).fill(true), false]);
    const signer = { member: 1, device: 1, key: ada.device(1).keys.publicKey };
    expect(roll.device(signer, ada.person(1))).toMatchObject({ user: ada.user });
    expect(roll.addCredential(good)).toBe(true);
  });
});
