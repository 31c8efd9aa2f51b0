// The kernel's limits, all in one place: unit, default, and what happens beyond. `defaultLimits` is what a server runs with; tests and the
// simulator pass smaller ones.
import type { ActorKind } from './address.ts';

/** How much may wait for one actor. Both bounds hold; beyond either the message is bounced (BUSY). */
export interface MailboxLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

export interface KernelLimits {
  readonly mailbox: Readonly<Record<ActorKind, MailboxLimits>>;
  /** Messages that one actor handles before others have their turn. */
  readonly turnMessagesMax: number;
  /** Milliseconds of one actor's turn; looked at after each message. */
  readonly turnMs: number;
  /** Milliseconds of one `run`, after which the host has its turn (sockets, disk). */
  readonly runMs: number;
  /** Timers that fire in one `run`; the rest fires in the next. */
  readonly timersPerRun: number;
  /** Milliseconds without work after which an idle actor is passivated. Sessions never are: they end with their socket. */
  readonly idleMs: { readonly user: number; readonly room: number };
  /** User and room actors in memory; above it the least recently used idle ones are passivated at once. */
  readonly activeMax: number;
  /** User and room actors in memory at the very most; beyond, work that would create another one is bounced (BUSY). */
  readonly activeHardMax: number;
  /** Milliseconds between two looks at who is idle, at least. */
  readonly sweepMs: number;
  /** Actors passivated by one look, so that it stays short. */
  readonly sweepMax: number;
  /** Milliseconds that an actor may take to stop after `passivate`; then it is dropped as if it had crashed (the store is the truth). */
  readonly stopMs: number;
  /** Crashes of one actor within `crashWindowMs` that put it into quarantine. */
  readonly crashesMax: number;
  readonly crashWindowMs: number;
  /** Milliseconds for which a quarantined address answers UNAVAILABLE. */
  readonly quarantineMs: number;
  /** Told to whom a full mailbox turns away, milliseconds. */
  readonly busyRetryMs: number;
  /** Told to whom a crashed actor leaves without an answer, milliseconds. */
  readonly crashRetryMs: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: KernelLimits = {
  mailbox: {
    session: { messagesMax: 256, bytesMax: 2 * mebibyte },
    user: { messagesMax: 256, bytesMax: mebibyte },
    room: { messagesMax: 1024, bytesMax: 4 * mebibyte },
  },
  turnMessagesMax: 64,
  turnMs: 5,
  runMs: 20,
  timersPerRun: 1000,
  idleMs: { user: 30_000, room: 60_000 },
  activeMax: 20_000,
  activeHardMax: 25_000,
  sweepMs: 100,
  sweepMax: 1000,
  stopMs: 30_000,
  crashesMax: 3,
  crashWindowMs: 60_000,
  quarantineMs: 60_000,
  busyRetryMs: 500,
  crashRetryMs: 1000,
};
