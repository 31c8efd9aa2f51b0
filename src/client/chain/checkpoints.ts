// Where somebody went, an admin's device signs a CHECKPOINT, so that newcomers need nothing of what that one signed any more and an erasure can take their id and
// keys out of the room. One of the admins does it, the one of the lowest number if connected; two that do it do no harm.
// Does not: sign what this device did not follow itself, or what nobody stands for.

import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { hashState } from '#proto/rules/control/state.ts';
import { Lock } from '../lock.ts';
import type { Parts } from '../parts.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import type { HeldRoom, Rooms } from '../room/rooms.ts';
import type { Signed } from './chain.ts';
import type { Statement } from './control-author.ts';
import { partings } from './partings.ts';

/** Milliseconds for each admin in turn, by number, to sign one first; counted from when the first one went, as they say. */
const afterMs = 10 * 60_000;
/** Milliseconds that a timer can wait: beyond, it ends at once. Whoever is that far behind in a room of very many admins looks a little early. */
const longestMs = 2 ** 31 - 1;
/** Part of that within which a device begins, by chance: devices of one admin come back at once. */
const spread = 0.05;

/** What it needs of the client. */
export interface CheckpointPorts {
  readonly parts: () => Parts;
  readonly rooms: () => Pick<Rooms, 'all' | 'get'>;
  /** Runs work in the background after so long; not where the client was closed. */
  readonly later: (ms: number, work: () => Promise<void>) => void;
  /** See ClientOptions.checkpointAfterMs. */
  readonly afterMs?: number | undefined;
}

/** The checkpoints of one device. */
export class Checkpoints {
  #ports: CheckpointPorts;
  #afterMs: number;
  #waiting = new Set<string>();
  /** One after the other: after an upgrade all rooms of years may want one. */
  readonly #work = new Lock();

  constructor(ports: CheckpointPorts) {
    this.#ports = ports;
    this.#afterMs = ports.afterMs ?? afterMs;
  }

  /** Looks at every room. To be called when a session is in step. */
  lookAtAll(): void {
    for (const { replica } of this.#ports.rooms().all()) this.look(replica);
  }

  /** Somebody went there: signs one in its time, where that is this device's to do and nobody did before. */
  look(replica: RoomCopy): void {
    const { room } = replica;
    const went = this.#waiting.has(room) ? undefined : wentFirst(replica);
    if (!went || !maySign(replica)) return;
    const { now, random } = this.#ports.parts();
    const since = Math.min(went.signedMs, now());
    const due = since + this.#afterMs * (1 + adminsBefore(replica));
    this.#waiting.add(room);
    const ms = Math.max(0, due - now()) + this.#afterMs * spread * random();
    this.#ports.later(Math.min(ms, longestMs), () => {
      this.#waiting.delete(room);
      return this.#work.run(() => this.#sign(this.#ports.rooms().get(room)));
    });
  }

  async #sign(held: HeldRoom | undefined): Promise<void> {
    // What can't be signed without a connection is looked at in the next session.
    if (held && this.#ports.parts().live()) await held.sender.control(statementFor);
  }
}

/** The CHECKPOINT that this device may sign now; null where there is none to sign. */
function statementFor(replica: RoomCopy): Statement | null {
  const { chain, ports } = replica;
  const { state } = chain;
  if (!state || !maySign(replica) || !wentFirst(replica)) return null;
  return { kind: ControlKind.CONTROL_KIND_CHECKPOINT, target: 0, stateHash: hashState(state, ports.parts.primitives) };
}

function maySign({ chain, joined, own, identity, local, ports }: RoomCopy): boolean {
  const role = chain.state?.members.get(own)?.role ?? Role.ROLE_UNSPECIFIED;
  return joined && role >= Role.ROLE_ADMIN && identity === 'own' && local.frozen === '' && ports.parts.confirmed();
}

/** The first entry since the newest CHECKPOINT by which somebody went. */
function wentFirst({ chain }: RoomCopy): Signed | undefined {
  const newest = chain.signed.findLastIndex(({ kind }) => kind === ControlKind.CONTROL_KIND_CHECKPOINT);
  return chain.signed.slice(newest + 1).find(({ kind }) => partings.has(kind));
}

/** How many other admins are to do it first. */
function adminsBefore({ chain, own }: RoomCopy): number {
  const isAdmin = (status: MemberStatus, role: Role) =>
    status === MemberStatus.MEMBER_STATUS_JOINED && role >= Role.ROLE_ADMIN;
  const members = [...(chain.state?.members ?? [])];
  return members.filter(({ number, status, role }) => number < own && isAdmin(status, role)).length;
}
