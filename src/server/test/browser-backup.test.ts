// A person's messages secured in a real browser: password, Argon2id at its full price, backup and change of the password in Chromium, on the crypto library's own
// IndexedDB; and another profile that opens it, when nobody is there any more to give it a key. Alice goes through the tests in this order.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { BrowserStage, type Tab } from './browser-stage.ts';
import { eventually } from './harness.ts';

let stage: BrowserStage;

beforeAll(async () => {
  stage = await BrowserStage.start();
}, 120_000);

afterAll(() => stage?.close());

describe('a browser that is secured', () => {
  const isProtected = { state: 'protected', backup: true, waiting: 0 };
  let alice: Tab;
  let bob: LuxchatClient;
  let direct = '';
  let later = '';
  let first = '';
  let second = '';

  it('makes a password, and every session that it has goes into the backup', async () => {
    alice = await stage.openTab(await stage.newProfile());
    await stage.login(alice, 'alice');
    await alice.call.open();
    bob = await stage.provider.device('bob');
    direct = await alice.call.startDirect(bob.user);
    const invited = () => bob.rooms().some(({ room }) => room === direct);
    await eventually('bob is invited', invited, 20_000, [bob]);
    await bob.accept(direct);
    await eventually('both are in', async () => (await alice.call.room(direct))?.members === 1);
    await alice.call.send(direct, 'mine');
    await alice.call.flushed();
    await bob.send(direct, 'theirs');
    await eventually('alice reads it', async () => (await alice.call.texts(direct)).includes('theirs'));

    first = await alice.call.generatePassword();
    await stage.stepUp(alice, 'alice');
    // A second of work, in turns of 10 ms: the page's timers come between them, and so do its connection and its worker.
    expect(await alice.call.setUp(first)).toBeGreaterThan(10);
    expect(await alice.call.secured()).toEqual(isProtected);
    expect(await alice.call.count('backup.sessions')).toBe(2);
  });

  it('goes on where it was when the page is loaded again: what is backed up stays so', async () => {
    await alice.page.reload();
    await alice.call.open();
    expect(await alice.call.secured()).toEqual(isProtected);
    expect(await alice.call.count('backup.sessions')).toBe(0);
  });

  // The library's store keeps for each session that it is backed up, and for which version: all of them wait again, and are told from the later one.
  it('fills a new backup under a changed password, with what the old one held and what came after', async () => {
    second = await alice.call.generatePassword();
    await stage.stepUp(alice, 'alice');
    await alice.call.changePassword(second);
    expect(await alice.call.secured()).toEqual(isProtected);
    expect(await alice.call.count('backup.sessions')).toBe(2);

    later = await alice.call.createGroup('Later');
    await alice.call.send(later, 'remember the milk');
    await alice.call.flushed();
    expect(await alice.call.secured()).toEqual(isProtected);
    expect(await alice.call.count('backup.sessions')).toBe(3);
    expect(await alice.call.finds([first, second, 'remember the milk'])).toEqual([]);
  });

  it('is lost, and another profile reads all of it with the password alone', async () => {
    expect(await alice.call.troubles()).toEqual([]);
    await alice.page.context().close();
    await bob.close();

    const fresh = await stage.openTab(await stage.newProfile());
    await stage.login(fresh, 'alice');
    expect(await fresh.call.open()).toMatchObject({ confirmed: false });
    expect(await fresh.call.texts(direct)).toEqual(['(NO_KEY)', '(NO_KEY)']);
    await stage.stepUp(fresh, 'alice');
    await expect(fresh.call.unlock(first)).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await fresh.call.unlock(second);
    expect(await fresh.call.secured()).toEqual(isProtected);
    expect(await fresh.call.texts(direct)).toEqual(['mine', 'theirs']);
    expect(await fresh.call.texts(later)).toEqual(['remember the milk']);

    await fresh.page.reload();
    expect(await fresh.call.open()).toMatchObject({ confirmed: true });
    expect(await fresh.call.secured()).toEqual(isProtected);
    expect(await fresh.call.texts(direct)).toEqual(['mine', 'theirs']);
    expect([await fresh.call.count('backup.sessions'), await fresh.call.troubles()]).toEqual([0, []]);
    expect(stage.errors).toEqual([]);
  });
});
