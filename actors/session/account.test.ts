// The shape of what closes an account, and of what is asked about it, before any actor hears of it.
import { expect, it } from 'vitest';
import { userAddress } from '#actors/kernel/address.ts';
import type { RequestBody } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { attemptBytes } from '#proto/rules/bytes/hash.ts';
import { ann, rejection, room, Stage } from './stage.ts';

const grantOf = (bytes: number) => ({ token: 't', attempt: new Uint8Array(bytes) });

it.each(['deactivateAccount', 'eraseAccount'] as const)('%s names an attempt of 16 bytes', ($case) => {
  const stage = new Stage().live();
  const wrong = [undefined, grantOf(attemptBytes - 1), grantOf(attemptBytes + 1)];
  for (const [index, grant] of wrong.entries()) {
    const body: RequestBody = { $case, value: { grant } };
    expect(stage.send(index + 2, body)).toEqual([rejection(index + 2, Rejection.REJECTION_BAD_REQUEST)]);
  }
  const sent = stage.send(9, { $case, value: { grant: grantOf(attemptBytes) } });
  expect(sent).toMatchObject([{ kind: 'send', to: userAddress(ann), message: { kind: 'request' } }]);
});

it('what is kept is asked for from a room on, or from the first', () => {
  const stage = new Stage().live();
  const ask = (request: number, after: string) => stage.send(request, { $case: 'readAccount', value: { after } });
  expect(ask(2, 'room')).toEqual([rejection(2, Rejection.REJECTION_BAD_REQUEST)]);
  for (const [request, after] of [[3, ''] as const, [4, room] as const])
    expect(ask(request, after)).toMatchObject([{ kind: 'send', to: userAddress(ann) }]);
});
