// Control entries that are refused, at least one for each reason in the closed list. Everything but the one thing that is wrong is right, signatures
// included; everyone of `cast` is known. For tests and `make.ts` only.
import { ControlBody, type ControlEntry, ControlKind, Role } from '../gen/record.ts';
import { toHex } from '../rules/bytes/base.ts';
import { asciiBytes, concatBytes, utf8Text } from '../rules/bytes/bytes.ts';
import { controlTextToSign, manifestTextToSign } from '../rules/bytes/hash.ts';
import type { ControlFault } from '../rules/control/fault.ts';
import { bodyAfter, bytesOf, keyPair, signBody, testPrimitives, type Wish } from './cast.ts';
import { ada, ben, cid } from './people.ts';
import { groupPolicy, Story } from './story.ts';

const K = ControlKind;
const adaKeys = ada.device(1).keys;
/** Fields of a later version, enough to pass a limit of 2 KiB. */
const ballast = { 7994: [concatBytes(Uint8Array.of(0xff, 0x0f), new Uint8Array(2_047))] };

/** Who is known in the chains below: member number, person, and the credential of device 1. */
export function cast() {
  return [ada, ben, cid].map((actor, index) => {
    const { user, salt, fingerprint } = actor.person(index + 1);
    const { deviceJson, selfSigningJson } = actor.credential(index + 1, 1);
    const json = { deviceJson: utf8Text(deviceJson), selfSigningJson: utf8Text(selfSigningJson) };
    return { member: index + 1, user, salt: toHex(salt), fingerprint: toHex(fingerprint), device: 1, ...json };
  });
}

const group = Story.group(ada);
group.join(1, ben, Role.ROLE_ADMIN);
const direct = Story.direct(ada, ben);
const begun = direct.fork();
direct.join(1, ben);
for (const story of [group, direct, begun]) story.know(3, cid);
const stories = { group, direct, begun };

/**
 * The chains after which an entry of `refusedEntries` is refused: a group of Ada (owner) and Ben (admin); the 1:1 room of the two, both joined; the
 * same as Ada began it; and nothing.
 */
export function chainsBefore() {
  const told = ({ room, entries }: Pick<Story, 'room' | 'entries'>) => {
    return { room, entries: entries.map(({ seq, entry }) => ({ seq, ...hexEntry(entry) })) };
  };
  const none = { room: group.room, entries: [] };
  return {
    group: told(group),
    direct: told(direct),
    begun: told({ ...begun, entries: direct.entries.slice(0, 1) }),
    none: told(none),
  };
}

type Chain = keyof ReturnType<typeof chainsBefore>;

/** An entry that is refused after a chain, at the next seq. */
export interface RefusedEntry {
  readonly name: string;
  readonly chain: Chain;
  readonly signed: string;
  readonly signature: string;
  readonly fault: ControlFault;
}

