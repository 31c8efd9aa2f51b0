// Consent to a room whose inviter a server made up: by whom this device knows already, nothing is signed before a person approved.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ControlBody, ControlKind, MemberStatus } from '#proto/gen/record.ts';
import { type Actor, makeActor } from '#proto/golden/cast.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { begins, enters, invites } from '../testing/others.ts';
import type { ScriptedSession } from '../testing/scripted-session.ts';

const bob = '@bob:localhost';
let session: ScriptedSession | undefined;
afterEach(() => session?.client.close());

/** This device knows Bob, as he was. */
async function world() {
  const hub = new DirectHub();
  hub.person(bob);
  session = await hub.session();
  const { client } = session;
  await client.people.refresh([bob], '');
  const invited = async (room: string) => {
    await client.held.standing(room, MemberStatus.MEMBER_STATUS_INVITED);
    return room;
  };
  const entries = (room: string) => hub.room(room).control.length;
  return { hub, client, invited, entries };
}

describe('an approval', () => {
  it('with the number is noted of one who did not change, without it there is nothing to approve', async () => {
    const { client } = await world();
    await expect(client.approveIdentity(bob)).rejects.toMatchObject({ code: 'UNKNOWN' });
    expect(client.identityMark(bob)).toBe('seen');
    await client.approveIdentity(bob, { fingerprint: await client.fingerprint(bob) });
    expect(client.identityMark(bob)).toBe('compared');
  });

  it('of nobody says that there is nobody', async () => {
    const { client } = await world();
    await expect(client.approveIdentity('@zzzz:localhost')).rejects.toMatchObject({
      message: expect.stringContaining('nobody with this Luxchat-ID'),
    });
  });
});

describe('an invitation by somebody whom this device knows under another identity', () => {
  it('is accepted once a person approved it, and not before', async () => {
    const { hub, client, invited, entries } = await world();
    const room = await invited(invites(hub, hub.startsOver(bob)));
    await expect(client.accept(room)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    expect(entries(room)).toBe(2);
    expect(client.counters()['alarm.IDENTITY_SWAPPED']).toBe(1);
    const fingerprint = await client.fingerprint(bob);
    const another = fingerprint.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
    await expect(client.approveIdentity(bob, { fingerprint: another })).rejects.toMatchObject({ code: 'UNTRUSTED' });
    await client.approveIdentity(bob, { fingerprint });
    expect(client.identityMark(bob)).toBe('compared');
    await client.accept(room);
    expect([entries(room), client.room(room).status]).toEqual([3, MemberStatus.MEMBER_STATUS_JOINED]);
  });

  it('is not accepted where the server keeps back the list of that identity', async () => {
    const { hub, client, invited, entries } = await world();
    const room = await invited(invites(hub, makeActor(bob, 2)));
    await expect(client.accept(room)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    expect(entries(room)).toBe(2);
  });

  it('is accepted where he waits there to be signed in, approved elsewhere', async () => {
    const { hub, client, invited, entries } = await world();
    const room = await invited(invites(hub, hub.person(bob)));
    hub.startsOver(bob);
    await client.people.refresh([bob], '');
    await client.approveIdentity(bob);
    await client.accept(room);
    expect(entries(room)).toBeGreaterThan(2);
    expect(client.room(room).status).toBe(MemberStatus.MEMBER_STATUS_JOINED);
  });

  it('can be declined all the same', async () => {
    const { hub, client, invited, entries } = await world();
    const room = await invited(invites(hub, hub.startsOver(bob)));
    await client.decline(room);
    expect(entries(room)).toBe(3);
  });

  it('is not accepted by the word of a list that was seen first, either', async () => {
    const hub = new DirectHub();
    const before = hub.person(bob);
    hub.startsOver(bob);
    session = await hub.session();
    const { client } = session;
    await client.people.refresh([bob], '');
    const room = invites(hub, before);
    await client.held.standing(room, MemberStatus.MEMBER_STATUS_INVITED);
    await expect(client.accept(room)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    await client.approveIdentity(bob);
    await client.accept(room);
    expect(client.room(room).status).toBe(MemberStatus.MEMBER_STATUS_JOINED);
  });

  it.each([
    ['who invited', invites],
    ['who invited nobody', (hub: DirectHub, actor: Actor) => begins(hub, actor, hub.me)],
  ])('%s is not taken up by starting the conversation oneself', async (_, made) => {
    const { hub, client, invited } = await world();
    const room = await invited(made(hub, hub.startsOver(bob)));
    await expect(client.startDirect(bob)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    expect([client.room(room).frozen, client.held.need(room).replica.joined]).toEqual(['', false]);
    const kinds = hub.room(room).control.map(({ entry }) => ControlBody.decode(entry.signed).kind);
    expect(kinds).not.toContain(ControlKind.CONTROL_KIND_ACCEPT);
    await client.approveIdentity(bob);
    await client.startDirect(bob);
    expect(client.held.need(room).replica.joined).toBe(true);
  });

  // Between the two entries that begin a 1:1 room a server has time for one of its own.
  it('is not talked to where he brought himself into the room that one began', async () => {
    const { hub, client } = await world();
    const anew = hub.startsOver(bob);
    const room = begins(hub, hub.me, anew);
    hub.room(room).status = MemberStatus.MEMBER_STATUS_JOINED;
    enters(hub, room, anew, { kind: ControlKind.CONTROL_KIND_ACCEPT, actor: 2, target: 2, brings: anew.person(2) });
    await expect(client.startDirect(bob)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    const { sender, replica } = client.held.need(room);
    const receivers = () => sender.place(1).recipients.map(({ user }) => user);
    expect([replica.joined, receivers()]).toEqual([true, ['@me:localhost']]);
    const retry = vi.spyOn(replica, 'retry');
    await client.approveIdentity(bob);
    // There is nothing to sign: the chain names that identity. What came from it until now is read all the same.
    await vi.waitFor(() => expect(retry).toHaveBeenCalled());
    await client.startDirect(bob);
    expect(receivers()).toEqual(['@me:localhost', bob]);
  });
});
