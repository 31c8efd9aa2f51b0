import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mailbox } from './mailbox.ts';
import type { Message } from './messages.ts';

const timer = (name: string): Message => ({ kind: 'timer', name });

describe('a mailbox', () => {
  it('takes n messages and refuses the one after', () => {
    const mailbox = new Mailbox({ messagesMax: 3, bytesMax: 1000 });
    expect([1, 2, 3, 4].map((n) => mailbox.offer(timer(`${n}`), 1))).toEqual([true, true, true, false]);
    mailbox.take();
    expect(mailbox.offer(timer('5'), 1)).toBe(true);
    expect(mailbox.drainWork()).toEqual(['2', '3', '5'].map(timer));
  });

  it('takes n bytes and refuses one byte more', () => {
    const mailbox = new Mailbox({ messagesMax: 10, bytesMax: 100 });
    expect(mailbox.offer(timer('a'), 60)).toBe(true);
    expect(mailbox.offer(timer('b'), 41)).toBe(false);
    expect(mailbox.offer(timer('c'), 40)).toBe(true);
    expect(mailbox.bytes).toBe(100);
    expect(mailbox.drainWork()).toEqual(['a', 'c'].map(timer));
    expect(mailbox.bytes).toBe(0);
  });

  it('serves control first and never refuses it', () => {
    const mailbox = new Mailbox({ messagesMax: 1, bytesMax: 10 });
    mailbox.offer(timer('work'), 1);
    for (let n = 0; n < 100; n++) mailbox.offerControl(timer(`control ${n}`));
    expect(mailbox.take()).toEqual(timer('control 0'));
    expect(mailbox.drainControl()).toHaveLength(99);
    expect(mailbox.take()).toEqual(timer('work'));
    expect(mailbox.take()).toBeNull();
  });

  it('forgets a timer that waits to be handled, and nothing else', () => {
    const mailbox = new Mailbox({ messagesMax: 9, bytesMax: 9 });
    for (const name of ['a', 'b', 'a', 'c']) mailbox.offerControl(timer(name));
    mailbox.offer(timer('a'), 1);
    mailbox.forgetTimer('a');
    expect(mailbox.drainControl()).toEqual(['b', 'c'].map(timer));
    expect(mailbox.messages).toBe(1);
  });

  it('behaves like two bounded lists whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('offer' as const), bytes: fc.nat(50) }),
      fc.record({ do: fc.constant('control' as const) }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('takeControl' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const mailbox = new Mailbox({ messagesMax: 5, bytesMax: 100 });
        const work: { name: string; bytes: number }[] = [];
        const control: string[] = [];
        steps.forEach((each, n) => {
          const name = `${n}`;
          const bytes = work.reduce((sum, one) => sum + one.bytes, 0);
          if (each.do === 'offer') {
            const fits = work.length < 5 && bytes + each.bytes <= 100;
            expect(mailbox.offer(timer(name), each.bytes)).toBe(fits);
            if (fits) work.push({ name, bytes: each.bytes });
          } else if (each.do === 'control') {
            mailbox.offerControl(timer(name));
            control.push(name);
          } else {
            const expected = control.shift() ?? (each.do === 'take' ? work.shift()?.name : undefined);
            const taken = each.do === 'take' ? mailbox.take() : mailbox.takeControl();
            expect(taken).toEqual(expected === undefined ? null : timer(expected));
          }
          expect(mailbox.messages).toBe(work.length);
          expect(mailbox.empty).toBe(work.length + control.length === 0);
          expect(mailbox.controlWaiting).toBe(control.length > 0);
        });
      }),
    );
  });
});
