// The service over the store in memory: what is chosen and found, and each limit at n and n + 1.
import { describe, expect, it } from 'vitest';
import type { AboutDirectory, AnswerBody } from '#actors/kernel/messages.ts';
import { DirectoryHits, ListingChoice, ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { DirectoryStore } from '../storage/directory.ts';
import { MemoryDirectory } from '../storage/memory/directory.ts';
import { Directory } from './directory.ts';
import { searchLimits } from './searches.ts';

const { LISTING_CHOICE_YES: yes, LISTING_CHOICE_NO: no, LISTING_CHOICE_UNSPECIFIED: unasked } = ListingChoice;
const dayMs = 86_400_000;
const done = { $case: 'done', value: {} };
const { REJECTION_RATE_LIMITED: rateLimited } = Rejection;

function provider(store: DirectoryStore = new MemoryDirectory()) {
  const clock = { now: 1_700_000_000_000 };
  const isBot = (user: string) => user.startsWith('@bot');
  const directory = new Directory({
    store,
    isBot,
    now: () => clock.now,
    wait: () => Promise.resolve(),
  });
  const idOf = (user: string) => `@${user}:lux.example`;
  const ask = async (user: string, body: AboutDirectory) => {
    const answer: AnswerBody = await directory.serve({ user: idOf(user), body });
    return answer.$case === 'rejected' ? answer.value.code : answer;
  };
  const set = (user: string, choice: ListingChoice, name = '') =>
    ask(user, { $case: 'setListing', value: { choice, name } });
  const read = async (user: string) => {
    const answer = await ask(user, { $case: 'readListing', value: {} });
    return typeof answer !== 'number' && answer.$case === 'listing' ? answer.value : answer;
  };
  const search = async (text: string, user = 'eve') => {
    const answer = await ask(user, { $case: 'searchDirectory', value: { text } });
    return typeof answer !== 'number' && answer.$case === 'directoryHits' ? answer.value.hits : answer;
  };
  return { directory, store, clock, idOf, set, read, search };
}

describe('a listing', () => {
  it('is unanswered at first, then what was chosen last', async () => {
    const { set, read } = provider();
    expect(await read('ann')).toEqual({ choice: unasked, name: '' });
    expect(await set('ann', no)).toEqual(done);
    expect(await read('ann')).toEqual({ choice: no, name: '' });
    expect(await set('ann', yes, 'Änn')).toEqual(done);
    expect(await read('ann')).toEqual({ choice: yes, name: 'Änn' });
  });

  it('takes ten names in ten days and not one more, and a NO at any time', async () => {
    const { set, read, clock } = provider();
    expect(limits.listingNamesMax).toBe(10);
    for (let n = 0; n < 10; n++) expect(await set('ann', yes, `Ann ${n}`)).toEqual(done);
    expect(await set('ann', yes, 'Ann 9')).toEqual(done);
    expect(await set('ann', yes, 'Ann 10')).toBe(rateLimited);
    expect(await set('ann', no)).toEqual(done);
    expect(await set('ann', yes, 'Ann 9')).toBe(rateLimited);
    expect(await read('ann')).toEqual({ choice: no, name: '' });
    clock.now += 10 * dayMs - 1;
    expect(await set('ann', yes, 'Ann 9')).toBe(rateLimited);
    clock.now += 1;
    expect(await set('ann', yes, 'Ann 9')).toEqual(done);
  });

  it('says when the next name may be given, and lets a clock go back', async () => {
    const { directory, set, clock, idOf } = provider();
    for (let n = 0; n < 10; n++) await set('ann', yes, `Ann ${n}`);
    clock.now += 1_000;
    const body = { $case: 'setListing', value: { choice: yes, name: 'Ann X' } } as const;
    expect(await directory.serve({ user: idOf('ann'), body })).toMatchObject({
      value: { retryAfterMs: 10 * dayMs - 1_000 },
    });
    clock.now -= 11 * dayMs;
    expect(await set('ann', yes, 'Ann X')).toEqual(done);
  });

  it('goes on where others change it in between, and gives up in the end', async () => {
    class Contested extends MemoryDirectory {
      lost = 0;
      override async changeListing(...args: Parameters<MemoryDirectory['changeListing']>) {
        return this.lost-- > 0 ? false : super.changeListing(...args);
      }
    }
    const store = new Contested();
    const { set } = provider(store);
    store.lost = 9;
    expect(await set('ann', yes, 'Ann')).toEqual(done);
    store.lost = 10;
    await expect(set('ann', no)).rejects.toThrow('without pause');
  });

  it('is gone with the account', async () => {
    const { directory, store, set, search, idOf } = provider();
    await directory.erase(idOf('ann'));
    await set('ann', yes, 'Ann');
    await directory.erase(idOf('ann'));
    await directory.erase(idOf('ann'));
    expect([await store.readListing(idOf('ann')), await search('ann')]).toEqual([null, []]);
  });
});

describe('a search', () => {
  it('finds who said yes, folded, and marks bots', async () => {
    const { set, search } = provider();
    await set('ann', yes, 'Zoé Müller');
    await set('bot-info', yes, 'Müllabfuhr');
    expect(await search('  MUL')).toEqual([
      { user: '@bot-info:lux.example', name: 'Müllabfuhr', bot: true },
      { user: '@ann:lux.example', name: 'Zoé Müller', bot: false },
    ]);
  });

  it('answers alike about who said no, who never answered and who does not exist', async () => {
    const { directory, set, idOf } = provider();
    await set('ann', yes, 'Ann Opted Out');
    await set('ann', no);
    const bytes = async (text: string) => {
      const answer = await directory.serve({ user: idOf('eve'), body: { $case: 'searchDirectory', value: { text } } });
      return Buffer.from(ServerFrame.encode({ request: 1, body: answer }).finish()).toString('hex');
    };
    expect(new Set([await bytes('ann opted out'), await bytes('optedx'), await bytes('nobody at all')]).size).toBe(1);
  });

  it('is limited whatever comes of it, for each user, and then says when to come again', async () => {
    const { search, clock, set } = provider();
    await set('ann', yes, 'Ann');
    for (let n = 0; n < searchLimits.userBurst; n++)
      expect(await search(n % 2 === 0 ? 'ann' : 'xyz')).not.toBe(rateLimited);
    expect([await search('ann'), await search('xyz')]).toEqual([rateLimited, rateLimited]);
    expect(await search('ann', 'ben')).toHaveLength(1);
    clock.now += searchLimits.userEveryMs;
    expect(await search('ann')).toHaveLength(1);
    expect(await search('ann')).toBe(rateLimited);
  });

  it('fits a frame with ten of the longest names', () => {
    const user = `@${'u'.repeat(limits.userNameCharactersMax)}:${'p'.repeat(limits.providerCharactersMax)}`;
    const hit = { user, name: '\u{10ffff}'.repeat(limits.listingNameCharactersMax), bot: true };
    const hits = DirectoryHits.encode({ hits: Array(limits.searchHitsMax).fill(hit) }).finish();
    expect(hits.length).toBeLessThan(limits.frameBytesMax / 10);
  });

  it('is counted by what came of it, and by nothing else', async () => {
    const { directory, set, search } = provider();
    await set('ann', yes, 'Ann');
    await search('ann');
    await search('xyz');
    expect([...directory.counts.all()]).toEqual([
      ['setListing.done', 1],
      ['searchDirectory.done', 2],
    ]);
  });
});
