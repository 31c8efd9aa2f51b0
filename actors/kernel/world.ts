// What the kernel needs from outside: someone who carries out the effects that are not about actors alone. The server's composition root
// implements it over sockets, store and login; the simulator over memory. The kernel never sees bytes, files or sockets.
import type { Address } from './address.ts';
import type { Effect } from './effects.ts';
import type { Message } from './messages.ts';

/** The effects that the kernel carries out itself. */
export type KernelEffect = Extract<
  Effect,
  { kind: 'send' | 'tellSessions' | 'answer' | 'startTimer' | 'cancelTimer' | 'stop' | 'count' }
>;

/** The effects that go to the world. */
export type WorldEffect = Exclude<Effect, KernelEffect>;

/** Those that are about sockets and the audiences of their sessions alone. */
export type SocketEffect = Extract<
  WorldEffect,
  {
    kind:
      | 'push'
      | 'deliver'
      | 'join'
      | 'part'
      | 'watch'
      | 'evict'
      | 'quiet'
      | 'disconnect'
      | 'disconnectDevice'
      | 'checkToken';
  }
>;

export interface World {
  /**
   * Carries out one effect of the actor `from` in its `incarnation`. Called in the order of the effects; deliveries to a session must
   * leave in the order of the calls, and `join`, `part` and `evict` take effect before any later delivery. Must not throw and must not
   * wait. Answers go back by `system.tellFrom(from, incarnation, message)`, now or later: they reach that incarnation or nobody.
   *
   * Incarnation 0 is the kernel itself, answering for an actor that is full or lost (`summarised`, `disconnect`).
   * `disconnect` and `disconnectDevice`: push a Closing frame, close the socket with the code, and tell the session `closed` once it is gone.
   * `checkToken`: enter a good session into the audiences before telling `tokenChecked`.
   * `checkGrant`: tell one `grantChecked`, or nothing: the asker waits ten seconds.
   * `serve`: tell the session one `answer` within a bounded time; what is served at once is bounded, of one user and in all.
   * `log`: one log per address and incarnation. Commands of an incarnation after `ended` said that it is gone change nothing more.
   */
  perform(effect: WorldEffect, from: Address, incarnation: number): void;

  /**
   * This incarnation is gone: it stopped (`error` is undefined) or threw (`error` is what it threw: a bug, log it without ids). The world
   * forgets what it does for it *before it returns*: nothing of it may be acked or written from here on. With the check of `tellFrom` this is
   * rule 8 of the fence: one actor per room and generation.
   */
  ended(from: Address, incarnation: number, error: unknown): void;

  /** The live sessions of a user (of one device, where given) on this node: see audience.ts. */
  sessionsOf(user: string, device?: number | undefined): Iterable<number>;

  /**
   * Takes a message whose actor is on another node, or on its way to one; false = it is here. `isOlder`: it waited for an actor that was here, and goes
   * before what was told since. Absent where there is but one node.
   */
  forward?(to: Address, message: Message, bytes: number, isOlder?: boolean): boolean;

  /** The same message for the sessions of a user on other nodes. Absent where there is but one node. */
  tellElsewhere?(effect: Extract<Effect, { kind: 'tellSessions' }>): void;
}
