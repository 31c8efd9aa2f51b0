// People who come and go while the others talk: a room's founder invites one, it accepts, talks, has everything, and leaves or is removed; then it tries to
// read on, and comes back. All of it through whatever happens to the nodes.
import { Identity } from '#bench/lib/identity.ts';
import { RawClient } from '#bench/lib/raw-client.ts';
import { controlStep } from '#bench/lib/rooms.ts';
import { inParallel } from '#bench/lib/server.ts';
import type { Tokens } from '#client/connection/login.ts';
import type { ControlBody, ControlHead } from '#proto/gen/record.ts';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { eventually } from '../../harness.ts';
import type { RoomSeat, Talker } from '../talk/talker.ts';
import type { LoginNode } from './people.ts';

/** How long a guest may wait for what it is owed, milliseconds. */
const patienceMs = 60_000;
const body = new Uint8Array(200).fill(5);

/** Logs so many people in who may write, and sits them nowhere. */
export function guestLogins(node: LoginNode, count: number): Promise<Tokens[]> {
  return inParallel(count, 16, async (n) => {
    const tokens = await node.logIn(`guest${n}`);
    const client = await RawClient.open(node.port, tokens);
    await client.enrol(new Identity(tokens));
    client.wire.cut();
    return tokens;
  });
}

/** One guest in one room. Nobody else makes control entries there, so that the founder's and the guest's follow each other. */
export class Guest {
  readonly #guest: Talker;
  readonly #founder: Talker;
  readonly #room: string;
  readonly #member: number;
  #control: ControlHead;
  #stays = 0;

  /** `seat` is the founder's; `member` the number that the guest will have. */
  constructor(guest: Talker, { founder, seat, member }: { founder: Talker; seat: RoomSeat; member: number }) {
    this.#guest = guest;
    this.#founder = founder;
    this.#room = seat.room;
    this.#member = member;
    this.#control = seat.control;
  }

  /** Comes, talks and goes: by itself and by the founder in turn. */
  async visit(): Promise<void> {
    const target = this.#member;
    const room = this.#room;
    const brings = this.#stays === 0 ? new Identity(this.#guest.tokens) : undefined;
    await this.#say(this.#founder, { kind: ControlKind.CONTROL_KIND_INVITE, target, role: Role.ROLE_MEMBER }, brings);
    const seat = { room, member: target, control: this.#control, sendId: 0 };
    this.#guest.approach(seat);
    const from = await this.#say(this.#guest, { kind: ControlKind.CONTROL_KIND_ACCEPT, target });
    this.#guest.enter({ ...seat, from });
    const { seq: owed } = await this.#guest.send(room, body);
    // It is one of them: it gets what it said itself, and all before.
    await eventually('a guest has what it is owed', () => this.#guest.position(room) >= owed, patienceMs);
    const through = this.#stays++ % 2 === 0 ? await this.#removed() : await this.#leaves();
    this.#guest.leave(room, { through, owed });
    await this.#founder.send(room, body);
    await this.#guest.peek(room, through);
  }

  #leaves(): Promise<number> {
    return this.#say(this.#guest, { kind: ControlKind.CONTROL_KIND_LEAVE, target: this.#member });
  }

  /** While it says something, which gets in or not. */
  async #removed(): Promise<number> {
    const remove = this.#say(this.#founder, { kind: ControlKind.CONTROL_KIND_REMOVE, target: this.#member });
    const [through] = await Promise.all([remove, this.#guest.send(this.#room, body).catch(() => null)]);
    return through;
  }

  async #say(actor: Talker, wish: Partial<ControlBody>, brings?: Identity): Promise<number> {
    const member = actor === this.#founder ? 1 : this.#member;
    const [room, control] = [this.#room, this.#control];
    const step = controlStep({ room, control, actor: new Identity(actor.tokens), member, wish, brings });
    const { seq } = await actor.sendControl(room, (sendId) => step.submit(room, sendId));
    this.#control = step.control;
    return seq;
  }
}
