// The limits of a run's processes, out of its seed.
import type { NodeOptions } from './node.ts';
import type { Random } from './random.ts';

/** Small ones, so that the bounds are met. Those of CHECKPOINTs by a chance of their own, null = as on a server. */
export function drawLimits(random: Random, oblivion: Random | null): NodeOptions['limits'] {
  const mebibyte = 1024 * 1024;
  const messagesMax = random.pick([6, 64]);
  return {
    kernel: {
      mailbox: {
        session: { messagesMax: 64, bytesMax: mebibyte },
        user: { messagesMax, bytesMax: mebibyte },
        room: { messagesMax, bytesMax: mebibyte },
      },
      turnMessagesMax: random.pick([1, 64]),
      // At the hard bound nobody new gets in, which no promise survives: that is the kernel's own test.
      // An account that is erased tells its rooms: where they fill the memory it is gone before they answer, each time.
      activeMax: Math.max(random.pick([4, 20_000]), oblivion ? 16 : 0),
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
      ...(oblivion && {
        stateChunkBytes: oblivion.pick([100, 12 * 1_024]),
        controlEntriesKept: oblivion.pick([1, 4, 4_096]),
      }),
    },
    log: {
      segmentRowsMax: random.pick([3, 12, 10_000]),
      segmentAgeMs: random.pick([3_000, 7 * 86_400_000]),
      pageRows: random.pick([2, 1_000]),
    },
  };
}
