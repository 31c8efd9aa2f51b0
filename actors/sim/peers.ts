// The links between the processes of several nodes, and what each node is believed to be doing: packets in order each way until a link ends, and both
// ends hear of that in their own time. A process that stands still answers nobody, so the others hang up.
import type { LiveNode } from '#actors/cluster/keeper.ts';
import type { Packet } from '#actors/cluster/packets.ts';
import type { SimNode } from './node.ts';
import { Order } from './order.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

/** One end of a link. */
interface End {
  readonly node: SimNode;
  /** It thinks that the link is there. */
  open: boolean;
  /** When the last packet to it arrives. */
  arrives: number;
}

interface PeerLink {
  readonly ends: readonly [End, End];
  broken: boolean;
}

/** One way between two nodes takes so many times the mean at most. */
const delayTimesMax = 10;
/** Silence after which the other end hangs up, and after which a node is held for dead. */
const silenceMs = 2_000;
const deadMs = 2_500;
const lookMs = 500;
/** Milliseconds until two nodes try again. */
const dialMsMax = 400;

export class Peers {
  /** Of messages, as all nodes see it. */
  readonly order = new Order();
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #delayMs: () => number;
  readonly #nodes = new Map<number, SimNode>();
  readonly #beats = new Map<SimNode, number>();
  #links: PeerLink[] = [];

  constructor(schedule: Schedule, random: Random, delayMs: () => number) {
    this.#schedule = schedule;
    this.#random = random;
    this.#delayMs = delayMs;
    const look = () => {
      this.#look();
      schedule.after(lookMs, look);
    };
    schedule.after(lookMs, look);
  }

  /** A process is there. */
  enter(node: SimNode): void {
    for (const other of this.#nodes.values())
      if (other.generation.node !== node.generation.node) this.#dial(node, other);
    this.#nodes.set(node.seat, node);
    this.beat(node);
  }

  /** It died. */
  leave(node: SimNode): void {
    this.#nodes.delete(node.seat);
    for (const link of this.#of(node)) this.#end(link);
  }

  /** A sign of life. */
  beat(node: SimNode): void {
    this.#beats.set(node, this.#schedule.now);
  }

  /** Whom a process holds for alive, itself left out. */
  othersOf(node: SimNode): LiveNode[] {
    const linked = new Set(this.#of(node).flatMap(({ ends }) => (endOf(ends, node).open ? [otherOf(ends, node)] : [])));
    const others: LiveNode[] = [];
    for (const [other, beatMs] of this.#beats) {
      if (other.generation.node === node.generation.node) continue;
      const seat = linked.has(other) ? other.seat : null;
      if (seat === null && this.#schedule.now - beatMs > deadMs) continue;
      others.push({ ...other.generation, leaving: other.isLeaving, linked: seat });
    }
    return others;
  }

  send(from: SimNode, seat: number, packet: Packet): void {
    const link = this.#of(from).find(({ ends }) => otherOf(ends, from).seat === seat && endOf(ends, from).open);
    if (link === undefined || link.broken) return;
    const end = endOf(link.ends, otherOf(link.ends, from));
    end.arrives = Math.max(end.arrives, this.#schedule.now + this.#delay());
    const arrive = end.node.inside(() => {
      if (!link.broken && end.open) end.node.heard(from.seat, packet);
    });
    this.#schedule.at(end.arrives, arrive);
  }

  /** Some link breaks. */
  break(): void {
    const whole = this.#links.filter(({ broken }) => !broken);
    if (whole.length > 0) this.#end(this.#random.pick(whole));
  }

  #dial(a: SimNode, b: SimNode): void {
    this.#schedule.after(this.#random.between(1, dialMsMax), () => {
      if (a.dead || b.dead || this.#of(a).some(({ ends }) => otherOf(ends, a) === b)) return;
      const ends: [End, End] = [
        { node: a, open: false, arrives: 0 },
        { node: b, open: false, arrives: 0 },
      ];
      const link: PeerLink = { ends, broken: false };
      this.#links.push(link);
      for (const end of ends) {
        end.arrives = this.#schedule.now + this.#delay();
        const up = end.node.inside(() => {
          if (link.broken) return;
          end.open = true;
          end.node.linkUp(otherOf(ends, end.node).seat);
        });
        this.#schedule.at(end.arrives, up);
      }
    });
  }

  /** What is under way is lost; each end hears of it later. */
  #end(link: PeerLink): void {
    if (link.broken) return;
    link.broken = true;
    let left = 2;
    for (const end of link.ends) {
      this.#schedule.after(this.#random.between(1, 300), () => {
        const down = end.node.inside(() => {
          if (end.open) end.node.linkDown(otherOf(link.ends, end.node).seat);
          end.open = false;
          if (--left > 0) return;
          this.#links = this.#links.filter((each) => each !== link);
          this.#dial(link.ends[0].node, link.ends[1].node);
        });
        if (end.node.dead) left--;
        else down();
      });
    }
    if (link.ends.some(({ node }) => node.dead)) this.#links = this.#links.filter((each) => each !== link);
  }

  /** Who answers nobody is hung up on. */
  #look(): void {
    for (const node of this.#nodes.values()) {
      if (!node.isStill) this.beat(node);
      else if (this.#schedule.now - (this.#beats.get(node) ?? 0) > silenceMs)
        for (const link of this.#of(node)) this.#end(link);
    }
    for (const [node, beatMs] of this.#beats) if (this.#schedule.now - beatMs > 10 * deadMs) this.#beats.delete(node);
  }

  #of(node: SimNode): PeerLink[] {
    return this.#links.filter(({ ends }) => ends[0].node === node || ends[1].node === node);
  }

  #delay(): number {
    const delayMs = this.#delayMs();
    return 1 + this.#random.delay(delayMs, delayTimesMax * delayMs);
  }
}

function endOf(ends: readonly [End, End], node: SimNode): End {
  return ends[0].node === node ? ends[0] : ends[1];
}

function otherOf(ends: readonly [End, End], node: SimNode): SimNode {
  return ends[0].node === node ? ends[1].node : ends[0].node;
}
