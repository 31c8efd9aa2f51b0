// Whom most stories are about, and what these people do most often: Ada of one provider, Ben and Cid of another. For tests and `make.ts` only.
import { ControlKind, Role } from '../gen/record.ts';
import { makeActor, type Wish } from './cast.ts';

/** The people. */
export const ada = makeActor('@ada:alpha.lu');
export const ben = makeActor('@ben:beta.lu');
export const cid = makeActor('@cid:beta.lu');

/** Ben comes in as the second member. */
export const inviteBen: Wish = {
  kind: ControlKind.CONTROL_KIND_INVITE,
  target: 2,
  role: Role.ROLE_MEMBER,
  person: ben.commitment,
};

/** A member accepts an invitation. */
export const accept = (member: number): Wish => ({ kind: ControlKind.CONTROL_KIND_ACCEPT, target: member });

/** A member leaves. */
export const leave = (member: number): Wish => ({ kind: ControlKind.CONTROL_KIND_LEAVE, target: member });
