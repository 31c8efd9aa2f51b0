// Test vectors of the rules, for clients in other languages: inputs and outputs in hex or text, all following from names, so that they are the same
// on every run. Private keys are SHA-256("key of <label>") as Ed25519 seeds.
import {
  Algorithm,
  ControlKind,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  PayloadInner,
  Role,
} from '../gen/record.ts';
import { toBase32, toBase64Url, toHex } from '../rules/bytes/base.ts';
import { asciiBytes, noBytes, utf8Text } from '../rules/bytes/bytes.ts';
import { controlHash, controlTextToSign, manifestHash, manifestTextToSign, recordHash } from '../rules/bytes/hash.ts';
import { canonicalJson, parseJsonObject } from '../rules/bytes/json.ts';
import { encodeState, hashState } from '../rules/control/state.ts';
import { proveCredential } from '../rules/identity/credential.ts';
import { identityNumber } from '../rules/identity/number.ts';
import { directRoomId } from '../rules/ids.ts';
import { mayEmptyRow } from '../rules/record/emptying.ts';
import { frankingCommitment, isWrittenApart } from '../rules/record/payload.ts';
import { emptyHead, stampEvent } from '../rules/record/record.ts';
import { bytesOf, signManifest, testPrimitives } from './cast.ts';
import { ada, ben } from './people.ts';
import { cast, chainsBefore, refusedEntries } from './refused-entries.ts';
import { knownManifests, refusedManifests } from './refused-manifests.ts';
import { canonicalHeaders, refusedPayloads } from './refused-payloads.ts';
import { signatures } from './signatures.ts';
import { Story } from './story.ts';

/** Everything in `rules.json`. */
export function ruleVectors() {
  return {
    note: 'Bytes are lower-case hex, texts are texts. README.md and record.proto say how each is made.',
    base: base(),
    roomIds: roomIds(),
    persons: [ada, ben].map(person),
    credentials: [ada, ben].map(credential),
    canonicalJson: json(),
    chain: chain(),
    records: records(),
    manifests: manifests(),
    franking: franking(),
    twoTimes: twoTimes(),
    expired: expired(),
    refused: {
      cast: cast(),
      chainsBefore: chainsBefore(),
      entries: refusedEntries(),
      knownManifests: knownManifests(),
      manifests: refusedManifests(),
      payloads: refusedPayloads(),
    },
    canonicalHeaders: canonicalHeaders(),
    signatures: signatures(),
  };
}

function base() {
  const bytes = bytesOf('base', 20);
  return { bytes: toHex(bytes), base32: toBase32(bytes), base64Url: toBase64Url(bytes) };
}

function roomIds() {
  return [
    [ada.user, ben.user],
    [ben.user, ada.user],
    ['@a:x', '@a-b:x'],
  ].map(([one, other]) => ({ one, other, room: directRoomId(one!, other!, testPrimitives) }));
}

function person(actor: typeof ada) {
  const { user, salt, fingerprint } = actor.person(1);
  const number = identityNumber(user, fingerprint, testPrimitives);
  return { user, salt: toHex(salt), fingerprint: toHex(fingerprint), commitment: toHex(actor.commitment), number };
}

function credential(actor: typeof ada) {
  const { deviceJson, selfSigningJson } = actor.credential(1, 1);
  const proven = proveCredential({ deviceJson, selfSigningJson }, actor.master.publicKey, testPrimitives);
  if (typeof proven === 'string') throw new Error(proven);
  return {
    masterKey: toHex(actor.master.publicKey),
    deviceJson: utf8Text(deviceJson),
    selfSigningJson: utf8Text(selfSigningJson),
    user: proven.user,
    deviceId: proven.deviceId,
    signingKey: toHex(proven.signingKey),
    identityKey: toHex(proven.identityKey),
    selfSigningKey: toHex(proven.selfSigningKey),
  };
}

function json() {
  const texts = [
    '{"b":2,"a":[1,-3,true,null],"é":"\\u00e9\\n\\u0001/"}',
    ' { "\\ud83d\\ude42" : 1 , "\\uffff" : 0 } ',
    '{}',
  ];
  const refused = [
    '{"a":1,"a":1}',
    '{"a":1.0}',
    '{"a":1e2}',
    '{"a":-0}',
    '{"a":01}',
    '[]',
    '{"a":"\\ud800"}',
    '{"a":9007199254740992}',
  ];
  return {
    accepted: texts.map((text) => ({
      text,
      canonical: canonicalJson(parseJsonObject(new TextEncoder().encode(text))!),
    })),
    refused,
  };
}