/** Entries by reason. */
export function refusedEntries(): RefusedEntry[] {
  const refused: RefusedEntry[] = [];
  const add = (fault: ControlFault, name: string, entry: ControlEntry, chain: Chain = 'group') =>
    refused.push({ name, chain, ...hexEntry(entry), fault });
  const wish = (
    fault: ControlFault,
    name: string,
    actor: number,
    wanted: Wish,
    chain: keyof typeof stories = 'group',
  ) => add(fault, name, stories[chain].sign(actor, wanted), chain);
  const invite = { kind: K.CONTROL_KIND_INVITE, target: 3, role: Role.ROLE_MEMBER, person: cid.commitment };
  const good = group.sign(1, invite);
  const raw = (signed: Uint8Array): ControlEntry => ({
    signed,
    signature: adaKeys.sign(asciiBytes(controlTextToSign(signed, testPrimitives))),
  });
  const genesis = group.entries[0]!.entry;
  const genesisWith = (change: Partial<ControlBody>) =>
    signBody({ ...ControlBody.decode(genesis.signed), ...change }, adaKeys);

  add('MALFORMED', 'a field twice', raw(concatBytes(good.signed, Uint8Array.of(0x28, 1))));
  add('MALFORMED', 'a default spelled out', raw(concatBytes(good.signed.subarray(0, -8), Uint8Array.of(0x78, 0))));
  add('MALFORMED', 'cut', raw(good.signed.subarray(0, -1)));
  add('MALFORMED', 'over 2 KiB', group.sign(1, { ...invite, _unknownFields: ballast }));
  add('MALFORMED', 'a signature of 63 bytes', { ...good, signature: good.signature.subarray(1) });
  wish('MALFORMED', 'an invitation without a role', 1, { ...invite, role: 0 });
  wish('MALFORMED', 'a role that there is not', 1, { ...invite, role: 99 as Role });
  wish('MALFORMED', 'a part of another kind', 2, { kind: K.CONTROL_KIND_LEAVE, target: 2, nonce: bytesOf('n', 16) });
  wish('MALFORMED', 'leaving for another', 2, { kind: K.CONTROL_KIND_LEAVE, target: 1 });
  wish('UNKNOWN_KIND', 'a kind of a later version', 1, { kind: 999 as ControlKind, target: 2 });
  wish('WRONG_ROOM', 'of another room', 1, { ...invite, room: direct.room });
  add('WRONG_ROOM', 'a genesis of another id', genesisWith({ nonce: bytesOf('other', 16) }), 'none');
  wish('WRONG_NUMBER', 'two above the last', 1, { ...invite, number: 5 });
  wish('WRONG_PREVIOUS', 'after another past', 1, { ...invite, previousHash: bytesOf('elsewhere') });
  add('WRONG_PREVIOUS', 'a genesis with a past', genesisWith({ previousHash: bytesOf('x') }), 'none');
  add('ALREADY_CREATED', 'a second genesis', genesis);
  add('NOT_CREATED', 'before the genesis', group.entries[1]!.entry, 'none');
  wish('MISSING_PERSON', 'a newcomer without a Person', 1, { ...invite, person: bytesOf('nobody') });
  wish('WRONG_PERSON', 'the identity of another user', 1, {
    kind: K.CONTROL_KIND_IDENTITY,
    target: 2,
    person: cid.commitment,
  });
  add('MISSING_CREDENTIAL', 'a key that nothing proves', stray(invite));
  add('WRONG_CREDENTIAL', 'a genesis for another person', genesisWith({ person: ben.commitment }), 'none');
  add('BAD_SIGNATURE', 'one bit', {
    ...good,
    signature: good.signature.map((byte, at) => (at === 5 ? byte ^ 1 : byte)),
  });
  add('BAD_SIGNATURE', 'signed as a manifest', {
    ...good,
    signature: adaKeys.sign(asciiBytes(manifestTextToSign(good.signed, testPrimitives))),
  });
  add('WRONG_PROVIDER', 'a departure signed by nobody known', departure());
  wish('NO_STANDING', 'by one who has no number', 3, { kind: K.CONTROL_KIND_POLICY, policy: groupPolicy });
  wish('NO_STANDING', 'accepted without an invitation', 2, { kind: K.CONTROL_KIND_ACCEPT, target: 2 });
  wish('ROLE_TOO_LOW', 'an admin removes the owner', 2, { kind: K.CONTROL_KIND_REMOVE, target: 1 });
  wish('ROLE_TOO_LOW', 'an admin moves the hub', 2, {
    kind: K.CONTROL_KIND_HUB,
    hub: { provider: 'beta.lu', epoch: 2 },
  });
  wish('WRONG_TARGET', 'not the next free number', 1, { ...invite, target: 4 });
  wish('WRONG_STATUS', 'unbanned without a ban', 1, { kind: K.CONTROL_KIND_UNBAN, target: 2 });
  wish('WRONG_ROLE', 'the role that he has', 1, { kind: K.CONTROL_KIND_ROLE, target: 2, role: Role.ROLE_ADMIN });
  wish('SECOND_NUMBER', 'a member once more', 1, { ...invite, person: ben.commitment });
  wish('WRONG_PAIR', 'a stranger for the partner', 1, { ...invite, target: 2, role: Role.ROLE_ADMIN }, 'begun');
  wish('MEMBERS_FULL', 'a third one', 1, { ...invite, role: Role.ROLE_ADMIN }, 'direct');
  wish('LAST_OWNER', 'the last owner leaves others behind', 1, { kind: K.CONTROL_KIND_LEAVE, target: 1 });
  for (const membersMax of [1, 10_001]) {
    const policy = { ...groupPolicy, membersMax };
    wish('BAD_POLICY', `room for ${membersMax}`, 1, { kind: K.CONTROL_KIND_POLICY, policy });
  }
  wish('DIRECT_FIXED', 'removed from a room of two', 1, { kind: K.CONTROL_KIND_REMOVE, target: 2 }, 'direct');
  wish('WRONG_HUB', 'two epochs on', 1, { kind: K.CONTROL_KIND_HUB, hub: { provider: 'beta.lu', epoch: 3 } });
  wish('WRONG_STATE', 'a checkpoint of nothing', 1, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash: bytesOf('state') });
  return refused;
}

/** Signed well, by a key that belongs to nobody. */
function stray(wish: Wish): ControlEntry {
  const keys = keyPair('stray');
  return signBody({ ...bodyAfter(group.state, ada, wish), deviceKey: keys.publicKey }, keys);
}

function departure(): ControlEntry {
  const keys = keyPair('provider of nobody');
  const wish = { kind: K.CONTROL_KIND_DEPART, actor: 0, device: 0, target: 2 };
  return signBody({ ...bodyAfter(group.state, ada, wish), deviceKey: keys.publicKey }, keys);
}

function hexEntry({ signed, signature }: ControlEntry): { signed: string; signature: string } {
  return { signed: toHex(signed), signature: toHex(signature) };
}
