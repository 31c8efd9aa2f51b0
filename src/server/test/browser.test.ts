// The SDK in a real browser: its stores in IndexedDB, login by redirect through the stand-in LuxID, the crypto engine on WebAssembly, one tab at a time,
// tabs that are loaded again, and tabs that are closed in the middle of something. The page keeps the policy that the web app keeps.
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { localStoreContract } from '#client/store/store.contract.ts';
import type { LocalStore } from '#client/store/store.ts';
import { BrowserStage, type Tab } from './browser-stage.ts';
import { eventually } from './harness.ts';

const canary = 'a canary in the browser';

let stage: BrowserStage;

beforeAll(async () => {
  stage = await BrowserStage.start();
}, 120_000);

afterAll(() => stage?.close());

describe.each([
  ['plain', false],
  ['sealed', true],
])('a %s local store in IndexedDB', (name, sealed) => {
  let databases = 0;
  let tab: Tab;
  beforeAll(async () => {
    tab = await stage.openTab(await stage.newProfile());
  });
  localStoreContract(() => storeIn(tab, `${name} ${databases++}`, sealed));
});

describe('two people in two browsers', () => {
  let contexts: BrowserContext[];
  let alice: Tab;
  let bob: Tab;
  let room: string;

  beforeAll(async () => {
    contexts = [await stage.newProfile(), await stage.newProfile()];
    [alice, bob] = (await Promise.all(contexts.map((each) => stage.openTab(each)))) as [Tab, Tab];
  });

  it('log in by redirect, and talk end-to-end encrypted', async () => {
    await stage.login(alice, 'alice');
    await stage.login(bob, 'bob');
    const [, { user }] = await Promise.all([alice.call.open(), bob.call.open()]);
    room = await alice.call.startDirect(user);
    await eventually('bob is invited', async () => (await bob.call.room(room))?.invited === true);
    await bob.call.accept(room);
    await eventually('both are in', async () => (await alice.call.room(room))?.members === 1);
    await alice.call.send(room, canary);
    await reads(bob, canary);
    await bob.call.send(room, 'moien');
    await reads(alice, 'moien');
  });

  it('keep everything in the clear from their disks, and the key in the browser', async () => {
    const raw = [canary, 'alice', stage.url];
    const plain = await storeIn(alice, 'control', false);
    await plain.write([{ table: 'account', key: 'x', value: new TextEncoder().encode('plain to see') }]);
    expect(await alice.call.finds(['plain to see'])).toHaveLength(1);
    for (const { call } of [alice, bob]) {
      expect(await call.finds(raw)).toEqual([]);
      expect(await call.exportKey()).toBe('InvalidAccessError');
      expect(await call.cryptoDurability()).toBe('strict');
    }
  });

  it('find everything again when the page is loaded again, and go on', async () => {
    await alice.page.reload();
    expect(await alice.call.open()).toMatchObject({ confirmed: true });
    expect(await texts(alice)).toEqual([canary, 'moien']);
    await alice.call.send(room, 'after the reload');
    await reads(bob, 'after the reload');
  });

  it('step up by redirect, and the page that was loaded anew gets the grant, once', async () => {
    const address = await stage.throughLuxId(alice, 'alice', await alice.call.beginStepUp(`${stage.url}/`));
    await alice.call.open();
    expect(await alice.call.finishStepUp(address)).toEqual({ token: expect.stringMatching(/^lxg_/), attemptBytes: 16 });
    await expect(alice.call.finishStepUp(address)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
    await alice.page.goto(stage.url);
    await alice.call.open();
  });

  it('open a device in one tab only', async () => {
    const second = await stage.openTab(contexts[0] as BrowserContext);
    await expect(second.call.open()).rejects.toMatchObject({ code: 'IN_USE' });
    await expect(second.call.remove()).rejects.toMatchObject({ code: 'IN_USE' });
    await alice.page.close();
    alice = second;
    await alice.call.open();
    expect(await texts(alice)).toContain('after the reload');
  });

  // A tab goes without a word: a step of a ratchet that was used must not be used again, and what was written must arrive once.
  it('lose and repeat nothing when tabs are closed in the middle of sending', async () => {
    const written: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let at = 0; at <= round; at++) {
        written.push(`${round}.${at}`);
        await alice.call.send(room, written.at(-1) ?? '');
      }
      await alice.page.close();
      alice = await stage.openTab(contexts[0] as BrowserContext);
      await alice.call.open();
    }
    await alice.call.flushed();
    await reads(bob, written.at(-1) ?? '');
    expect((await texts(bob)).slice(-written.length)).toEqual(written);
    expect(await bob.call.troubles()).toEqual([]);
  });

  it('leave nothing behind when they log out', async () => {
    await bob.call.logout();
    await bob.call.remove();
    // The library lets go of its database when the page does.
    await bob.page.reload();
    expect([await bob.call.has(), await bob.call.databases()]).toEqual([false, ['luxchat default keys']]);
    await expect(bob.call.open()).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
  });

  it('had no error on any page', async () => {
    expect(await alice.call.troubles()).toEqual([]);
    expect(stage.errors).toEqual([]);
  });

  function texts({ call }: Tab): Promise<string[]> {
    return call.texts(room);
  }

  function reads(tab: Tab, text: string): Promise<void> {
    return eventually(`${text} is read`, async () => (await texts(tab)).includes(text));
  }
});

/** A store in the page as one here. */
async function storeIn({ call }: Tab, name: string, sealed: boolean): Promise<LocalStore> {
  const coded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error & { code: 'STORE' }) => {
      throw new ClientError(error.code, error.message);
    });
  const at = await call.openStore(name, sealed);
  return {
    get: async (table, key) => {
      const value = await coded(call.storeGet(at, table, key));
      return value && Uint8Array.from(value);
    },
    list: async (table, range) => {
      const rows = await coded(call.storeList(at, table, range));
      return rows.map(({ key, value }) => ({ key, value: Uint8Array.from(value) }));
    },
    write: (changes) =>
      coded(
        call.storeWrite(
          at,
          changes.map(({ table, key, value }) => ({
            table,
            key,
            value: value && (value instanceof Uint8Array ? [...value] : 'no bytes'),
          })),
        ),
      ),
    close: () => coded(call.storeClose(at)).then(() => {}),
  };
}
