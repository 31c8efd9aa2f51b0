// Backups over real sockets: a whole node on its embedded store, people who log in and step up through the stand-in LuxID, frames made by hand.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Identity } from '#bench/lib/identity.ts';
import { RawClient, Rejected } from '#bench/lib/raw-client.ts';
import { completeStepUp, type LoggedIn, startLogin } from '#client/connection/login.ts';
import { standInLogin, walkStandIn } from '#client/node/stand-in-walk.ts';
import { type Grant, InboxPage } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { backupHash } from '#proto/rules/bytes/hash.ts';
import { freePort } from '../../../deploy/dev/ports.ts';
import { type LuxId, startLuxId } from '../../luxid/luxid.ts';
import { readConfig } from '../config.ts';
import { nodePrimitives } from '../primitives.ts';
import { type Provider, startProvider } from '../provider.ts';

const folder = mkdtempSync(join(tmpdir(), 'backups-'));
const header = new TextEncoder().encode('sealed header');
const room = `!g${'a'.repeat(32)}:localhost`;
const none = new Uint8Array();
const redirect = 'http://127.0.0.1:9/walk';
let port = 0;
let luxid: LuxId;
let provider: Provider;

async function start(): Promise<void> {
  const args = ['--port', String(port), '--ops-port', '0', '--drain-seconds', '0', '--data', folder];
  args.push('--logins-per-minute', '1000');
  provider = await startProvider(readConfig({ args, env: {} }), {
    luxid: async () => ({ issuer: luxid.issuer, clientId: 'luxchat' }),
    lost: () => {},
  });
}

const walker = (name: string) => ({
  ...{ user: name, password: 'moien-moien', askCode: () => luxid.lastCodeFor(name) ?? '' },
});
const logIn = (name: string) => standInLogin({ server: provider.url }, { ...walker(name), deviceName: 'test' });
const stepUp = async (name: string, { accessToken }: LoggedIn, purpose: 'backup' | 'identity' = 'backup') => {
  const at = { server: provider.url };
  const { authorizeUrl, verifier } = await startLogin(at, { redirect, client: 'terminal', purpose });
  const login = await walkStandIn({ ...walker(name), authorizeUrl, redirect });
  return completeStepUp(at, { login, verifier, accessToken });
};
const open = ({ accessToken }: { accessToken: string }) => RawClient.open(port, { accessToken });
const code = (refused: Promise<unknown>) =>
  refused.then(
    () => 'fine',
    (error) => (error instanceof Rejected ? error.code : error),
  );
const entries = (from: number, count: number, bytes: number) =>
  Array.from({ length: count }, (_, n) => ({
    room,
    session: `s${String(from + n).padStart(5, '0')}`,
    sealed: new Uint8Array(bytes).fill(n),
  }));

beforeAll(async () => {
  port = await freePort();
  const redirects = [`http://127.0.0.1:${port}/auth/callback`];
  luxid = await startLuxId({ port: 0, folder: join(folder, 'luxid'), redirects, openUsers: true });
  await start();
});
afterAll(async () => {
  await provider.drain();
  await luxid.close();
  rmSync(folder, { recursive: true, force: true });
});

