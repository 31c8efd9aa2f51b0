import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Window } from './window.ts';

describe('the window of requests', () => {
  it('behaves like a bounded set', () => {
    const step = fc.record({ take: fc.boolean(), request: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const window = new Window(4);
        const model = new Set<number>();
        for (const { take, request } of steps) {
          if (take) {
            const expected = model.has(request) ? 'reused' : model.size >= 4 ? 'full' : 'taken';
            expect(window.admits(request)).toBe(expected);
            if (expected !== 'taken') continue;
            window.take(request);
            model.add(request);
          } else {
            expect(window.free(request)).toBe(model.delete(request));
          }
          expect(window.size).toBe(model.size);
        }
      }),
    );
  });
});
