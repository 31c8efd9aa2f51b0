// Switchboards of several nodes with links that a test empties by hand, so that it says in which order things arrive. Actors are lists of what they
// were told.
import type { Address } from '../../kernel/address.ts';
import { Audiences } from '../../kernel/audience.ts';
import type { Refusal } from '../../kernel/bounce.ts';
import type { Message } from '../../kernel/messages.ts';
import type { WorldEffect } from '../../kernel/world.ts';
import { defaultHeldLimits, Held } from '../held.ts';
import type { Letter, Packet } from '../packets.ts';
import { Switchboard } from '../switchboard.ts';

/** What one node has seen. */
export interface TownNode {
  readonly seat: number;
  readonly board: Switchboard;
  readonly audiences: Audiences;
  readonly told: Letter[];
  readonly refused: { readonly to: Address; readonly message: Message; readonly refusal: Refusal }[];
  readonly performed: WorldEffect[];
  readonly summarised: unknown[];
  readonly revoked: unknown[];
  /** What its sessions were told to ask for anew. */
  readonly unheard: unknown[];
}

export class Town {
  now = 0;
  readonly #nodes = new Map<number, TownNode>();
  /** By `from>to`, what is under way. */
  readonly #links = new Map<string, Packet[]>();

  /** Nodes of these seats, all linked, with nothing under way. */
  constructor(seats: readonly number[], limits = defaultHeldLimits) {
    for (const seat of seats) this.#nodes.set(seat, this.#make(seat, limits));
    for (const a of seats) for (const b of seats) if (a < b) this.link(a, b);
    this.flow();
  }

  node(seat: number): TownNode {
    const node = this.#nodes.get(seat);
    if (node === undefined) throw new Error(`no node has seat ${seat}`);
    return node;
  }

  link(a: number, b: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#links.set(`${from}>${to}`, []);
      this.node(from).board.up(to);
    }
  }

  /** The link ends; what is under way is lost. */
  cut(a: number, b: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#links.delete(`${from}>${to}`);
      this.node(from).board.down(to);
    }
  }

  /** What is under way from one node to the other. */
  underWay(from: number, to: number): readonly Packet[] {
    return this.#links.get(`${from}>${to}`) ?? [];
  }

  /** The oldest packets of one way arrive. Default all. */
  arrive(from: number, to: number, count = this.underWay(from, to).length): void {
    const link = this.#links.get(`${from}>${to}`);
    for (const packet of link?.splice(0, count) ?? []) this.node(to).board.received(from, packet);
  }

  /** All arrives, and what is sent because of it, until nothing is under way. */
  flow(): void {
    for (let some = true; some; ) {
      some = false;
      for (const [key, link] of [...this.#links]) {
        const [from, to] = key.split('>').map(Number) as [number, number];
        if (link.length > 0) some = true;
        this.arrive(from, to);
      }
    }
  }

  #make(seat: number, limits = defaultHeldLimits): TownNode {
    const lists = { told: [], refused: [], performed: [], summarised: [], revoked: [], unheard: [] };
    const node: Omit<TownNode, 'board' | 'audiences'> = { seat, ...lists };
    const perform = (effect: WorldEffect) => {
      node.performed.push(effect);
      if (effect.kind === 'join') audiences.join(effect.session, effect.audience);
      else if (effect.kind === 'watch') audiences.watch(effect.session, effect.room);
      else if (effect.kind === 'evict') audiences.evict(effect.user, effect.room);
    };
    const board = new Switchboard(
      seat,
      {
        send: (to, packet) => void this.#links.get(`${seat}>${to}`)?.push(packet),
        tell: (to, message, bytes) => {
          if (message.kind === 'unheard') node.unheard.push([to, message]);
          else node.told.push({ to, message, bytes });
        },
        refuse: (to, message, refusal) => void node.refused.push({ to, message, refusal }),
        perform,
        summarise: (room, user, token) => void node.summarised.push({ asked: room, user, token }),
        summarised: (room, token, summary) => void node.summarised.push({ room, token, summary }),
        revoked: (user, device) => void node.revoked.push({ user, device }),
        sessionsOf: (user, device) => audiences.sessionsOf(user, device),
        hears: (key) => audiences.hears(key),
        unhear: (isLost) => {
          for (const [session, { rooms, watched, own }] of audiences.unhear(isLost)) {
            node.unheard.push([`session/${session}`, { kind: 'unheard', rooms, watched, own }]);
          }
        },
        now: () => this.now,
      },
      new Held(limits),
    );
    const audiences: Audiences = new Audiences((key) => board.emptied(key));
    return { ...node, board, audiences };
  }
}
