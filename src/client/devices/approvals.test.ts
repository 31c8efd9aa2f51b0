// Which identity of a person counts: what was seen first, approved, compared, or signed in by a room, while another one is shown.
import { describe, expect, it } from 'vitest';
import { bytesOf, makeActor, signManifest } from '#proto/golden/cast.ts';
import { bob, chainOf, hashOf, KeyServer, reborn, room, startedOver } from '../testing/key-server.ts';
import { identityMark } from './known.ts';
import { People } from './people.ts';

describe('approvals', () => {
  it('notes what a person compared of the identity that is trusted, and forgets it when that changes', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const mark = () => identityMark(server.people.get(bob.user));
    expect([mark(), identityMark(server.people.get('@eve:localhost'))]).toEqual(['seen', 'unknown']);
    expect(await server.people.approvals.noteCompared(bob.user, reborn.master.publicKey)).toBe(false);
    expect([await server.people.approvals.noteCompared(bob.user, bob.master.publicKey), mark()]).toEqual([
      true,
      'compared',
    ]);
    await server.people.take(bob.user, signManifest(bob, { version: 2, devices: [1], previousHash: hashOf(server) }));
    expect(mark()).toBe('compared');
    await server.startOver();
    expect(mark()).toBe('changed');
    // Nobody approved that one yet: to have compared it approves nothing.
    for (const one of [bob, reborn])
      expect(await server.people.approvals.noteCompared(bob.user, one.master.publicKey)).toBe(false);
    await server.people.approvals.approve(bob.user, reborn.master.publicKey);
    expect(mark()).toBe('approved');
    await server.people.approvals.noteCompared(bob.user, reborn.master.publicKey);
    await server.next(bob, 1);
    await server.next(reborn, 2);
    expect(mark()).not.toBe('compared');
  });

  it('gives keys to the identity that a room names and to no other, whoever approved what', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const anew = makeActor('@bob:localhost', 2).master.publicKey;
    expect(server.people.recipient(bob.user, anew)).toBeUndefined();
    expect(await server.people.approvals.approve(bob.user, bob.master.publicKey)).toBe(false);
    await server.startOver();
    expect(server.codes()).toEqual(['IDENTITY_SWAPPED']);
    expect(server.people.get(bob.user)?.fingerprint).toEqual(bob.master.publicKey);
    // The list of now is of another identity than this room knows; in that one it was signed in.
    expect(server.people.recipient(bob.user, bob.master.publicKey)).toBeUndefined();
    expect(server.people.recipient(bob.user, anew)?.devices).toEqual([reborn.device(2).id]);
    // The engine works with it for the sake of that room, and nobody is approved by it.
    expect(await server.people.approvals.meetCommitted(bob.user, bob.master.publicKey, room)).toBe(false);
    expect(await server.people.approvals.meetCommitted(bob.user, anew, room)).toBe(true);
    expect(server.people.get(bob.user)?.changedTo).toEqual(anew);
    // Once is enough: each time means that all who share a key are judged anew.
    expect(await server.people.approvals.meetCommitted(bob.user, anew, room)).toBe(true);
    expect(await server.people.approvals.approve(bob.user, anew)).toBe(true);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: anew, changedTo: new Uint8Array() });
    expect(server.approved).toEqual([bob.user]);
  });

  it('has the engine work with no identity but the one that the room names', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    await server.startOver();
    server.inEngine = bytesOf('another one');
    server.found = server.inEngine;
    expect(await server.people.approvals.meetCommitted(bob.user, reborn.master.publicKey, room)).toBe(false);
    expect(server.approved).toEqual([]);
  });

  it('keeps that a person approved an identity, and forgets it once there is another, also where the approved one comes back', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const isApproved = () => server.people.get(bob.user)?.approved;
    await server.startOver();
    expect(isApproved()).toBe(false);
    await server.people.approvals.approve(bob.user, reborn.master.publicKey);
    expect(isApproved()).toBe(true);
    await server.next(reborn, 2);
    const again = new People(() => server.parts());
    await again.load();
    expect([isApproved(), again.get(bob.user)?.approved]).toEqual([true, true]);
    await server.next(makeActor(bob.user, 3), 3);
    expect(isApproved()).toBe(false);
    await server.next(reborn, 2);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: reborn.master.publicKey, approved: false });
  });

  it('does not take for approved what it saw first, whatever that says of former identities, until a person says so', async () => {
    const server = new KeyServer();
    const { publicKey } = reborn.master;
    server.shown = [signManifest(reborn, { version: 2, devices: [2], formerKeys: [bob.master.publicKey] }, 2)];
    await server.people.refresh([bob.user], room);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: publicKey, approved: false });
    expect(server.people.startedOver()).toHaveLength(1);
    const approve = () => server.people.approvals.approve(bob.user, publicKey);
    expect([await approve(), await approve()]).toEqual([true, false]);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: publicKey, approved: true });
  });

  // A bot approved at the alarm, before the engine had looked: it accepted the old identity once more, and never told the bot that the new one wrote.
  it('has the engine look for the identity that was approved, and accept that one', async () => {
    const server = await startedOver();
    server.inEngine = bob.master.publicKey;
    expect(await server.people.approvals.approve(bob.user, reborn.master.publicKey)).toBe(true);
    expect([server.approved, server.inEngine]).toEqual([[bob.user], reborn.master.publicKey]);
  });

  it('approves nothing that the engine cannot have', async () => {
    const server = await startedOver();
    server.inEngine = bob.master.publicKey;
    server.found = bytesOf('another one');
    await expect(server.people.approvals.approve(bob.user, reborn.master.publicKey)).rejects.toMatchObject({
      code: 'OFFLINE',
    });
    expect(server.people.get(bob.user)).toMatchObject({ changedTo: reborn.master.publicKey, approved: false });
    expect(server.approved).toEqual([]);
  });

  it('approves what the person saw, and not what came meanwhile', async () => {
    const server = await startedOver();
    await expect(server.people.approvals.approve(bob.user, bob.master.publicKey)).rejects.toMatchObject({
      code: 'UNTRUSTED',
    });
    server.meanwhile = () => server.next(makeActor(bob.user, 3), 3);
    await expect(server.people.approvals.approve(bob.user, reborn.master.publicKey)).rejects.toMatchObject({
      code: 'UNTRUSTED',
    });
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: bob.master.publicKey, approved: false });
  });

  it('keeps a list that came while the engine accepted the identity', async () => {
    const server = await startedOver();
    server.meanwhile = () => server.next(reborn, 2);
    expect(await server.people.approvals.approve(bob.user, reborn.master.publicKey)).toBe(true);
    expect(server.people.get(bob.user)).toMatchObject({ approved: true, manifest: { body: { version: 3 } } });
  });
});
