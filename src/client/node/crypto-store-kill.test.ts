// The promise that matters most: a process killed at any moment between encrypting and sending never leaves a ratchet
// step to be used twice. Real processes, real SIGKILL, the moments drawn at random.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openMachine, startVictim } from './crypto-store-fixture.ts';

const { OlmMachine, RoomId, UserId, DeviceId } = wasm;
const alice = '@alice:lux';
const bob = '@bob:lux';
const room = '!room:lux';
const kills = 15;
let folder: string;

beforeAll(() => wasm.initAsync());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crypto-kill-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('never hands out a (session, index) twice over many kills, and the receiver decrypts every message', async () => {
  const receiver = await OlmMachine.initialize(new UserId(bob), new DeviceId('2'));
  await shareRoomKey(receiver);
  const sent: string[] = [];
  for (let round = 0; round < kills; round += 1) {
    const victim = startVictim(folder, [alice, '1', room]);
    expect((await victim.lines.next()).value).toBe('ready');
    const wanted = Math.floor(Math.random() * 25);
    for (let n = 0; n < wanted; n += 1) sent.push(String((await victim.lines.next()).value));
    victim.kill();
    // What it wrote before it died was sent, too.
    for await (const line of { [Symbol.asyncIterator]: () => victim.lines }) sent.push(line);
    await victim.ended;
  }
  const steps = sent.map((line) => `${JSON.parse(line).session_id} ${messageIndex(line)}`);
  expect(sent.length).toBeGreaterThan(kills);
  expect(new Set(steps).size).toBe(steps.length);
  expect(new Set(sent.map((line) => JSON.parse(line).session_id)).size).toBe(1);
  for (const line of sent) expect(await decrypt(receiver, line)).toContain('a secret canary');
});

test('holds neither message text nor room keys in the clear in any file', async () => {
  const receiver = await OlmMachine.initialize(new UserId(bob), new DeviceId('2'));
  await shareRoomKey(receiver);
  const { machine, close } = await openMachine(folder, alice, '1');
  await machine.encryptRoomEvent(new RoomId(room), 'test', '{"text":"a secret canary"}');
  const exported = JSON.parse(await machine.exportRoomKeys(() => true)) as { session_key: string }[];
  const seeds = await machine.exportCrossSigningKeys();
  close();
  expect(exported).toHaveLength(1);
  const secrets = [
    Buffer.from('a secret canary'),
    ...exported.flatMap(({ session_key }) => bothForms(session_key, 40)),
    ...bothForms(seeds?.masterKey ?? '', 0),
  ];
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    for (const secret of secrets) expect(bytes.includes(secret), `${name} holds a secret`).toBe(false);
  }
});

// A room key in text as exported, and its raw ratchet (from the 5th byte on, behind version and index).
function bothForms(base64: string, skip: number): Buffer[] {
  expect(base64.length).toBeGreaterThan(40);
  return [Buffer.from(base64.slice(skip, skip + 40)), Buffer.from(base64, 'base64').subarray(5, 31)];
}

/** Makes the sender's identity and session in the folder and gives the receiver its room key. */
async function shareRoomKey(receiver: wasm.OlmMachine): Promise<void> {
  const { machine, close } = await openMachine(folder, alice, '1');
  await machine.bootstrapCrossSigning(true);
  const uploads = await Promise.all([machine, receiver].map(async (one) => (await one.outgoingRequests())[0]));
  const [own, theirs] = uploads.map((upload) => JSON.parse(String(upload && 'body' in upload && upload.body)));
  const query = machine.queryKeysForUsers([new UserId(bob)]);
  const queried = { device_keys: { [bob]: { 2: theirs.device_keys } }, failures: {} };
  await machine.markRequestAsSent(query.id, query.type, JSON.stringify(queried));
  const claim = await machine.getMissingSessions([new UserId(bob)]);
  const [keyId, oneTimeKey] = Object.entries(theirs.one_time_keys)[0] ?? [];
  const claimed = { one_time_keys: { [bob]: { 2: { [String(keyId)]: oneTimeKey } } }, failures: {} };
  await machine.markRequestAsSent(claim?.id ?? '', wasm.RequestType.KeysClaim, JSON.stringify(claimed));
  const settings = new wasm.EncryptionSettings();
  settings.sharingStrategy = wasm.CollectStrategy.allDevices();
  settings.rotationPeriodMessages = 10_000n;
  const requests = await machine.shareRoomKey(new RoomId(room), [new UserId(bob)], settings);
  const events = requests.map(({ body, event_type: type }) => ({
    type,
    sender: alice,
    content: JSON.parse(body).messages[bob]['2'],
  }));
  for (const { id, type } of requests) await machine.markRequestAsSent(id, type, '{}');
  close();
  const none = new wasm.DeviceLists();
  await receiver.receiveSyncChanges(JSON.stringify(events), none, new Map([['signed_curve25519', 50]]));
  const back = receiver.queryKeysForUsers([new UserId(alice)]);
  const answer = { device_keys: { [alice]: { 1: own.device_keys } }, failures: {} };
  await receiver.markRequestAsSent(back.id, back.type, JSON.stringify(answer));
}

async function decrypt(receiver: wasm.OlmMachine, line: string): Promise<string> {
  const event = {
    type: 'm.room.encrypted',
    event_id: '$1',
    sender: alice,
    origin_server_ts: 1,
    content: JSON.parse(line),
  };
  const settings = new wasm.DecryptionSettings(wasm.TrustRequirement.Untrusted);
  return (await receiver.decryptRoomEvent(JSON.stringify(event), new RoomId(room), settings)).event;
}

// Megolm's message: version byte, then field 1 (tag 8) = the index as a varint.
function messageIndex(line: string): number {
  const bytes = Buffer.from(JSON.parse(line).ciphertext, 'base64');
  let index = 0;
  for (let at = 2, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] ?? 0;
    index |= (byte & 0x7f) << shift;
    if (byte < 0x80) return index;
  }
}
