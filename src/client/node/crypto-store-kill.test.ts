// The promise that matters most: a process killed at any moment between encrypting and sending never leaves a step of a
// ratchet to be used twice. Real processes, real SIGKILL, the moments drawn from a seed: TALK_SEED=<seed> draws others.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '#actors/log/testing/random.ts';
import { MemoryLedger } from '../crypto/ledger.ts';
import { bodyStep } from '../crypto/olm/decryption.ts';
import { alice, bob, room, TestWorld, wide } from '../crypto/test-world.ts';
import { openOnFolder, startVictim } from './crypto-store-fixture.ts';
import type { VictimTask } from './crypto-store-victim.ts';

const kills = 15;
const seed = Number(process.env.TALK_SEED ?? 4711);
let folder: string;
let world: TestWorld;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crypto-kill-'));
  world = new TestWorld();
});
afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

test(`hands out no (session, index) twice over ${kills} kills, and the receiver decrypts all (seed ${seed})`, async () => {
  const random = new Random(seed);
  const receiver = await world.device(bob, '2', { first: true });
  const task = await prepare();
  await receiver.track([alice]);
  await world.receive(receiver);
  const sent: string[] = [];
  for (let round = 0; round < kills; round += 1) {
    const victim = startVictim(folder, task);
    expect((await victim.lines.next()).value).toBe('ready');
    const wanted = random.below(40);
    for (let n = 0; n < wanted; n += 1) sent.push(String((await victim.lines.next()).value));
    victim.kill();
    // What it wrote before it died was sent, too. Only a last line without its end was not.
    for await (const line of { [Symbol.asyncIterator]: () => victim.lines }) if (line.endsWith('}')) sent.push(line);
    await victim.ended;
  }
  const steps = sent.map((line) => bodyStep(Buffer.from(line)));
  expect(sent.length).toBeGreaterThan(kills);
  expect(new Set(steps.map((step) => JSON.stringify(step))).size).toBe(sent.length);
  expect(new Set(steps.map((step) => step?.sessionId)).size).toBe(1);
  for (const [at, line] of sent.entries()) {
    const read = await receiver.decrypt({ room, sender: alice, eventId: String(at), body: Buffer.from(line) });
    expect(read.ok && new TextDecoder().decode(read.plaintext)).toBe('a secret canary');
  }
});

test('holds neither message text nor private keys in the clear in any file', async () => {
  await world.device(bob, '2', { first: true });
  await prepare();
  const { store, close } = await openOnFolder(folder, { user: alice, device: '1', server: world.server });
  const handle = await wasm.StoreHandle.openWithKey(store.name, store.key);
  const olm = await wasm.OlmMachine.initFromStore(new wasm.UserId(alice), new wasm.DeviceId('1'), handle);
  const rooms = JSON.parse(await olm.exportRoomKeys(() => true)) as { session_key: string }[];
  const seeds = await olm.exportCrossSigningKeys();
  olm.close();
  await close();
  expect(rooms).toHaveLength(1);
  const secrets = [
    Buffer.from('a secret canary'),
    ...rooms.flatMap(({ session_key }) => bothForms(session_key, 40)),
    ...[seeds?.masterKey, seeds?.self_signing_key, seeds?.userSigningKey].flatMap((seed) => bothForms(seed ?? '', 0)),
  ];
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    for (const secret of secrets) expect(bytes.includes(secret), `${name} holds a secret`).toBe(false);
  }
});

/** Makes the sender's identity and a session in the folder, sends one message, and closes it all. */
async function prepare(): Promise<VictimTask> {
  const ledger = new MemoryLedger();
  const { engine, close } = await openOnFolder(folder, { user: alice, device: '1', server: world.server, ledger });
  await engine.flush();
  await engine.createIdentity();
  const recipients = world.server.recipients(alice, bob);
  const plaintext = Buffer.from('a secret canary');
  await engine.encrypt({ room, recipients, plaintext, rotation: wide });
  const began = await ledger.sessionBegan(room);
  await engine.flush();
  await close();
  if (began === undefined) throw new Error('the ledger was told of no session');
  return { user: alice, device: '1', room, recipients, began };
}

// A secret as the text it is exported as, and raw (of a room key the ratchet, behind its version and index).
function bothForms(base64: string, skip: number): Buffer[] {
  expect(base64.length).toBeGreaterThan(40);
  return [Buffer.from(base64.slice(skip, skip + 40)), Buffer.from(base64, 'base64').subarray(5, 31)];
}
