// What commands pass on.
import { describe, expect, it } from 'vitest';
import { commands } from './commands.ts';

describe('approve', () => {
  it('passes on the number that was compared, however it was typed, and none where there was none', async () => {
    const passed: unknown[] = [];
    const client = { approveIdentity: async (...given: unknown[]) => void passed.push(given) };
    const out = { say: () => {} };
    const number = '01234 56789 11111 22222 33333 44444 55555 66666';
    for (const rest of [['@a:x'], ['@a:x', ...number.split(' ')], ['@a:x', number.replaceAll(' ', '')], ['@a:x', 'no']])
      await commands.approve?.run({ client, out, args: { rest } } as never);
    const compared = ['@a:x', { fingerprint: number }];
    expect(passed).toEqual([['@a:x', {}], compared, compared, ['@a:x', { fingerprint: '' }]]);
  });
});
