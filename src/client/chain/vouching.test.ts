// New identities signed in: where, for whom, and never by what a server shows alone. Ben started over; this device is Ada's.
import { beforeEach, describe, expect, it } from 'vitest';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import type { Known } from '../devices/known.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { RoomReplica } from '../room/room.ts';
import type { HeldRoom } from '../room/rooms.ts';
import type { Statement } from './control-author.ts';
import { Vouching } from './vouching.ts';

const ben = '@ben:localhost';
const { MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_LEFT: left } = MemberStatus;
const none = new Uint8Array();
const [old, anew, adas, forged] = [1, 2, 3, 4].map((fill) => new Uint8Array(32).fill(fill)) as Uint8Array[] as [
  ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array],
];
const ada = '@ada:localhost';
const self = { user: ada, fingerprint: adas } as unknown as Known;

interface Setting {
  readonly direct?: boolean;
  readonly role?: Role;
  readonly bens?: MemberStatus;
  readonly named?: Uint8Array;
  readonly joined?: boolean;
  readonly identity?: RoomReplica['identity'];
  /** Whom the chain names as Ada; default: herself. */
  readonly ada?: Uint8Array;
  /** Who signed Ben's present identity in; default: nobody. */
  readonly by?: { readonly user: string; readonly fingerprint: Uint8Array } | undefined;
  readonly frozen?: string;
}

let signed: [string, Statement][];
let rooms: HeldRoom[];
let known: Known;
let fails: string[];
let failure: Error;
/** What comes between the wish to sign and the signature. */
let meanwhile: () => void;
let refusal: ClientError | undefined;
beforeEach(() => {
  signed = [];
  rooms = [];
  fails = [];
  failure = new ClientError('OFFLINE', 'no');
  meanwhile = () => {};
  refusal = undefined;
  known = benAs({ fingerprint: old, changedTo: anew, approved: false });
});

function benAs(some: Pick<Known, 'fingerprint' | 'changedTo' | 'approved'>): Known {
  return { user: ben, manifest: { body: { formerKeys: [old] } }, ...some } as unknown as Known;
}

/** A room of Ada, member 1, and Ben, member 2. */
function room(name: string, setting: Setting = {}): void {
  const { direct = false, role = Role.ROLE_ADMIN, bens = joined, named = old } = setting;
  const members = [
    { number: 1, role, status: joined },
    { number: 2, role: Role.ROLE_MEMBER, status: bens },
  ];
  let fingerprint = named;
  const replica = {
    room: name,
    own: 1,
    joined: setting.joined ?? true,
    identity: setting.identity ?? 'own',
    local: { frozen: setting.frozen ?? '' },
    ports: { parts: { user: ada, people: { get: () => self } } },
    chain: {
      state: { policy: { direct }, members: { get: (number: number) => members[number - 1] } },
      memberOf: (user: string) => (user === ben ? 2 : 1),
      person: (number: number) =>
        number === 2 ? { user: ben, fingerprint } : { user: ada, fingerprint: setting.ada ?? adas },
      renewedBy: () => setting.by,
    },
  };
  const control = async (make: (now: RoomReplica) => Statement | null) => {
    if (fails.includes(name)) throw failure;
    meanwhile();
    const statement = make(replica as unknown as RoomReplica);
    if (!statement) return;
    signed.push([name, statement]);
    fingerprint = statement.person?.fingerprint ?? fingerprint;
  };
  rooms.push({ replica, sender: { control } } as unknown as HeldRoom);
}

function approveBen(fingerprint: Uint8Array): boolean {
  if (refusal) throw refusal;
  if (known.approved) return false;
  known = benAs({ fingerprint, changedTo: none, approved: true });
  return true;
}

function vouching(): Vouching {
  const people = {
    get: (user: string) => (user === ada ? self : known),
    startedOver: () => [known],
    approvals: { approve: async (_: string, fingerprint: Uint8Array) => approveBen(fingerprint) },
  };
  const parts = { user: ada, people, count: () => {} } as unknown as Parts;
  return new Vouching(
    () => parts,
    () => ({ all: () => rooms }),
  );
}
const where = () => signed.map(([name]) => name);

