// ListRooms: the user's rooms by id with their heads. Marks are asked for before the heads are read, so that a room which moves in between is
// not missed. What an invited user sees of a room is who invites, and nothing that the inviter chose.

import type { RoomRow } from '#proto/gen/account.ts';
import { type ListRooms, RoomEntry } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, type RoomStanding } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester, RoomSummary } from '../../kernel/messages.ts';
import { userLimits } from '../limits.ts';
import type { Turn } from '../turn.ts';
import type { Gather, GatherAnswer } from './gather.ts';

const theHeads = 'heads';

/** Starts a page of the list, or the look at one room. */
export function listRooms(turn: Turn, from: Requester, { after, room }: ListRooms): void {
  const { account, now } = turn;
  const listed = room === '' ? account.rooms.list(after, now) : account.rooms.listed(room, now);
  const rooms = listed.filter((each) => {
    const standing = account.rooms.get(each)?.standing;
    return standing === undefined || !account.hides(standing);
  });
  const page = rooms.slice(0, limits.roomPageMax);
  turn.desk.gathers.start(turn, from, new RoomPage(from, page, rooms.length > page.length));
}

class RoomPage implements Gather {
  readonly waiting = new Set<string>();
  readonly #from: Requester;
  readonly #rooms: readonly string[];
  readonly #more: boolean;
  #summaries: ReadonlyMap<string, RoomSummary> = new Map();

  constructor(from: Requester, rooms: readonly string[], more: boolean) {
    this.#from = from;
    this.#rooms = rooms;
    this.#more = more;
  }

  begin(turn: Turn, token: number): void {
    const readable = this.#rooms.filter((room) => mayRead(turn.account.rooms.get(room)?.standing));
    if (readable.length === 0) return;
    this.waiting.add(theHeads);
    for (const room of readable) turn.emit({ kind: 'watch', session: this.#from.session, room });
    turn.emit({ kind: 'summaries', rooms: readable, token });
  }

  heard(_turn: Turn, _token: number, answer: GatherAnswer): void {
    if (answer.kind !== 'summaries' || !this.waiting.delete(theHeads)) return;
    this.#summaries = new Map(answer.summaries.map((summary) => [summary.room, summary]));
  }

  finish(turn: Turn): void {
    if (this.waiting.has(theHeads)) {
      turn.reject(this.#from, Rejection.REJECTION_UNAVAILABLE);
      return;
    }
    const rooms: RoomEntry[] = [];
    let bytes = 0;
    let next = '';
    for (const room of this.#rooms) {
      const row = turn.account.rooms.get(room);
      if (row === undefined) continue;
      const entry = listed(room, row, this.#summaries.get(room));
      bytes += RoomEntry.encode(entry).finish().length + 8;
      if (bytes > userLimits.pageBytesMax && rooms.length > 0) {
        next = rooms.at(-1)?.room ?? '';
        break;
      }
      rooms.push(entry);
    }
    if (next === '' && this.#more) next = this.#rooms.at(-1) ?? '';
    turn.answer(this.#from, { $case: 'roomList', value: { rooms, next } });
  }
}

function mayRead(standing: RoomStanding | undefined): boolean {
  const status = standing?.status;
  return status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_SUSPENDED;
}

/** The entry of one room: the user's own part from the row, the room's part, where it may be read, from its summary. */
function listed(room: string, { standing, sinceMs }: RoomRow, summary: RoomSummary | undefined): RoomEntry {
  const invited = standing?.status === MemberStatus.MEMBER_STATUS_INVITED;
  const readable = mayRead(standing);
  const head = readable ? summary?.entry : undefined;
  return {
    room,
    member: standing?.member ?? 0,
    role: standing?.role ?? 0,
    status: standing?.status ?? 0,
    direct: standing?.direct ?? false,
    headSeq: head?.headSeq ?? 0,
    headCount: head?.headCount ?? 0,
    headHash: head?.headHash ?? noBytes,
    readableFrom: readable ? Math.max(standing?.readableFrom ?? 0, summary?.floor ?? 0) : 0,
    control: head?.control,
    name: head?.name,
    invitedBy: invited ? (standing?.byUser ?? '') : '',
    invitedByBot: invited && (standing?.byBot ?? false),
    invitedMs: invited ? sinceMs : 0,
  };
}
