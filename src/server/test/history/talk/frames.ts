// Pushed frames, decoded and hashed once whoever receives them: hundreds of receivers in one process get the same bytes, and share one list.
import { primitives } from '#bench/lib/identity.ts';
import { isRoomRecords } from '#bench/lib/records.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { type Record, Stamp } from '#proto/gen/record.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import type { Placed } from '../events.ts';

/** Records of one room, in the order in which they came. */
export interface RoomFrame {
  readonly room: string;
  readonly records: readonly Placed[];
}

interface Kept extends RoomFrame {
  readonly bytes: Buffer;
}

/** Newest frames that are kept; older ones are decoded again. */
const keptMax = 2_048;

export class Frames {
  readonly #kept = new Map<number, Kept>();

  /** What a frame pushes; null where it is none with records. The bytes are copied if they are kept. */
  pushed(bytes: Uint8Array): RoomFrame | null {
    if (!isRoomRecords(bytes)) return null;
    const key = fingerprint(bytes);
    const kept = this.#kept.get(key);
    if (kept?.bytes.equals(bytes)) return kept;
    const { body } = ServerFrame.decode(bytes);
    if (body?.$case !== 'roomRecords') return null;
    const frame = { bytes: Buffer.from(bytes), room: body.value.room, records: placed(body.value.records) };
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= keptMax && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, frame);
    return frame;
  }
}

/** Places and hashes of records. */
export function placed(records: readonly Record[]): Placed[] {
  return records.map(({ stamp, header }) => {
    const hash = shortHash(recordHash(stamp, header, primitives));
    return { seq: Stamp.decode(stamp).seq, hash };
  });
}

/** Half of a hash: enough to tell records apart. */
export function shortHash(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, 16).toString('hex');
}

/** FNV-1a over every fifth byte: what follows is compared in full. */
function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  for (let at = bytes.length - 1; at >= 0; at -= 5) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash >>> 0;
}
