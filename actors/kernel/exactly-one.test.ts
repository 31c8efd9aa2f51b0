import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Actor } from './actor.ts';
import { roomAddress, sessionAddress } from './address.ts';
import type { Effect } from './effects.ts';
import type { Message, RoomMessage } from './messages.ts';
import { samples } from './samples.ts';
import { System } from './system.ts';

const done = { $case: 'done', value: {} } as const;
const behaviour = fc.constantFrom('answer', 'keep', 'flush', 'throw', 'stop', 'timer');
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), room: fc.nat(3), behaviour }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('run' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(90_000) }) },
);

it('every request gets exactly one answer, whatever its actor does and however full, crashed or passivated it is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.boolean(), (steps, stopsWhenTold) => {
      const answers = new Map<number, number>();
      const behaviours = new Map<number, string>();
      const live = new Map<string, number>();
      let now = 1_000_000;
      let strangers = 0;

      const room = (id: string, incarnation: number): Actor<RoomMessage> => {
        const kept: Effect[] = [];
        live.set(id, incarnation);
        return {
          receive(message) {
            // Noted, not thrown: a throw would only be one more crash.
            if (live.get(id) !== incarnation) strangers++;
            if (message.kind === 'timer' && message.name === 'passivate')
              return stopsWhenTold ? [{ kind: 'stop' }] : [];
            if (message.kind === 'timer') return kept.splice(0);
            if (message.kind !== 'fetch') return [];
            const { request } = message.from;
            const answer: Effect = { kind: 'answer', session: 7, request, body: done };
            switch (behaviours.get(request)) {
              case 'throw':
                throw new Error('bug');
              case 'stop':
                return [{ kind: 'stop' }];
              case 'keep':
                kept.push(answer);
                return [];
              case 'timer':
                kept.push(answer);
                return [{ kind: 'startTimer', name: 'later', delayMs: 1000 }];
              case 'flush':
                return [answer, ...kept.splice(0).reverse()];
              default:
                return [answer];
            }
          },
          idle: () => kept.length === 0,
        };
      };
      const system = new System({
        create: {
          session: () => ({
            receive(message) {
              if (message.kind === 'answer') answers.set(message.request, (answers.get(message.request) ?? 0) + 1);
              return [];
            },
            idle: () => false,
          }),
          user: () => ({ receive: () => [], idle: () => true }),
          room,
        },
        world: { perform: () => {}, ended: (from) => live.delete(from.slice('room/'.length)), sessionsOf: () => [] },
        clock: () => now,
        limits: {
          mailbox: {
            session: { messagesMax: 1, bytesMax: 1000 },
            user: { messagesMax: 1, bytesMax: 1000 },
            room: { messagesMax: 4, bytesMax: 10_000 },
          },
          activeMax: 2,
          activeHardMax: 3,
          turnMessagesMax: 2,
        },
      });
      const runAll = () => {
        while (system.run());
      };

      system.tell(sessionAddress(7), { kind: 'opened' });
      steps.forEach((each, n) => {
        if (each.do === 'ask') {
          behaviours.set(n, each.behaviour);
          const message: Message = { ...samples.fetch, from: { ...samples.fetch.from, request: n } };
          system.tell(roomAddress(`!${each.room}:lux`), message);
        } else if (each.do === 'run') system.run();
        else now += each.ms;
      });
      runAll();
      // What a room still keeps, a crash lets go.
      now += 300_000;
      runAll();
      for (let id = 0; id <= 3; id++) {
        behaviours.set(10_000 + id, 'throw');
        const message: Message = { ...samples.fetch, from: { ...samples.fetch.from, request: 10_000 + id } };
        system.tell(roomAddress(`!${id}:lux`), message);
        runAll();
      }
      now += 300_000;
      runAll();
      expect([...answers.values()].every((count) => count === 1)).toBe(true);
      expect(strangers).toBe(0);
      expect(answers.size).toBe(behaviours.size);
    }),
    { numRuns: 300 },
  );
});
