// Entries: they open where they belong and nowhere else, and whoever knows the crypto library's public backup key can forge none.
import { beforeAll, describe, expect, test } from 'vitest';
import { BackupSession } from '#proto/gen/backup.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { limits } from '#proto/rules/limits.ts';
import type { SessionSecret } from '../crypto/keeping.ts';
import { openEntries, sealEntry } from './entry.ts';
import { type BackupKeys, backupKeys, newBackupKey, seal } from './sealing.ts';

const owner = { user: '@alice:lux', version: 3 };
const room = '!room:lux';
let keys: BackupKeys;

beforeAll(async () => {
  keys = await backupKeys(newBackupKey());
});

describe('an entry', () => {
  test('opens as it was sealed, with and without a sender', async () => {
    for (const secret of [secretOf(1), { ...secretOf(2), sender: undefined }]) {
      const { sessions, refused } = await openEntries(keys.seal, owner, [await sealEntry(keys.seal, owner, secret)]);
      expect({ sessions, refused }).toEqual({ sessions: [secret], refused: 0 });
    }
  });

  test('of a real size fits the limit with room to spare', async () => {
    const { sealed } = await sealEntry(keys.seal, owner, secretOf(1));
    expect(sealed.length).toBeLessThan(limits.backupEntryBytesMax / 4);
  });

  test('is opened up to the size that a server keeps', async () => {
    const secret = secretOf(1);
    const { sealed } = await sealEntry(keys.seal, owner, secret);
    const padded = (bytes: number) => ({ ...secret, json: jsonOf(1, `,"x":"${'x'.repeat(bytes)}"`) });
    const spare = limits.backupEntryBytesMax - sealed.length - ',"x":""'.length;
    const most = await sealEntry(keys.seal, owner, padded(spare));
    expect(most.sealed.length).toBe(limits.backupEntryBytesMax);
    expect((await openEntries(keys.seal, owner, [most])).refused).toBe(0);
    const over = await sealEntry(keys.seal, owner, padded(spare + 1));
    expect((await openEntries(keys.seal, owner, [over])).refused).toBe(1);
  });
});

describe('a server', () => {
  test.each([
    ['another room', { room: '!other:lux' }, owner],
    ['another session', { session: idOf(9) }, owner],
    ['another user', {}, { ...owner, user: '@bob:lux' }],
    ['another version of the backup', {}, { ...owner, version: 4 }],
  ])('that shows an entry as one of %s has it refused', async (_, change, asked) => {
    const entry = { ...(await sealEntry(keys.seal, owner, secretOf(1))), ...change };
    expect(await openEntries(keys.seal, asked, [entry])).toEqual({ sessions: [], refused: 1 });
  });

  test('that alters or cuts an entry has it refused, wherever it is, and the others open', async () => {
    const good = await sealEntry(keys.seal, owner, secretOf(1));
    const { sealed } = good;
    const bad = [0, 12, 100, sealed.length - 1].map((at) => sealed.with(at, (sealed[at] ?? 0) ^ 1));
    const cut = [0, 1, 27, 28, sealed.length - 1].map((length) => sealed.slice(0, length));
    const entries = [...bad, ...cut].map((bytes) => ({ ...good, sealed: bytes }));
    const { sessions, refused } = await openEntries(keys.seal, owner, [...entries, good]);
    expect(refused).toBe(entries.length);
    expect(sessions).toHaveLength(1);
  });

  test('that makes an entry under a key of its own has it refused', async () => {
    const other = await backupKeys(newBackupKey());
    const forged = await sealEntry(other.seal, owner, secretOf(1));
    expect((await openEntries(keys.seal, owner, [forged])).refused).toBe(1);
  });

  test('that puts a header where an entry belongs has it refused', async () => {
    const { json } = secretOf(1);
    const plain = BackupSession.encode({
      sessionJson: json,
      sender: '',
      senderDevice: '',
      senderKey: new Uint8Array(0),
    }).finish();
    const place = { ...owner, room, session: idOf(1) };
    const as = async (kind: 'header' | 'entry') => {
      const sealed = await seal(keys.seal, kind, place, plain);
      return (await openEntries(keys.seal, owner, [{ room, session: idOf(1), sealed }])).refused;
    };
    expect([await as('header'), await as('entry')]).toEqual([1, 0]);
  });
});

describe('an entry that contradicts itself is refused, though an own device sealed it:', () => {
  const alice = secretOf(1).sender!;
  test.each([
    ['a sender whose key is not the session’s', { sender: { ...alice, key: new Uint8Array(32).fill(8) } }],
    ['a sender without a device', { sender: { ...alice, device: '' } }],
    ['a device without a sender', { sender: { ...alice, user: '' } }],
    ['a key of another length', { sender: { ...alice, key: new Uint8Array(31) } }],
    ['another session than it is filed under', { json: jsonOf(2) }],
    ['a session key cut short', { json: new TextEncoder().encode('{"session_key":"AQAA"}') }],
    ['no JSON', { json: new TextEncoder().encode('{') }],
  ])('%s', async (_, change) => {
    const sealed = await sealEntry(keys.seal, owner, { ...secretOf(1), ...change });
    expect((await openEntries(keys.seal, owner, [sealed])).refused).toBe(1);
  });
});

/** As the crypto library exports a session: version, index, ratchet, public key. */
function jsonOf(seed: number, more = ''): Uint8Array {
  const key = new Uint8Array(165).fill(7);
  key.fill(seed, 133);
  const text = `{"algorithm":"m.megolm.v1.aes-sha2","sender_key":"${toBase64(new Uint8Array(32).fill(5))}","session_key":"${toBase64(key)}"${more}}`;
  return new TextEncoder().encode(text);
}

function idOf(seed: number): string {
  return toBase64(new Uint8Array(32).fill(seed));
}

function secretOf(seed: number): SessionSecret {
  const sender = { user: '@bob:lux', device: 'PHONE', key: new Uint8Array(32).fill(5) };
  return { room, sessionId: idOf(seed), json: jsonOf(seed), sender };
}
