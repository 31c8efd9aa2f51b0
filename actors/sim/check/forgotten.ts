// Whom rooms forget: who was behind the number of a member whose account is erased, once nobody needs it any more to follow the chain.
import type { MemoryStore } from '#actors/log/memory-store.ts';
import { ControlKind, MemberStatus } from '#proto/gen/record.ts';
import { asciiBytes } from '#proto/rules/bytes/bytes.ts';
import type { Witness } from '../witness.ts';
import type { FinalRoom } from './final-log.ts';

/** What it is held against. */
export interface Oblivion {
  /** Is the account of this user erased? */
  readonly isErased: (user: string) => boolean;
  readonly memory: MemoryStore;
  readonly witness: Witness;
}

/** No row of the room's state names an erased member who is out, and signed nothing since the newest CHECKPOINT or of a group where nobody is or is invited. To be asked when
 * nobody is there. */
export function checkForgotten(
  { room, records, chain, roll }: FinalRoom,
  { isErased, memory, witness }: Oblivion,
): void {
  const controls = records.flatMap(({ control }) => control ?? []);
  const newest = controls.findLastIndex(({ kind }) => kind === ControlKind.CONTROL_KIND_CHECKPOINT);
  const isOver = chain !== null && !chain.policy.direct && chain.counted === 0;
  if (newest < 0 && !isOver) return;
  const since = new Set(isOver ? [] : controls.slice(newest).map(({ actor }) => actor));
  for (const { number, person, status } of chain?.members ?? []) {
    const user = roll.person(person)?.user ?? '';
    const isPresent = status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_INVITED;
    if (!isErased(user) || isPresent || since.has(number)) continue;
    const rows = memory.readState(`room/${room}`).filter(({ value }) => value !== null && includes(value, user));
    if (rows.length > 0)
      witness.wrong(`${room}: ${user} is erased, and named by ${rows.map(({ key }) => key).join(', ')}`);
  }
}

function includes(value: Uint8Array, user: string): boolean {
  const name = asciiBytes(user);
  return value.some((_, at) => name.every((byte, index) => value[at + index] === byte));
}
