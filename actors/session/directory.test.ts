import { describe, expect, it } from 'vitest';
import type { RequestBody, ServedRequest } from '#actors/kernel/messages.ts';
import { ListingChoice } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { directoryFault } from './directory.ts';
import { ann, manifest, rejection, Stage } from './stage.ts';

const { LISTING_CHOICE_YES: yes, LISTING_CHOICE_NO: no, LISTING_CHOICE_UNSPECIFIED: unasked } = ListingChoice;
const read = { $case: 'readListing', value: {} } as const;
const set = (choice: ListingChoice, name = '') => ({ $case: 'setListing', value: { choice, name } }) as const;
const search = (text: string) => ({ $case: 'searchDirectory', value: { text } }) as const;
const badRequest = Rejection.REJECTION_BAD_REQUEST;

describe('a request about the directory', () => {
  it('says yes with a name, or no without one', () => {
    for (const fine of [read, set(yes, 'Ann'), set(yes, 'a'.repeat(64)), set(no)])
      expect(directoryFault(fine)).toBeNull();
    const wrong = [set(yes), set(no, 'Ann'), set(unasked), set(9 as ListingChoice, 'Ann'), set(yes, 'a'.repeat(65))];
    for (const each of [...wrong, set(yes, 'Ann\n'), set(yes, 'Bo')]) expect(directoryFault(each)).toBe(badRequest);
  });

  it('searches for three letters at least', () => {
    for (const fine of ['ann', '  ÄNN! ', 'a'.repeat(64)]) expect(directoryFault(search(fine))).toBeNull();
    for (const wrong of ['', 'an', ' a n ', 'a'.repeat(65)]) expect(directoryFault(search(wrong))).toBe(badRequest);
  });
});

describe('a session', () => {
  const ask = (stage: Stage, body: RequestBody) => stage.send(2, body)[0];
  const served = (body: ServedRequest) => ({ kind: 'serve', session: 7, request: 2, user: ann, device: 2, body });

  it('has the directory served for who it proved', () => {
    for (const body of [read, set(yes, 'Ann'), search('ann')])
      expect(ask(new Stage().live(), body)).toMatchObject(served(body));
    expect(ask(new Stage().live(), search('an'))).toEqual(rejection(2, badRequest));
  });

  it('lets a device that the manifest does not name search and read, not choose', () => {
    for (const body of [read, search('ann')]) expect(ask(new Stage().live(false), body)).toMatchObject(served(body));
    for (const body of [set(yes, 'Ann'), set(no)])
      expect(ask(new Stage().live(false), body)).toMatchObject({
        kind: 'pushed',
        body: { value: { code: Rejection.REJECTION_STALE_MANIFEST, manifest } },
      });
  });
});
