import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Audiences } from './audience.ts';

function three(): Audiences {
  const audiences = new Audiences();
  audiences.enter(1, '@ann:lux', 1);
  audiences.enter(2, '@ann:lux', 2);
  audiences.enter(3, '@bob:lux', 1);
  return audiences;
}

describe('an audience', () => {
  it('holds those who joined, until they part, are evicted or close', () => {
    const audiences = three();
    for (const session of [1, 2, 3]) audiences.join(session, { room: '!r' });
    expect([...audiences.live('!r')]).toEqual([1, 2, 3]);
    audiences.part(3, { room: '!r' });
    expect(audiences.evict('@ann:lux', '!r')).toEqual([1, 2]);
    expect(audiences.evict('@ann:lux', '!r')).toEqual([]);
    expect(audiences.live('!r').size).toBe(0);
    audiences.join(1, { room: '!r' });
    audiences.close(1);
    expect(audiences.live('!r').size).toBe(0);
  });

  it('takes in nobody whose socket is gone or whose user is another', () => {
    const audiences = three();
    audiences.close(1);
    expect(audiences.join(1, { room: '!r' })).toBe(false);
    expect(audiences.join(3, { user: '@ann:lux' })).toBe(false);
    expect([...audiences.hearers({ user: '@ann:lux' })]).toEqual([]);
  });

  it('of a user is every session that joined it', () => {
    const audiences = three();
    audiences.join(2, { user: '@ann:lux' });
    expect([...audiences.hearers({ user: '@ann:lux' })]).toEqual([2]);
    expect(audiences.sessionsOf('@ann:lux')).toEqual([1, 2]);
    expect(audiences.sessionsOf('@ann:lux', 2)).toEqual([2]);
    audiences.part(2, { user: '@ann:lux' });
    expect([...audiences.hearers({ user: '@ann:lux' })]).toEqual([]);
  });

  it('leaves the quiet out of what may be shed', () => {
    const audiences = three();
    for (const session of [1, 3]) audiences.join(session, { room: '!r' });
    audiences.quiet(1);
    expect([...audiences.hearers({ room: '!r' }, true)]).toEqual([3]);
    expect([...audiences.hearers({ room: '!r' })]).toEqual([1, 3]);
  });

  it('marks each watcher once until it watches again, and never who is live', () => {
    const audiences = three();
    audiences.join(1, { room: '!r' });
    audiences.watch(1, '!r');
    audiences.watch(2, '!r');
    audiences.watch(3, '!r');
    audiences.join(3, { room: '!r' });
    expect(audiences.mark('!r')).toEqual([2]);
    expect(audiences.mark('!r')).toEqual([]);
    audiences.watch(2, '!r');
    expect(audiences.mark('!r')).toEqual([2]);
    audiences.watch(2, '!r');
    audiences.evict('@ann:lux', '!r');
    expect(audiences.mark('!r')).toEqual([]);
  });

  it('keeps nothing of sessions that closed, whatever was done before', () => {
    const sessionId = fc.integer({ min: 1, max: 4 });
    const room = fc.constantFrom('!a', '!b');
    const step = fc.record({
      do: fc.constantFrom('enter', 'join', 'part', 'watch', 'evict', 'mark', 'close'),
      sessionId,
      room,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const audiences = new Audiences();
        for (const { do: what, sessionId: session, room: id } of steps) {
          if (what === 'enter') audiences.enter(session, `@${session % 2}`, session);
          else if (what === 'join') audiences.join(session, { room: id });
          else if (what === 'part') audiences.part(session, { room: id });
          else if (what === 'watch') audiences.watch(session, id);
          else if (what === 'evict') audiences.evict(`@${session % 2}`, id);
          else if (what === 'mark') expect(audiences.mark(id).some((one) => audiences.live(id).has(one))).toBe(false);
          else audiences.close(session);
        }
        for (const session of [1, 2, 3, 4]) audiences.close(session);
        expect([audiences.size, audiences.live('!a').size, audiences.live('!b').size]).toEqual([0, 0, 0]);
        expect([...audiences.mark('!a'), ...audiences.mark('!b'), ...audiences.sessionsOf('@0')]).toEqual([]);
      }),
    );
  });
});

describe('what is heard elsewhere no more', () => {
  it('is told once when nobody is left, however they went', () => {
    const emptied: string[] = [];
    const audiences = new Audiences((key) => emptied.push(key));
    for (const session of [1, 2, 3]) audiences.enter(session, session === 3 ? '@bob:lux' : '@ann:lux', session);
    for (const room of ['!part', '!evict', '!close', '!mark']) audiences.join(1, { room });
    audiences.join(2, { room: '!close' });
    audiences.watch(2, '!part');
    audiences.watch(2, '!mark');
    audiences.part(1, { room: '!part' });
    expect(emptied).toEqual([]);
    audiences.mark('!part');
    expect(emptied).toEqual(['!part']);
    audiences.evict('@ann:lux', '!evict');
    expect(emptied).toEqual(['!part', '!evict']);
    audiences.mark('!mark');
    audiences.close(2);
    expect(emptied).toEqual(['!part', '!evict']);
    audiences.close(1);
    expect(emptied).toEqual(['!part', '!evict', '!close', '!mark']);
  });

  it('is a user when its last session that was live for it is gone', () => {
    const emptied: string[] = [];
    const audiences = new Audiences((key) => emptied.push(key));
    for (const session of [1, 2, 3]) audiences.enter(session, '@ann:lux', session);
    for (const session of [1, 2]) audiences.join(session, { user: '@ann:lux' });
    audiences.close(1);
    audiences.close(3);
    expect([emptied, audiences.hears('@ann:lux')]).toEqual([[], true]);
    audiences.part(2, { user: '@ann:lux' });
    expect([emptied, audiences.hears('@ann:lux')]).toEqual([['@ann:lux'], false]);
    audiences.close(2);
    expect(emptied).toHaveLength(1);
  });

  it('is taken from each session that heard it, with how it did, and told to nobody else', () => {
    const emptied: string[] = [];
    const audiences = new Audiences((key) => emptied.push(key));
    for (const session of [1, 2, 3]) audiences.enter(session, session === 3 ? '@bob:lux' : '@ann:lux', session);
    audiences.join(1, { room: '!a' });
    audiences.join(1, { user: '@ann:lux' });
    audiences.watch(2, '!a');
    audiences.watch(2, '!b');
    audiences.join(3, { room: '!b' });
    const lost = audiences.unhear((key) => key === '!a' || key === '@ann:lux');
    expect([...lost]).toEqual([
      [1, { rooms: ['!a'], watched: [], own: true }],
      [2, { rooms: [], watched: ['!a'], own: false }],
    ]);
    expect(['!a', '!b', '@ann:lux'].map((key) => audiences.hears(key))).toEqual([false, true, false]);
    expect([...audiences.hearers({ user: '@ann:lux' })]).toEqual([]);
    expect([audiences.mark('!a'), audiences.mark('!b')]).toEqual([[], [2]]);
    expect(emptied).toEqual([]);
    expect(audiences.unhear(() => true)).toEqual(new Map([[3, { rooms: ['!b'], watched: [], own: false }]]));
    audiences.join(1, { room: '!a' });
    expect([...audiences.live('!a')]).toEqual([1]);
  });
});
