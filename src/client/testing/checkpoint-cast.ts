// For tests of chains that can't be followed to their end: the people, and groups of theirs in which somebody was erased, behind a CHECKPOINT or
// not yet.
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { type Actor, makeActor } from '#proto/golden/cast.ts';
import { CheckpointHub, type ReadingDevice } from './checkpoint-hub.ts';

/** The people. */
export const [ada, bob, eve, dan, fay, gil, liar] = ['ada', 'bob', 'eve', 'dan', 'fay', 'gil', 'liar'].map((name) =>
  makeActor(`@${name}:localhost`),
) as [Actor, Actor, Actor, Actor, Actor, Actor, Actor];

const { CONTROL_KIND_LEAVE, CONTROL_KIND_ROLE } = ControlKind;

/** Ada's group with Bob; Eve, an admin, brought Dan in and left (entry 8). */
export function withoutEve(): CheckpointHub {
  const hub = new CheckpointHub(ada);
  hub.join(1, bob);
  hub.join(1, eve, Role.ROLE_ADMIN);
  hub.join(3, dan);
  hub.do(3, CONTROL_KIND_LEAVE);
  return hub;
}

/** The same behind Ada's CHECKPOINT (entry 9); of Eve nobody is told any more. */
export function forgotten(): CheckpointHub {
  const hub = withoutEve();
  hub.checkpoint(1);
  hub.forget(3);
  return hub;
}

/** Behind a CHECKPOINT of Dan, who was no admin as far as the entries before Eve's tell (entry 10). */
export function byUnknown(before: (hub: CheckpointHub) => void = () => {}): CheckpointHub {
  const hub = withoutEve();
  hub.story.do(1, { kind: CONTROL_KIND_ROLE, target: 4, role: Role.ROLE_ADMIN });
  before(hub);
  hub.checkpoint(4);
  hub.forget(3);
  return hub;
}

/** The head of the chain as a device has it. */
export const headOf = ({ room: { chain } }: ReadingDevice) => chain.state?.hash;

/** Numbers of who is in the room, as a device has it. */
export const joined = ({ room: { chain } }: ReadingDevice) =>
  [...(chain.state?.members ?? [])]
    .filter((one) => one.status === MemberStatus.MEMBER_STATUS_JOINED)
    .map((one) => one.number);
