// What goes wrong in a run, and how often. Drawn from the seed, so that some runs are calm in one respect and wild in another: a fault that happens
// all the time hides what only happens between two of them.
import type { Random } from './random.ts';

/** Probabilities are per store request, or per step of the story. */
export interface Faults {
  /** Mean milliseconds of one way to the store. */
  readonly storeDelayMs: number;
  /** The request never happens, and nothing is heard of it. */
  readonly storeLost: number;
  /** It happens, and nothing is heard of it. */
  readonly storeSilent: number;
  /** Nothing is heard of it, and it happens seconds later. */
  readonly storeLate: number;
  /** One log can't be reached for seconds. */
  readonly outages: number;
  /** False: a write that is under way, or was lost, may be seen by one read and not by the next. */
  readonly readsAreDurable: boolean;
  /** Rows of state in a page of a read, where reads are not durable: each page is read at its own time. */
  readonly statePageRows: number;
  /** Mean milliseconds of one way between a device and its node. */
  readonly linkDelayMs: number;
  /** A connection breaks: what is on its way is gone, and both ends learn of it later. */
  readonly linkBreaks: number;
  /** A device stops reading for a while. */
  readonly stalls: number;
  /** The node dies, and another one starts. */
  readonly crashes: number;
  /** Another process of the node starts while the old one goes on, or stands still and then goes on. */
  readonly takeovers: number;
  /** One that stands still goes on when a log that it has is opened elsewhere. */
  readonly wakes: number;
  /** A process gives its shards away and stops, where there are several nodes. */
  readonly leaves: number;
  /** The link between two nodes breaks, where there are several. */
  readonly peerBreaks: number;
  /** Mean milliseconds of one way between two nodes. */
  readonly peerDelayMs: number;
  /** Milliseconds by which a process's clock may be off, either way. */
  readonly clockSkewMs: number;
}

/** As on Cassandra. */
const statePageRows = 32;

/** Nothing goes wrong. */
export const calm: Faults = {
  storeDelayMs: 1,
  storeLost: 0,
  storeSilent: 0,
  storeLate: 0,
  outages: 0,
  readsAreDurable: true,
  statePageRows,
  linkDelayMs: 5,
  linkBreaks: 0,
  stalls: 0,
  crashes: 0,
  takeovers: 0,
  wakes: 0,
  leaves: 0,
  peerBreaks: 0,
  peerDelayMs: 2,
  clockSkewMs: 0,
};

/** Processes are taken over from all the time, and devices come back all the time, so that many hear what a process says that was fenced. */
export const unsettled: Faults = { ...calm, linkDelayMs: 2, linkBreaks: 0.5, takeovers: 0.3 };

/** The faults of a seed. */
export function drawFaults(random: Random): Faults {
  const sometimes = (probability: number) => (random.chance(0.5) ? probability : 0);
  return {
    storeDelayMs: random.pick([1, 5, 40]),
    storeLost: sometimes(0.02),
    storeSilent: sometimes(0.03),
    storeLate: sometimes(0.03),
    outages: sometimes(0.08),
    readsAreDurable: random.chance(0.5),
    statePageRows,
    linkDelayMs: random.pick([2, 20, 80]),
    linkBreaks: sometimes(0.08),
    stalls: sometimes(0.04),
    crashes: sometimes(0.05),
    takeovers: sometimes(0.05),
    wakes: 0,
    clockSkewMs: random.pick([0, 0, 5_000]),
    peerBreaks: sometimes(0.05),
    peerDelayMs: random.pick([2, 2, 60]),
    leaves: sometimes(0.04),
  };
}
