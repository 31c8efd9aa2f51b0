// What is known of logs without opening them: for a list of many rooms of which most are asleep. A log is told only if its state rows hold everything
// that was ever acked; of the others the actor must be asked. Changes nothing, and needs no fence: all that an answer rests on is read from the store after
// it was asked for, so it is not below what was acked before, by whichever node.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';

export interface Head {
  readonly nextSeq: number;
  /** The state row that was asked for. */
  readonly value: Uint8Array;
}

/** For each log that is cleanly known and has a state row of this key, its head. Logs that an actor has open must not be asked for. */
export async function peekHeads(
  store: LogStore & StateStore,
  logs: readonly string[],
  key: string,
): Promise<Map<string, Head>> {
  const found = await Promise.all(logs.map((log) => peek(store, log, key)));
  return new Map(logs.flatMap((log, index) => (found[index] ? [[log, found[index]] as const] : [])));
}

async function peek(store: LogStore & StateStore, log: string, key: string): Promise<Head | null> {
  const [meta, state] = await Promise.all([store.readMeta(log), store.readState(log, [coveredKey, key])]);
  const open = meta?.segments.at(-1);
  const value = state.find((row) => row.key === key)?.value;
  const covered = state.find((row) => row.key === coveredKey);
  if (open === undefined || value === undefined || covered === undefined) return null;
  const { through } = decodeCovered(covered);
  // Sealed segments reach to where the open one begins.
  if (through < open.start - 1) return null;
  const range = { from: through + 1, through: Number.MAX_SAFE_INTEGER, limit: 1, bytesMax: 1, backwards: false };
  const beyond = await store.readRows(log, open.id, range);
  return beyond.length > 0 ? null : { nextSeq: through + 1, value };
}
