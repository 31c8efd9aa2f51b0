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

/** The reasons for which a device may not show a message: a closed list. Each for what was written before the device was listed, without a backup, and which no
 * device of that person has that is left. */
export const explanations = [
  'the device that wrote it is gone',
  /** Who wrote it gives a session only to who was in the room from its first message on. */
  'its session may have begun before they were in',
  /** A device knows of no session that it began before its own latest joining. */
  'who wrote it was out since',
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
  /** Those of them whose writer could have given the key, and did not. */
  readonly notGiven: readonly string[];
}

/** What a room is judged by. */
export interface Evidence {
  readonly room: string;
  readonly all: readonly Shown[];
  /** All of the room, by one who was always in. */
  readonly moves: readonly Move[];
  /** Messages under one sending session, at most. */
  readonly rotation: number;
}

/** Judges one room. */
export function judge({ room, all, moves, rotation }: Evidence): Verdict {
  const truth = new Map<number, string>();
  for (const { texts } of all) for (const [seq, text] of texts) truth.set(seq, text);
  const explained = new Map<string, number>();
  const unexplained: string[] = [];
  const notGiven: string[] = [];
  const written = byWriter(truth);
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
      const line = `#${trouble.seq} ${trouble.cause}`;
      if (!isBeforeDevice(one, trouble, all)) {
        say(line);
        continue;
      }
      const writer = all.find(({ device }) => device === writerOf(truth.get(trouble.seq) ?? ''));
      const why = writer ? refusal({ seq: trouble.seq, since, rotation, moves, writer, written }) : explanations[0];
      if (why === undefined) notGiven.push(`${one.device} ${room.slice(0, 8)} ${line} by ${writer?.device}`);
      else explained.set(`${trouble.cause}: ${why}`, (explained.get(`${trouble.cause}: ${why}`) ?? 0) + 1);
    }
  }
  return { messages: truth.size, shown, explained, unexplained: [...unexplained, ...notGiven], notGiven };
}

/** Written before the device was listed, where neither a backup nor a device of the same person could give the key. */
function isBeforeDevice(one: Shown, { seq, at, cause }: Trouble, all: readonly Shown[]): boolean {
  if (!['NO_KEY', 'WITHHELD', 'UNKNOWN_INDEX'].includes(cause) || at >= one.listedMs || one.secured) return false;
  return !all.some(({ user, device, texts }) => user === one.user && device !== one.device && texts.has(seq));
}

/** Why the writer may give the session of a message to nobody who came in with the seq `since`; undefined where it should. */
function refusal({ seq, since, rotation, moves, writer, written }: Refusing): Explanation | undefined {
  const came = lastJoin(writer.user, moves);
  if (came > seq) return explanations[2];
  // Twice a session's messages before it at most, and not before the writer came: whoever wrote may have heard of a joining late.
  const own = written.get(writer.device) ?? [];
  const first = own[own.indexOf(seq) - 2 * rotation] ?? came;
  return first < since ? explanations[1] : undefined;
}

interface Refusing extends Pick<Evidence, 'moves' | 'rotation'> {
  readonly seq: number;
  readonly since: number;
  readonly writer: Shown;
  readonly written: ReadonlyMap<string, readonly number[]>;
}

/** Each text begins with the name of the device that wrote it. */
function writerOf(text: string): string {
  return text.split(' ')[0] as string;
}

/** Seqs of each device's messages, in order. */
function byWriter(truth: ReadonlyMap<number, string>): ReadonlyMap<string, number[]> {
  const written = new Map<string, number[]>();
  for (const [seq, text] of [...truth].sort(([a], [b]) => a - b)) {
    const seqs = written.get(writerOf(text)) ?? [];
    seqs.push(seq);
    written.set(writerOf(text), seqs);
  }
  return written;
}

/** Seq with which somebody came in last; Infinity while they are out. */
function lastJoin(user: string, moves: readonly Move[]): number {
  const last = moves.findLast((move) => move.user === user);
  return last?.joined ? last.seq : Number.POSITIVE_INFINITY;
}
