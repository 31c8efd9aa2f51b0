// What the provider keeps of this user, gathered from every request that shows some of it, as plain data: `record.json` of an export. What it keeps and shows
// to nobody is named in README.txt (export-files.ts).
import type { AccountFacts, KeptStanding } from '#proto/gen/client.ts';
import { ListingChoice } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { isRejection } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { exportVersion, nameOf } from './export-files.ts';

type Asking = Pick<Parts, 'request' | 'user' | 'now'>;

/** Rejects as requests do. Backups and the directory may be missing at a provider: then null. */
export async function accountRecord(parts: Asking): Promise<Readonly<Record<string, unknown>>> {
  const { request, user } = parts;
  const { facts, standings } = await kept(parts);
  const { devices } = await request({ $case: 'listDevices', value: {} }, 'deviceList');
  const keys = await request(
    { $case: 'queryKeys', value: { room: '', users: [user], manifestsAbove: 0 } },
    'keysAnswer',
  );
  const own = keys.users.find((each) => each.user === user);
  const listing = await orNone(request({ $case: 'readListing', value: {} }, 'listing'));
  const backup = await orNone(request({ $case: 'checkBackup', value: {} }, 'backup'));
  return {
    ...{ format: exportVersion, user, atMs: parts.now(), createdMs: facts?.createdMs ?? 0 },
    devices: devices.map(({ device, deviceId, name, lastSeenDay, current }) => {
      const cursor = facts?.cursors.find((each) => each.device === device);
      return { device, deviceId, name, lastSeenDay, current, inbox: cursor && { ...cursor, device: undefined } };
    }),
    removedDevices: facts?.removedDevices ?? [],
    publicKeys: {
      master: jsonOf(own?.masterJson),
      selfSigning: jsonOf(own?.selfSigningJson),
      userSigning: jsonOf(own?.userSigningJson),
      devices: (own?.devices ?? []).map(({ device, deviceJson }) => ({ device, keys: jsonOf(deviceJson) })),
      listOfDevices: facts?.manifest && { version: facts.manifest.version, hash: toHex(facts.manifest.hash) },
    },
    listing: listing && { choice: nameOf(ListingChoice, listing.choice), name: listing.name },
    backup: backup && {
      ...{
        version: backup.version,
        entries: backup.entries,
        lastVersion: backup.lastVersion,
        hash: toHex(backup.hash),
      },
    },
    blocks: await blocks(parts),
    rooms: standings.map(({ standing, sinceMs }) => ({
      ...{
        room: standing?.room,
        member: standing?.member,
        direct: standing?.direct,
        byUser: standing?.byUser,
        sinceMs,
      },
      role: nameOf(Role, standing?.role ?? 0),
      status: nameOf(MemberStatus, standing?.status ?? 0),
    })),
    inbox: { head: facts?.inboxHead, oldest: facts?.inboxFloor },
    sendersRemembered: facts?.senders ?? [],
    limitsInUse: facts?.limits ?? [],
  };
}

async function kept({ request }: Asking): Promise<{ facts: AccountFacts | undefined; standings: KeptStanding[] }> {
  const standings: KeptStanding[] = [];
  let facts: AccountFacts | undefined;
  for (let after = ''; ; ) {
    const page = await request({ $case: 'readAccount', value: { after } }, 'accountRecord');
    facts ??= page.facts;
    standings.push(...page.standings);
    if (page.next === '' || page.next <= after) return { facts, standings };
    after = page.next;
  }
}

async function blocks({ request }: Asking): Promise<object[]> {
  const all: object[] = [];
  for (let after = ''; ; ) {
    const page = await request({ $case: 'listBlocks', value: { after } }, 'blockList');
    all.push(...page.blocks.map(({ user, spans }) => ({ user, spans })));
    if (page.next === '' || page.next <= after) return all;
    after = page.next;
  }
}

/** Null where the provider does not have such a thing. */
function orNone<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((error) => {
    if (isRejection(error, Rejection.REJECTION_UNSUPPORTED)) return null;
    throw error;
  });
}

/** As it was signed, or nothing. */
function jsonOf(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined || bytes.length === 0) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // No JSON.
    return null;
  }
}