it('is written by one device, survives a restart, and is read by the next device of the same person alone', async () => {
  const ann = await logIn('ann');
  const first = await open(ann);
  const nothing = await first.ask({ $case: 'checkBackup', value: {} }, 'backup');
  expect(nothing).toMatchObject({ version: 0, lastVersion: 0, entries: 0 });
  await first.enrol(new Identity(ann));

  const create = (grant: Grant) => first.ask({ $case: 'createBackup', value: { grant, header, version: 1 } }, 'done');
  const grant = await stepUp('ann', ann);
  expect(await code(create({ ...grant, token: `lxg_${'x'.repeat(43)}` }))).toBe(Rejection.REJECTION_FORBIDDEN);
  expect(await code(create(await stepUp('ann', ann, 'identity')))).toBe(Rejection.REJECTION_FORBIDDEN);
  await create(grant);
  // The answer was lost; and nothing else can be had with the same grant.
  await create(grant);
  const other = first.ask({ $case: 'fetchBackup', value: { grant } }, 'backup');
  expect(await code(other)).toBe(Rejection.REJECTION_FORBIDDEN);
  const put = (version: number, all: ReturnType<typeof entries>) =>
    first.ask({ $case: 'putBackup', value: { version, entries: all } }, 'done');
  expect(await code(put(2, entries(0, 1, 10)))).toBe(Rejection.REJECTION_STALE_STATE);
  // As a device uploads: several requests under way.
  await Promise.all(Array.from({ length: 5 }, (_, n) => put(1, entries(n * 60, 60, 900))));
  expect(await code(put(1, [{ room, session: 'no', sealed: none }]))).toBe(Rejection.REJECTION_BAD_REQUEST);

  await provider.drain();
  await start();

  // A new device of the same person: in no manifest, so that it may read and not write.
  const annAgain = await logIn('ann');
  const second = await open(annAgain);
  const known = await second.ask({ $case: 'checkBackup', value: {} }, 'backup');
  const hash = backupHash(header, nodePrimitives);
  expect({ ...known, hash: new Uint8Array(known.hash) }).toMatchObject({
    version: 1,
    header: none,
    hash,
    entries: 300,
  });
  const write = second.ask({ $case: 'putBackup', value: { version: 1, entries: entries(0, 1, 10) } }, 'done');
  expect(await code(write)).toBe(Rejection.REJECTION_STALE_MANIFEST);
  const fetch = (grant: Grant) => second.ask({ $case: 'fetchBackup', value: { grant } }, 'backup');
  expect(await code(fetch(await stepUp('ann', ann)))).toBe(Rejection.REJECTION_FORBIDDEN);
  expect(new Uint8Array((await fetch(await stepUp('ann', annAgain))).header)).toEqual(header);

  const read = [];
  for (let after = '', pages = 0; pages === 0 || after !== ''; pages++) {
    const page = await second.ask(
      { $case: 'listBackup', value: { version: 1, room: '', after, limit: 0 } },
      'backupPage',
    );
    // The client's buffer is read into again.
    read.push(...page.entries.map((each) => ({ ...each, sealed: new Uint8Array(each.sealed) })));
    after = page.next;
  }
  expect(read.map(({ session }) => session)).toEqual(entries(0, 300, 0).map(({ session }) => session));
  expect(read[61]?.sealed).toEqual(new Uint8Array(900).fill(1));

  const ben = await open(await logIn('ben'));
  expect(await ben.ask({ $case: 'checkBackup', value: {} }, 'backup')).toMatchObject({ version: 0 });
  const bens = ben.ask({ $case: 'listBackup', value: { version: 1, room: '', after: '', limit: 0 } }, 'backupPage');
  expect(await code(bens)).toBe(Rejection.REJECTION_STALE_STATE);

  const metrics = await (await globalThis.fetch(`${provider.opsUrl}/metrics`)).text();
  expect(metrics).toContain('luxchat_backup_requests_total{kind="fetchBackup.done"} 1');
  expect(metrics).toContain('luxchat_backup_requests_total{kind="fetchBackup.FORBIDDEN"} 1');
});

it('ends, and the next one has the next version and nothing of it', async () => {
  const cat = await logIn('cat');
  const client = await open(cat);
  const create = async (version: number) => {
    const grant = await stepUp('cat', cat);
    return client.ask({ $case: 'createBackup', value: { grant, header, version } }, 'done');
  };
  await create(1);
  await client.ask({ $case: 'putBackup', value: { version: 1, entries: entries(0, 3, 10) } }, 'done');
  const drop = { $case: 'dropBackup', value: { grant: await stepUp('cat', cat), version: 1 } } as const;
  await client.ask(drop, 'done');
  await client.ask(drop, 'done');
  expect(await client.ask({ $case: 'checkBackup', value: {} }, 'backup')).toMatchObject({ version: 0, lastVersion: 1 });
  expect(await code(create(1))).toBe(Rejection.REJECTION_STALE_STATE);
  await create(2);
  const page = await client.ask(
    { $case: 'listBackup', value: { version: 2, room: '', after: '', limit: 0 } },
    'backupPage',
  );
  expect(page).toMatchObject({ entries: [], next: '' });
});

it('keeps a device message as the bytes that came, whatever they are, and hands them out without making them longer', async () => {
  const [first, second] = [await logIn('dan'), await logIn('dan')];
  const [sender, receiver] = [await open(first), await open(second)];
  // No JSON, no UTF-8, and all values of a byte.
  const content = Uint8Array.from({ length: 45_000 }, (_, at) => (at * 167 + (at >> 8)) % 256);
  const id = new Uint8Array(16).fill(9);
  const message = { user: first.userId, device: second.deviceNumber, type: 'm.room.encrypted', content, id };
  await sender.ask({ $case: 'sendDeviceMessages', value: { room: '', messages: [message] } }, 'deliveryReport');
  const page = await receiver.ask({ $case: 'fetchInbox', value: { after: 0, limit: 100 } }, 'inboxPage');
  const said = page.entries.flatMap(({ body }) => (body?.$case === 'deviceMessage' ? [body.value] : []));
  expect(said.map((one) => Buffer.compare(one.content, content))).toEqual([0]);
  const others = page.entries.filter(({ body }) => body?.$case !== 'deviceMessage');
  const alone = InboxPage.encode({ ...page, entries: others }).finish().length;
  expect(InboxPage.encode(page).finish().length - alone).toBeLessThan(content.length + 200);
  for (const client of [sender, receiver]) client.wire.cut();
});
