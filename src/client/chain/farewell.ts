// What becomes of a group when the one who leads it goes for good: its only owner can't leave while others are in, and where no admin is left nobody ever signs a
// CHECKPOINT, so that the room would know for ever who was behind that number.
// Guarantees: somebody leads it on who is in it already, or nobody is in it any more; no bot is put in charge. Does not: leave the room; outlast a refusal, after
// which the same may be begun again.
import { ControlKind, MemberStatus, type Role } from '#proto/gen/record.ts';
import { leads } from '#proto/rules/control/standing.ts';
import type { People } from '../devices/people.ts';
import type { RoomReplica } from '../room/room.ts';
import type { RoomSender } from '../sending/sending.ts';
import type { MemberInfo } from '../shown.ts';

/** Members whom the server is asked about, whether their accounts are still there. Where more are gone, the group stays as it is. */
export const askedMax = 5;
/** Bots, invited and erased ones that are taken out of a group that ends. Where more are in it, they stay. */
export const takenOutMax = 20;

/** How this user goes. */
export type Farewell =
  /** By leaving, and no more. `leads`: who leads it besides. */
  | { readonly how: 'leave'; readonly leads?: MemberInfo }
  /** Somebody else is given one's own role before. */
  | { readonly how: 'handOver'; readonly to: MemberInfo; readonly role: Role }
  /** Nobody is there who could lead it: whoever else is listed is taken out before. Their numbers. */
  | { readonly how: 'end'; readonly takenOut: readonly number[] };

/** What it looks at of a room. */
export type FarewellRoom = Pick<RoomReplica, 'room' | 'chain' | 'own' | 'members'>;

/** How this user would go by what this device holds. `gone`: users whose accounts are no more. */
export function farewellFrom(room: FarewellRoom, gone: ReadonlySet<string> = new Set()): Farewell {
  const { state } = room.chain;
  const self = state?.members.get(room.own);
  if (!state || state.policy.direct || self?.status !== MemberStatus.MEMBER_STATUS_JOINED || !leads(state, self))
    return { how: 'leave' };
  const others = room.members().filter(({ member }) => member !== room.own);
  const joined = others.filter(({ status, user }) => status === MemberStatus.MEMBER_STATUS_JOINED && !gone.has(user));
  const peer = joined.find(({ role }) => role === self.role);
  if (peer) return { how: 'leave', leads: peer };
  const [to] = joined.filter(({ bot, user }) => !bot && user !== '').sort(heirsFirst);
  if (to) return { how: 'handOver', to, role: self.role };
  // Somebody whom this device does not know yet is not put out for it.
  if (joined.some(({ bot }) => !bot)) return { how: 'leave' };
  const listed = others.filter(({ status, role }) => isListed(status) && role < self.role);
  return listed.length > takenOutMax ? { how: 'leave' } : { how: 'end', takenOut: listed.map(({ member }) => member) };
}

/** The same, after the server was asked whether whoever leads it besides, or would lead it on, is still there. Rejects as requests do. */
export async function askFarewell(
  room: FarewellRoom,
  people: Pick<People, 'isThere'>,
): Promise<{ readonly farewell: Farewell; readonly gone: ReadonlySet<string> }> {
  const gone = new Set<string>();
  for (let asked = 0; asked < askedMax; asked++) {
    const farewell = farewellFrom(room, gone);
    const user = leaderOf(farewell);
    if (user === '' || (await people.isThere(user, room.room))) return { farewell, gone };
    gone.add(user);
  }
  return { farewell: { how: 'leave' }, gone };
}

/** Sees to it that a group can be left. Resolves to who leads it on where that is somebody new. Rejects as changes of members do. */
export async function prepareFarewell(
  { replica, sender }: { readonly replica: RoomReplica; readonly sender: Pick<RoomSender, 'control'> },
  people: Pick<People, 'isThere'>,
): Promise<string | undefined> {
  const { farewell, gone } = await askFarewell(replica, people);
  let to: string | undefined;
  // Looked at anew in each try: others change the room, too.
  if (farewell.how === 'handOver')
    await sender.control((room) => {
      const next = farewellFrom(room, gone);
      if (next.how !== 'handOver') return null;
      to = next.to.user;
      return { kind: ControlKind.CONTROL_KIND_ROLE, target: next.to.member, role: next.role };
    });
  if (farewell.how === 'end')
    for (const target of farewell.takenOut)
      await sender.control((room) => {
        const next = farewellFrom(room, gone);
        const isStill = next.how === 'end' && next.takenOut.includes(target);
        return isStill ? { kind: ControlKind.CONTROL_KIND_REMOVE, target } : null;
      });
  return to;
}

/** May this device sign all that it takes? Not where the room is frozen, but for what is never held up, nor unconfirmed. */
export function maySign(replica: Pick<RoomReplica, 'ports' | 'trusts'>, farewell: Farewell): boolean {
  const { CONTROL_KIND_LEAVE, CONTROL_KIND_REMOVE, CONTROL_KIND_ROLE } = ControlKind;
  const before = { leave: [], handOver: [CONTROL_KIND_ROLE], end: [CONTROL_KIND_REMOVE] }[farewell.how];
  return replica.ports.parts.confirmed() && [...before, CONTROL_KIND_LEAVE].every((kind) => replica.trusts(kind));
}

/** Who leads it afterwards; '' where that is nobody, or somebody whom this device does not know. */
function leaderOf(farewell: Farewell): string {
  if (farewell.how === 'handOver') return farewell.to.user;
  return farewell.how === 'leave' ? (farewell.leads?.user ?? '') : '';
}

/** Whom messages reach before who waits for somebody to sign a new identity in; then the highest role, then who is in it longest. */
function heirsFirst(a: MemberInfo, b: MemberInfo): number {
  const [waitsA, waitsB] = [a, b].map(({ unheard }) => Number(unheard !== '')) as [number, number];
  return waitsA - waitsB || b.role - a.role || a.member - b.member;
}

function isListed(status: MemberStatus): boolean {
  return status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_INVITED;
}
