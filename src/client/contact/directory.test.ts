import { describe, expect, it } from 'vitest';
import { ListingChoice } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { testPrimitives as primitives } from '#proto/golden/cast.ts';
import { idCheckCharacter } from '#proto/rules/luxchat-id.ts';
import { ClientError } from '../errors.ts';
import { contactLink } from './contact.ts';
import { Directory, type DirectoryPorts } from './directory.ts';

const name = `k3m9x7qp2t${idCheckCharacter('k3m9x7qp2t')}`;
const fingerprint = new Uint8Array(32).fill(9);

function device(answer: (asked: unknown) => unknown = () => ({}), confirmed = true) {
  const asked: unknown[] = [];
  const request = async (body: unknown) => {
    asked.push(body);
    return answer(body);
  };
  const ports = { user: '@me:own.lu', primitives, request, confirmed: () => confirmed } as unknown as DirectoryPorts;
  return { directory: new Directory(() => ports), asked };
}

const code = (failing: Promise<unknown>) =>
  failing.then(
    () => 'fine',
    (error) => (error as ClientError).code,
  );

describe('a search', () => {
  it('for an id or a link is that person, and no server hears of it', async () => {
    const { directory, asked } = device();
    const there = { name: '', bot: false };
    expect(await directory.search(name)).toEqual([{ user: `@${name}:own.lu`, ...there }]);
    expect(await directory.search(`@${name}:Other.lu`)).toEqual([{ user: `@${name}:other.lu`, ...there }]);
    const link = contactLink(`@${name}:other.lu`, fingerprint, primitives);
    expect(await directory.search(link)).toEqual([{ user: `@${name}:other.lu`, fingerprint, ...there }]);
    expect(asked).toEqual([]);
  });

  it('for a mistyped id says so, and for too little too, without asking', async () => {
    const { directory, asked } = device();
    for (const text of [`@${name.slice(0, 10)}!`, `@${name}x:own.lu`, 'ab', ' é ', 'x'.repeat(65)])
      expect(await code(directory.search(text))).toBe('BAD_ARGUMENT');
    expect(asked).toEqual([]);
  });

  it('takes ten hits of the own provider and no more from a server', async () => {
    const hit = (user: string) => ({ user, name: 'Ann', bot: true, more: 1 });
    const unnamed = ['', 'x'.repeat(65), 'Ann\u202e'].map((given) => ({ ...hit('@y:own.lu'), name: given }));
    const foreign = [hit('@x:other.lu'), hit('nonsense'), ...unnamed];
    const own = Array.from({ length: 11 }, (_, n) => hit(`@a${n}:own.lu`));
    const { directory, asked } = device(() => ({ hits: [...foreign, ...own] }));
    const found = await directory.search('Ann');
    expect(found).toEqual(own.slice(0, 10).map(({ user }) => ({ user, name: 'Ann', bot: true })));
    expect(asked).toEqual([{ $case: 'searchDirectory', value: { text: 'Ann' } }]);
  });

  it('that is refused is not repeated: a person waits', async () => {
    const refusal = new ClientError('REJECTED', 'no', {
      rejection: Rejection.REJECTION_RATE_LIMITED,
      retryAfterMs: 60_000,
    });
    const { directory, asked } = device(() => {
      throw refusal;
    });
    await expect(directory.search('Ann')).rejects.toBe(refusal);
    expect(asked).toHaveLength(1);
  });
});

describe('a listing', () => {
  const { LISTING_CHOICE_UNSPECIFIED: unasked, LISTING_CHOICE_YES: yes, LISTING_CHOICE_NO: no } = ListingChoice;

  it('is read', async () => {
    const read = (choice: ListingChoice, given = '') => device(() => ({ choice, name: given })).directory.listing();
    expect(await read(unasked)).toEqual({ choice: 'unasked', name: '' });
    expect(await read(no, 'ignored')).toEqual({ choice: 'no', name: '' });
    expect(await read(yes, 'Ann')).toEqual({ choice: 'yes', name: 'Ann' });
    expect(await read(7 as ListingChoice)).toEqual({ choice: 'unasked', name: '' });
  });

  it('is set, in one form of the name', async () => {
    const { directory, asked } = device();
    await directory.setListing('yes', '  Zoe\u0308  M ');
    await directory.setListing('no');
    await directory.setListing('no', 'never sent');
    expect(asked).toEqual([
      { $case: 'setListing', value: { choice: yes, name: 'Zoë M' } },
      { $case: 'setListing', value: { choice: no, name: '' } },
      { $case: 'setListing', value: { choice: no, name: '' } },
    ]);
  });

  it('is refused here where the server would', async () => {
    const { directory, asked } = device();
    for (const wrong of ['', 'Bo', 'a'.repeat(65), 'An\u202en'])
      expect(await code(directory.setListing('yes', wrong))).toBe('BAD_ARGUMENT');
    expect(await code(device(undefined, false).directory.setListing('yes', 'Ann'))).toBe('NOT_CONFIRMED');
    expect(asked).toEqual([]);
  });
});
