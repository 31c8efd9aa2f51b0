// Many members in a room under test, made as state and not by entries: their persons are there, their keys are not. Not part of the server.
import { MemberStatus, type Person, Role } from '#proto/gen/record.ts';
import { personCommitment } from '#proto/rules/bytes/hash.ts';
import { chunkSize, type Member, MemberTable } from '#proto/rules/control/member-table.ts';
import type { Stage } from './stage.ts';

/** Fills a room up to so many joined members; those that are there stay as they are. Nothing is saved yet. */
export function crowd(stage: Stage, size: number, given: { readonly membersMax?: number } = {}): void {
  const { state, options } = stage;
  const chain = state.chain;
  if (chain === null) throw new Error('there is no room');
  const members: Member[] = [...chain.members];
  for (let number = members.length + 1; number <= size; number++) {
    const person = stranger(stage.room, number);
    state.people.keepPerson(1, person);
    state.dirty.add(`person/${number}`);
    members.push({
      number,
      role: Role.ROLE_MEMBER,
      status: MemberStatus.MEMBER_STATUS_JOINED,
      person: personCommitment(person, options.primitives),
      stays: [{ from: 1, through: 0 }],
      invitedBy: 1,
      changed: 1,
    });
  }
  const added = size - chain.members.size;
  const chunks = Array.from({ length: Math.ceil(size / chunkSize) }, (_, index) =>
    members.slice(index * chunkSize, (index + 1) * chunkSize),
  );
  for (const index of chunks.keys()) state.dirty.add(`chain/${index}`);
  const { membersMax = chain.policy.membersMax } = given;
  state.chain = {
    ...chain,
    policy: { ...chain.policy, membersMax },
    members: MemberTable.of(chunks) as MemberTable,
    counted: chain.counted + added,
    joined: chain.joined + added,
  };
  state.chainAhead = state.chain;
}

function stranger(room: string, member: number): Person {
  const provider = room.slice(room.indexOf(':'));
  const [salt, fingerprint] = [new Uint8Array(16), new Uint8Array(32)];
  new DataView(salt.buffer).setUint32(0, member);
  new DataView(fingerprint.buffer).setUint32(0, member);
  return { member, user: `@crowd${member}${provider}`, salt, fingerprint, bot: false };
}
