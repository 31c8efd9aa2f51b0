// The limits of a run's processes, out of its seed.
import type { ForgettingPlan } from './forgetting.ts';
import type { NodeOptions } from './node.ts';
import type { Random } from './random.ts';

/** Least room in memory for a run in which an account is erased: else its rooms drive it out before they answer, see README.md. */
const activeMaxOfErasure = 16;

/** What is settled before. */
interface Settled {
  /** Of what is forgotten, with the limits of CHECKPOINTs; null = nothing is, and they are those of a server. */
  readonly plan: ForgettingPlan | null;
  /** In place of what is drawn. */
  readonly activeMax: number | undefined;
}

/** Small ones, so that the bounds are met. */
export function drawLimits(random: Random, { plan, activeMax }: Settled): NodeOptions['limits'] {
  const mebibyte = 1024 * 1024;
  const messagesMax = random.pick([6, 64]);
  const turnMessagesMax = random.pick([1, 64]);
  const drawnActiveMax = random.pick([4, 20_000]);
  const isErasing = plan !== null && Number.isFinite(plan.goesAtStep);
  return {
    kernel: {
      mailbox: {
        session: { messagesMax: 64, bytesMax: mebibyte },
        user: { messagesMax, bytesMax: mebibyte },
        room: { messagesMax, bytesMax: mebibyte },
      },
      turnMessagesMax,
      // At the hard bound nobody new gets in, which no promise survives: that is the kernel's own test.
      activeMax: activeMax ?? (isErasing ? Math.max(drawnActiveMax, activeMaxOfErasure) : drawnActiveMax),
      activeHardMax: 256,
      idleMs: random.pick([
        { user: 300, room: 400 },
        { user: 3_000, room: 5_000 },
      ]),
    },
    room: {
      heldMessagesMax: random.pick([3, 256]),
      uncoveredRecordsMax: random.pick([3, 1_024]),
      refusalsMax: random.pick([2, 256]),
      logCallsMax: random.pick([3, 128]),
      waitingSubmitsMax: random.pick([2, 64]),
      ringRecordsMax: random.pick([2, 256]),
      ...(plan && { stateChunkBytes: plan.stateChunkBytes, controlEntriesKept: plan.controlEntriesKept }),
    },
    log: {
      segmentRowsMax: random.pick([3, 12, 10_000]),
      segmentAgeMs: random.pick([3_000, 7 * 86_400_000]),
      pageRows: random.pick([2, 1_000]),
    },
  };
}
