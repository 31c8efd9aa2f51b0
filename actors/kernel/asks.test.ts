import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { userAddress } from './address.ts';
import { Asks, Tokens } from './asks.ts';
import type { Message } from './messages.ts';
import { samples } from './samples.ts';

const fetch = (request: number): Message => ({ ...samples.fetch, from: { ...samples.fetch.from, request } });

describe('open asks', () => {
  it('are those noted and not answered, in order, whatever the order of the answers', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('ask' as const), fc.nat(200)), { maxLength: 300 }), (steps) => {
        const asks = new Asks();
        const model: number[] = [];
        steps.forEach((step, n) => {
          if (step === 'ask') {
            asks.note(fetch(n + 1));
            model.push(n + 1);
          } else {
            const request = model.length === 0 ? step : (model[step % model.length] as number);
            asks.settle({ kind: 'answer', session: 7, request, body: { $case: 'done', value: {} } });
            const at = model.indexOf(request);
            if (at >= 0) model.splice(at, 1);
          }
          expect(asks.open).toBe(model.length);
        });
        expect(asks.drain()).toEqual(model.map(fetch));
        expect(asks.open).toBe(0);
      }),
    );
  });

  it('are not settled by an answer to somebody else', () => {
    const asks = new Asks();
    asks.note(samples.claim);
    asks.settle({ kind: 'send', to: userAddress('@eve:lux'), message: samples.claimed });
    asks.settle({ kind: 'send', to: userAddress('@bob:lux'), message: { ...samples.claimed, token: 6 } });
    expect(asks.open).toBe(1);
    asks.settle({ kind: 'send', to: userAddress('@bob:lux'), message: samples.claimed });
    expect(asks.open).toBe(0);
  });
});

describe('tokens', () => {
  it('differ between incarnations', () => {
    const first = new Tokens(1);
    const second = new Tokens(2);
    expect([first.next(), first.next()]).toEqual([2 ** 23, 2 ** 23 + 1]);
    expect(second.next()).toBe(2 ** 24);
  });
});