function chain() {
  const story = Story.group(ada);
  story.join(1, ben, Role.ROLE_ADMIN);
  const stateBytes = encodeState(story.state!);
  story.do(2, { kind: ControlKind.CONTROL_KIND_CHECKPOINT, stateHash: hashState(story.state!, testPrimitives) });
  story.do(2, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 });
  return {
    room: story.room,
    entries: story.entries.map(({ seq, entry }) => ({
      seq,
      signed: toHex(entry.signed),
      textToSign: controlTextToSign(entry.signed, testPrimitives),
      signature: toHex(entry.signature),
      hash: toHex(controlHash(entry.signed, testPrimitives)),
    })),
    stateBeforeCheckpoint: toHex(stateBytes),
    stateHash: toHex(hashState(story.state!, testPrimitives)),
    state: toHex(encodeState(story.state!)),
  };
}

function records() {
  let head = emptyHead(1);
  return [1, 2, 3].map((number) => {
    const body = asciiBytes(`body ${number}`);
    const counts = number !== 2;
    const header = EventHeader.encode({
      room: '!dsomeroom:alpha.lu',
      member: 1,
      device: 1,
      sendId: number,
      kind: EventKind.EVENT_KIND_CONTENT,
      algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
      bodySize: body.length,
      bodyHash: testPrimitives.sha256(body),
      control: { number: 1, hash: bytesOf('control') },
      counts,
      expiryDay: 0,
      commitment: bytesOf(`commitment ${number}`),
    }).finish();
    const now = 1_700_000_000_000 - number;
    const stamped = stampEvent(head, { header, body }, { counts, now, primitives: testPrimitives });
    head = stamped.head;
    const { stamp } = stamped.record;
    const hash = toHex(recordHash(stamp, header, testPrimitives));
    return { body: toHex(body), header: toHex(header), stamp: toHex(stamp), hash };
  });
}

function manifests() {
  const first = signManifest(ada, { version: 1, devices: [1] });
  const previousHash = manifestHash(first.signed, testPrimitives);
  const second = signManifest(ada, { version: 2, previousHash, devices: [1, 2] });
  return [first, second].map(({ signed, signature }) => ({
    signed: toHex(signed),
    textToSign: manifestTextToSign(signed, testPrimitives),
    signature: toHex(signature),
    hash: toHex(manifestHash(signed, testPrimitives)),
  }));
}

function twoTimes() {
  const acceptedMs = 1_700_000_000_000;
  const said = [0, 300_000, 300_001, -300_000, -300_001].map((by) => (by === 0 ? 0 : acceptedMs + by));
  return said.map((writtenMs) => ({ writtenMs, acceptedMs, showBoth: isWrittenApart(writtenMs, acceptedMs) }));
}

/** What a hub writes when the last day of a row is over, and whether it may take that row. */
function expired() {
  const seqs = [5, 7];
  const body = Emptying.encode({
    ...Emptying.decode(noBytes),
    cause: EmptyingCause.EMPTYING_CAUSE_EXPIRED,
    seqs,
  }).finish();
  const header: EventHeader = {
    ...EventHeader.decode(noBytes),
    room: '!dsomeroom:alpha.lu',
    sendId: 1,
    kind: EventKind.EVENT_KIND_EMPTYING,
    algorithm: Algorithm.ALGORITHM_NONE,
    bodySize: body.length,
    bodyHash: testPrimitives.sha256(body),
    control: { number: 1, hash: bytesOf('control') },
  };
  const overMs = 20_001 * 86_400_000;
  const { EVENT_KIND_CONTENT: content, EVENT_KIND_SLOT: slot } = EventKind;
  const rows = [
    { seq: 5, kind: content, expiryDay: 20_000, acceptedMs: overMs },
    { seq: 5, kind: content, expiryDay: 20_000, acceptedMs: overMs - 1 },
    { seq: 5, kind: content, expiryDay: 0, acceptedMs: overMs },
    { seq: 6, kind: content, expiryDay: 20_000, acceptedMs: overMs },
    { seq: 7, kind: slot, expiryDay: 0, acceptedMs: overMs },
  ];
  const state = Story.group(ada).state!;
  const emptying = Emptying.decode(body);
  return {
    header: toHex(EventHeader.encode(header).finish()),
    body: toHex(body),
    rows: rows.map(({ seq, kind, expiryDay, acceptedMs }) => {
      const row = { seq, header: { ...header, member: 1, device: 1, kind, expiryDay } };
      const taken = mayEmptyRow(emptying, row, { state, actor: header, acceptedMs });
      return { seq, kind, expiryDay, acceptedMs, taken };
    }),
  };
}

function franking() {
  const inner = PayloadInner.encode({
    ...PayloadInner.decode(new Uint8Array(0)),
    room: '!dsomeroom:alpha.lu',
    member: 1,
    device: 1,
    sendId: 1,
    kind: EventKind.EVENT_KIND_CONTENT,
    counts: true,
    writtenMs: 1_700_000_000_000,
  }).finish();
  const frankingKey = bytesOf('franking key');
  const commitment = frankingCommitment({ frankingKey, inner }, testPrimitives);
  return { frankingKey: toHex(frankingKey), inner: toHex(inner), commitment: toHex(commitment) };
}
