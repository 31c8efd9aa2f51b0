// An export: everything of this user in one zip, what the provider keeps and what was said in every conversation, decrypted on this device. It is made as it is
// read: a page of lines is in memory at a time, and a conversation is read twice, once for programs and once for people.
import type { Parts } from '../parts.ts';
import type { RoomReplica } from '../room/room.ts';
import type { TimelineItem } from '../shown.ts';
import { fetchAllOlder, oldestLines } from '../timeline/history.ts';
import {
  describeRoom,
  type ExportedRoom,
  jsonLine,
  jsonText,
  personLine,
  readmeText,
  textLine,
} from './export-files.ts';
import { accountRecord } from './record.ts';
import { type ZipFile, zipped } from './zip.ts';

/** How far an export is. */
export interface ExportProgress {
  readonly rooms: number;
  readonly roomsDone: number;
  /** Lines written so far. */
  readonly lines: number;
  /** Rooms of which not everything is in it: `complete` in rooms.json. */
  readonly incomplete: number;
}

export interface ExportOptions {
  /** Hears of each room that is done. */
  readonly onProgress?: (progress: ExportProgress) => void;
  /** Bytes of the zip after which no more lines and pictures are taken in, which is said where they would stand; default 3,900,000,000, since 4 GB is what every program reads. */
  readonly bytesMax?: number;
}

export interface ExportPorts {
  readonly parts: () => Pick<Parts, 'request' | 'user' | 'now' | 'profiles'>;
  readonly rooms: () => readonly RoomReplica[];
}

const bytesMaxDefault = 3_900_000_000;
const encoder = new TextEncoder();

/** See AccountApi.export. */
export async function* exportAccount(
  { parts, rooms }: ExportPorts,
  { onProgress = () => {}, bytesMax = bytesMaxDefault }: ExportOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { user, now, profiles } = parts();
  const nameOf = (of: string) => profiles.info(of).name;
  const asText = (item: TimelineItem) => textLine(item, nameOf);
  const at = now();
  const state = { bytes: 0, lines: 0 };
  const done: ExportedRoom[] = [];
  for await (const piece of zipped(files(), at)) {
    state.bytes += piece.length;
    yield piece;
  }

  async function* files(): AsyncGenerator<ZipFile> {
    yield file('README.txt', readmeText({ user, at }));
    yield file('record.json', jsonText(await accountRecord(parts())));
    const all = rooms();
    for (const [index, room] of all.entries()) {
      const about = describeRoom(room.info(), index);
      const hasAll = state.bytes < bytesMax && (await fetchAllOlder(room));
      const written = { lines: 0, isCut: false };
      yield { name: `rooms/${about.file}.jsonl`, pieces: pieces(room, jsonLine, written) };
      yield { name: `rooms/${about.file}.txt`, pieces: pieces(room, asText, { lines: 0, isCut: false }) };
      done.push({ ...about, lines: written.lines, complete: hasAll && !written.isCut });
      state.lines += written.lines;
      const incomplete = done.filter(({ complete }) => !complete).length;
      onProgress({ rooms: all.length, roomsDone: done.length, lines: state.lines, incomplete });
    }
    yield file('rooms.json', jsonText(done));
    yield { name: 'people.jsonl', pieces: people(all) };
  }

  async function* people(all: readonly RoomReplica[]): AsyncGenerator<Uint8Array> {
    const users = new Set([user, ...all.flatMap((room) => room.members().map((member) => member.user))]);
    users.delete('');
    for (const of of users) {
      const leftOut = profiles.info(of).picture ? ('left out' as const) : undefined;
      const picture = state.bytes < bytesMax ? await profiles.picture(of) : leftOut;
      yield encoder.encode(personLine({ user: of, name: nameOf(of), picture }));
    }
  }

  async function* pieces(
    room: RoomReplica,
    write: (item: TimelineItem) => string,
    written: { lines: number; isCut: boolean },
  ): AsyncGenerator<Uint8Array> {
    for await (const lines of oldestLines(room)) {
      if (state.bytes >= bytesMax) {
        written.isCut = true;
        return;
      }
      written.lines += lines.length;
      yield encoder.encode(lines.map(write).join(''));
    }
  }
}

function file(name: string, text: string): ZipFile {
  return { name, pieces: [encoder.encode(text)] };
}