describe('an identity that a person approves', () => {
  it('is signed in in the 1:1 room and in groups that one leads, whether the other is joined or invited', async () => {
    room('direct', { direct: true });
    room('led');
    room('asked', { bens: invited });
    expect(await vouching().approve(ben, anew)).toBe(true);
    expect(where()).toEqual(['direct', 'led', 'asked']);
    const [, { kind, target, person }] = signed[0]!;
    expect([kind, target, person?.user]).toEqual([ControlKind.CONTROL_KIND_IDENTITY, 2, ben]);
    expect(equalBytes(person!.fingerprint, anew)).toBe(true);
  });

  it.each([
    ['one is a plain member', { role: Role.ROLE_MODERATOR }],
    ['the other has left', { bens: left }],
    ['it is named already', { named: anew }],
    ['one has left oneself', { joined: false }],
    ['one waits to be signed in oneself', { identity: 'former' }],
  ] as const)('is not signed in where %s', async (_, setting) => {
    room('there', setting);
    expect(await vouching().approve(ben, anew)).toBe(true);
    expect(signed).toEqual([]);
  });

  it('is signed in later where that could not be now, and then once', async () => {
    room('away');
    room('led');
    fails = ['away'];
    const vouches = vouching();
    expect(await vouches.approve(ben, anew)).toBe(true);
    expect(where()).toEqual(['led']);
    fails = [];
    await vouches.follow();
    await vouches.follow();
    expect(where()).toEqual(['led', 'away']);
    expect(await vouches.approve(ben, anew)).toBe(false);
  });
});

it.each([
  ['a store that cannot be written', new ClientError('STORE', 'full')],
  ['the end of the client', new ClientError('CLOSED', 'closed')],
  ['a bug', new TypeError('undefined')],
])('%s is not passed over: the person hears of it, and nothing more is tried', async (_, error) => {
  room('away');
  room('led');
  fails = ['away'];
  failure = error;
  await expect(vouching().approve(ben, anew)).rejects.toBe(error);
  await expect(vouching().follow()).rejects.toBe(error);
  expect(signed).toEqual([]);
});

// An admin's device that a server keeps in the dark would else bring back an identity that its owner has given up.
it('does not sign an approved identity in over one that came after it', async () => {
  known = benAs({ fingerprint: anew, changedTo: none, approved: true });
  room('further', { named: forged });
  room('waits');
  await vouching().follow();
  expect(where()).toEqual(['waits']);
});

it('signs in nothing more once there is another identity', async () => {
  room('slow');
  room('next');
  meanwhile = () => {
    known = benAs({ fingerprint: anew, changedTo: forged, approved: false });
  };
  await vouching().approve(ben, anew);
  expect(signed).toEqual([]);
});

it('lets a person know where what they saw is not what could be approved, and signs nothing in', async () => {
  room('led');
  refusal = new ClientError('OFFLINE', 'no');
  await expect(vouching().approve(ben, anew)).rejects.toMatchObject({ code: 'OFFLINE' });
  room('direct', { direct: true, named: anew, by: { user: ada, fingerprint: adas } });
  await vouching().follow();
  expect([signed, known.approved]).toEqual([[], false]);
});

describe('an identity that nobody approved here', () => {
  it('is signed in nowhere, whatever a server shows and whoever signed it into a group', async () => {
    room('direct', { direct: true });
    room('led');
    room('theirs', { role: Role.ROLE_MEMBER, named: anew });
    await vouching().follow();
    expect([signed, known.approved]).toEqual([[], false]);
  });

  // A new device of Ada's, or one that meets Ben for the first time, took whatever identity it was shown first for one that Ada approved, and signed it in.
  it('is signed in nowhere though this device never knew another one, and everywhere once a person approves it', async () => {
    known = benAs({ fingerprint: anew, changedTo: none, approved: false });
    room('direct', { direct: true });
    room('led');
    const vouches = vouching();
    await vouches.follow();
    expect([signed, known.approved]).toEqual([[], false]);
    expect(await vouches.approve(ben, anew)).toBe(true);
    expect(where()).toEqual(['direct', 'led']);
  });

  const signedByAda = { direct: true, named: anew, by: { user: ada, fingerprint: adas } };

  it('counts as approved where an own device signed it into the 1:1 room, which nobody else can', async () => {
    room('direct', signedByAda);
    room('led');
    await vouching().follow();
    expect([where(), known.approved]).toEqual([['led'], true]);
  });

  it('counts so for a device, too, that never knew another one', async () => {
    known = benAs({ fingerprint: anew, changedTo: none, approved: false });
    room('direct', signedByAda);
    room('led');
    await vouching().follow();
    expect([where(), known.approved]).toEqual([['led'], true]);
  });

  // A server makes a 1:1 room by itself, with both identities that it likes, or lets a partner that it made up bring himself in.
  it.each([
    ['it came with its member', { by: undefined }],
    ["another identity of one's own signed it in", { by: { user: ada, fingerprint: forged } }],
    ['whoever signed is not oneself', { by: { user: ben, fingerprint: adas } }],
    ["the chain names another identity of one's own", { ada: forged }],
    ['another one was signed in', { named: forged }],
    ['one is not in', { joined: false }],
    ['the room is frozen', { frozen: 'HISTORY_FORKED' }],
    ['the room is a group', { direct: false }],
  ] as const)('does not count as approved where %s', async (_, setting) => {
    room('there', { ...signedByAda, ...setting, role: Role.ROLE_MEMBER });
    room('led');
    await vouching().follow();
    expect([signed, known.approved]).toEqual([[], false]);
  });
});
