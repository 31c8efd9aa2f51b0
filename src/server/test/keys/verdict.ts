// What every device has to show in the end, and whether what it can't show is explained by what happened. The truth of a room is what all devices together can read.
import type { Move, Trouble } from '../device-calls.ts';

/** What one device showed of one room. */
export interface Shown {
  readonly device: string;
  readonly user: string;
  /** When it was listed. */
  readonly listedMs: number;
  /** Does its owner have a backup? */
  readonly secured: boolean;
  readonly texts: ReadonlyMap<number, string>;
  readonly troubles: readonly Trouble[];
}

/** The reasons for which a device may not show a message: a closed list. */
export const explanations = [
  /** It was written before the device was listed, there is no backup, and no device of that person is left that could read it. */
  'before the device, and nobody left has it',
] as const;
export type Explanation = (typeof explanations)[number];

/** What came of a room. */
export interface Verdict {
  readonly messages: number;
  /** Messages shown, on all devices together. */
  readonly shown: number;
  /** By cause and explanation, on all devices together. */
  readonly explained: ReadonlyMap<string, number>;
  readonly unexplained: readonly string[];
}

/** Judges one room. `moves` are all of it, by one who was always in. */
export function judge(room: string, all: readonly Shown[], moves: readonly Move[]): Verdict {
  const truth = new Map<number, string>();
  for (const { texts } of all) for (const [seq, text] of texts) truth.set(seq, text);
  const explained = new Map<string, number>();
  const unexplained: string[] = [];
  let shown = 0;
  for (const one of all) {
    const say = (what: string) => unexplained.push(`${one.device} ${room.slice(0, 8)} ${what}`);
    const since = lastJoin(one.user, moves);
    shown += one.texts.size;
    for (const [seq, text] of one.texts) if (truth.get(seq) !== text) say(`#${seq} shows another text`);
    const known = new Set(one.troubles.map(({ seq }) => seq));
    for (const seq of truth.keys()) {
      if (seq > since && !one.texts.has(seq) && !known.has(seq)) say(`#${seq} is not there`);
    }
    for (const trouble of one.troubles) {
      const why = explanation(one, trouble, all);
      if (why === undefined) say(`#${trouble.seq} ${trouble.cause}`);
      else explained.set(`${trouble.cause}: ${why}`, (explained.get(`${trouble.cause}: ${why}`) ?? 0) + 1);
    }
  }
  return { messages: truth.size, shown, explained, unexplained };
}

function explanation(one: Shown, { seq, at, cause }: Trouble, all: readonly Shown[]): Explanation | undefined {
  if (!['NO_KEY', 'WITHHELD', 'UNKNOWN_INDEX'].includes(cause) || at >= one.listedMs || one.secured) return undefined;
  const sibling = all.some(({ user, device, texts }) => user === one.user && device !== one.device && texts.has(seq));
  return sibling ? undefined : explanations[0];
}

/** Seq with which somebody came in last; Infinity while they are out. */
function lastJoin(user: string, moves: readonly Move[]): number {
  const last = moves.findLast((move) => move.user === user);
  return last?.joined ? last.seq : Number.POSITIVE_INFINITY;
}
