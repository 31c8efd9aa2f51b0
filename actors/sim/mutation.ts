// How a planted mistake gets into a simulated process (mutations.ts plants them).
import type { Held } from '#actors/cluster/held.ts';
import type { KeeperPorts } from '#actors/cluster/keeper.ts';
import type { Packet } from '#actors/cluster/packets.ts';
import type { Actor } from '#actors/kernel/actor.ts';
import type { Address } from '#actors/kernel/address.ts';
import type { RoomMessage, SessionMessage, UserMessage } from '#actors/kernel/messages.ts';
import type { WorldEffect } from '#actors/kernel/world.ts';
import type { Generation } from '#actors/ports/log-store.ts';
import type { Faults } from './faults.ts';
import type { LogDriverOptions } from './log-driver.ts';

/** All parts are optional. */
export interface Mutation extends Pick<LogDriverOptions, 'omit' | 'lie' | 'twist'> {
  readonly room?: (actor: Actor<RoomMessage>) => Actor<RoomMessage>;
  readonly user?: (actor: Actor<UserMessage>) => Actor<UserMessage>;
  readonly session?: (actor: Actor<SessionMessage>) => Actor<SessionMessage>;
  /** Alters an effect on its way to the world; null = it is dropped. */
  readonly effect?: (effect: WorldEffect, from: Address) => WorldEffect | null;
  /** Nodes that it takes to be made. Default 1. */
  readonly nodes?: number;
  /** It takes CHECKPOINTs and erasures, which half of the seeds do not have. */
  readonly forgets?: true;
  /** What must go wrong for it to do harm, more often than it does by itself. */
  readonly faults?: Partial<Faults>;
  readonly keeper?: (ports: KeeperPorts, self: Generation) => KeeperPorts;
  readonly held?: () => Held;
  /** Alters what another node says. */
  readonly packet?: (packet: Packet) => Packet;
  /** Answers that nobody waits for are believed. */
  readonly believesStrays?: true;
}
