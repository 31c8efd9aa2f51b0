// A member who lies in what they say to have seen, while the hub is honest: the others are told who it is, go on, and can take the liar out.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Alarm } from '#client/alarms.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { type Cast, gather, join, newRoom, reads, says } from './liar-scene.ts';

let cast: Cast;
const bobs: Alarm[] = [];

beforeAll(async () => {
  cast = await gather(await ProviderProcess.start());
  cast.bob.on('alarm', (alarm) => bobs.push(alarm));
}, 60_000);

afterAll(async () => {
  await Promise.allSettled([cast?.alice, cast?.bob, cast?.eve, cast?.dora].map((client) => client?.close()));
  cast?.liar.close();
  await cast?.provider.remove();
});

/** From here on this client claims in every message to have seen a record that never was. */
function claims(client: LuxchatClient, room: string, ahead: number): void {
  const { sender, replica } = client.held.need(room);
  const place = sender.place.bind(sender);
  sender.place = (sendId, member) => ({
    ...place(sendId, member),
    seen: { seq: replica.headSeq + ahead, hash: new Uint8Array(32).fill(66) },
  });
}

const about = (alarms: readonly Alarm[], room: string) =>
  alarms.filter((alarm) => alarm.room === room).map(({ code, user }) => `${code} ${user}`);

it.each([
  ['a made-up hash', 0],
  ['a place above its own', 5],
])('a member who claims %s holds nobody up and can be removed', async (_what, ahead) => {
  const { alice, bob, eve, alarms, room } = await newRoom(cast);
  claims(eve, room, ahead);
  await says(eve, room, 'I saw something else');
  for (const each of [alice, bob]) await reads(each, room, 'I saw something else');
  const named = [`HISTORY_FORKED ${eve.user}`];
  expect([about(alarms, room), about(bobs, room)]).toEqual([named, named]);
  await says(alice, room, 'let us go on');
  await reads(bob, room, 'let us go on');
  await bob.remove(room, eve.user);
  await says(bob, room, 'without her');
  await reads(alice, room, 'without her');
  expect([alice.room(room).frozen, bob.room(room).frozen]).toEqual(['', '']);
});

it('two members who lie freeze the room until a person decides, and the owner can take both out of the frozen room', async () => {
  const { alice, bob, eve, dora, room } = await newRoom(cast);
  await bob.invite(room, dora.user);
  await join(dora, room);
  for (const each of [eve, dora]) {
    await eventually('dora is in', () => each.room(room).status === MemberStatus.MEMBER_STATUS_JOINED);
    claims(each, room, 0);
    await says(each, room, 'I saw something else');
  }
  for (const each of [alice, bob]) await eventually('it is frozen', () => each.room(room).frozen === 'HISTORY_FORKED');
  await expect(bob.send(room, 'not now')).rejects.toMatchObject({ code: 'UNTRUSTED' });
  for (const each of [eve, dora]) await bob.remove(room, each.user);
  for (const each of [alice, bob]) await each.acknowledgeAlarm(room);
  await says(alice, room, 'only the two of us');
  await reads(bob, room, 'only the two of us');
  expect([alice.room(room).frozen, bob.room(room).frozen]).toEqual(['', '']);
});
