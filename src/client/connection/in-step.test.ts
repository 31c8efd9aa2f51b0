// What the server tells while a device is being brought in step must not be lost: it is acknowledged, and never told again.
import { afterEach, describe, expect, it } from 'vitest';
import { RoomEntry } from '#proto/gen/client.ts';
import { LocalRoom } from '#proto/gen/local.ts';
import { InboxEntry, MemberStatus, RoomStanding } from '#proto/gen/record.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { type Script, ScriptedSession, told } from '../testing/scripted-session.ts';
import type { ServerBody } from './connection.ts';

const room = `!g${'a'.repeat(32)}:localhost`;
const { MEMBER_STATUS_INVITED: invited } = MemberStatus;
const entry = RoomEntry.decode(new Uint8Array());
const invitation = told('roomList', {
  rooms: [{ ...entry, room, member: 2, status: invited, invitedBy: '@bob:localhost' }],
});
const inbox = (body: object) =>
  told('inboxPage', { entries: [{ ...InboxEntry.decode(new Uint8Array()), body }], through: 1, head: 1 });

let session: ScriptedSession | undefined;
afterEach(() => session?.client.close());

/** A server that tells `page` of the inbox between the first page of its list and the last; from then on the list is `list`. */
function tellsBehindTheList(page: ServerBody, list: ServerBody): ScriptedSession {
  const missing = page.$case === 'inboxPage' && page.value.needsFullSync;
  let lists = 0;
  let unread: ServerBody | undefined;
  let acked = () => {};
  const script: Script = (asked) => {
    switch (asked.$case) {
      case 'fetchInbox': {
        const now = unread;
        unread = undefined;
        return now;
      }
      case 'ackInbox':
        if (asked.value.synced === missing) acked();
        return undefined;
      case 'listRooms':
        lists += 1;
        if (lists === 1) return told('roomList', { next: '!z' });
        if (lists > 2) return list;
        unread = page;
        made.push(told('inboxMoved', { head: 1 }));
        return new Promise((resolve) => {
          acked = () => resolve(told('roomList'));
        });
      default:
        return undefined;
    }
  };
  const made = new ScriptedSession(script);
  session = made;
  return made;
}

describe('a room that the list names and that can not be subscribed', () => {
  const { MEMBER_STATUS_JOINED: joined } = MemberStatus;
  const other = `!g${'b'.repeat(32)}:localhost`;
  const listed = (id: string) => ({ ...entry, room: id, member: 2, status: joined, headSeq: 1 });

  it('is asked for again where it was put off, and let go where the user is not in it', async () => {
    let asks = 0;
    const { client, asked } = new ScriptedSession(({ $case }) => {
      if ($case === 'listRooms') return told('roomList', { rooms: [listed(room), listed(other)] });
      if ($case !== 'subscribe') return undefined;
      asks += 1;
      return told('subscribed', asks === 1 ? { deferred: [room], refused: [other] } : { deferred: [room] });
    });
    session = { client } as ScriptedSession;
    await client.start();
    await client.synced();
    const rooms = asked.flatMap((body) => (body.$case === 'subscribe' ? [body.value.rooms] : []));
    expect(rooms[0]).toEqual([room, other]);
    expect(rooms.length).toBeGreaterThan(1);
    for (const again of rooms.slice(1)) expect(again).toEqual([room]);
    expect(client.rooms().map((info) => info.room)).toEqual([room]);
  });

  // The standing that says so may be metered or late: the room stayed on the list, and what was written into it waited for ever.
  it('is looked up again where it is shown here, until the list says that the user is out of it', async () => {
    const store = new MemoryStore();
    const kept = LocalRoom.encode({ ...LocalRoom.decode(new Uint8Array()), room, member: 2, status: joined }).finish();
    await store.write([{ table: 'rooms', key: room, value: kept }]);
    let lists = 0;
    const made = new ScriptedSession(
      ({ $case }) => {
        if ($case === 'subscribe') return told('subscribed', { refused: [room] });
        if ($case !== 'listRooms') return undefined;
        lists += 1;
        const status = lists > 2 ? MemberStatus.MEMBER_STATUS_REMOVED : joined;
        return told('roomList', { rooms: [{ ...listed(room), status }] });
      },
      { store },
    );
    session = made;
    const { client } = made;
    await client.start();
    await client.synced();
    expect(client.room(room).status).toBe(joined);
    await client.once('room', ({ status }) => status === MemberStatus.MEMBER_STATUS_REMOVED);
    expect(lists).toBe(3);
  });
});

describe('a device that is being brought in step', () => {
  it('follows an invitation that comes behind the list of rooms, before it says that it is in step', async () => {
    const { client } = tellsBehindTheList(
      inbox({ $case: 'standing', value: { ...RoomStanding.decode(new Uint8Array()), room, status: invited } }),
      invitation,
    );
    const invitations: string[] = [];
    client.on('invitation', (info) => invitations.push(info.room));
    await client.start();
    await client.synced();
    expect(invitations).toEqual([room]);
    expect(client.room(room)).toMatchObject({ status: invited, invitedBy: '@bob:localhost' });
  });

  it('compares all rooms again when it hears behind the list that something may be missing', async () => {
    const page = told('inboxPage', { through: 1, head: 1, needsFullSync: true });
    const { client, asked } = tellsBehindTheList(page, invitation);
    await client.start();
    await client.synced();
    expect(client.rooms().map((info) => info.room)).toEqual([room]);
    expect(asked.filter(({ $case }) => $case === 'listRooms')).toHaveLength(3);
  });
});
