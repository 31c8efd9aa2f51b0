import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { type Address, userAddress } from './address.ts';
import { defaultLimits } from './limits.ts';
import type { Message } from './messages.ts';
import { samples } from './samples.ts';
import { fetch, rejectedWith, room, type Script, session, stage } from './testing/system-stage.ts';

describe('actors that are given away', () => {
  /** A system whose host takes everything for the room elsewhere, from when it says so. */
  function leaving(script: Script) {
    const forwarded: Message[] = [];
    const made = stage(script);
    let isGiving = false;
    Object.assign(made.world, {
      forward: (_to: Address, message: Message) => {
        if (isGiving) forwarded.push(message);
        return isGiving;
      },
    });
    const give = () => {
      isGiving = true;
    };
    return { ...made, forwarded, give, isTheirs: (address: Address) => address === room };
  }

  it('stop when they are idle, and are counted until then; other actors stay', () => {
    const { system, time, give, isTheirs, kinds } = leaving((message) =>
      message.kind === 'timer' && message.name === 'passivate' ? [{ kind: 'stop' }] : [],
    );
    for (const to of [room, userAddress('@ann:lux')]) system.tell(to, samples.standing);
    system.run();
    time.idle = false;
    give();
    expect(system.release(isTheirs)).toHaveLength(1);
    system.run();
    expect(system.release(isTheirs)).toHaveLength(1);
    time.idle = true;
    expect(system.release(isTheirs)).toHaveLength(1);
    system.run();
    expect(system.release(isTheirs)).toHaveLength(0);
    expect([system.active, kinds(room)]).toEqual([1, ['standing', 'timer']]);
  });

  it('stop not before they have answered', () => {
    const { system, give, isTheirs, kinds } = leaving(() => []);
    system.tell(room, fetch(1));
    system.run();
    give();
    expect(system.release(isTheirs)).toHaveLength(1);
    system.run();
    expect(kinds(room)).toEqual(['fetch']);
  });

  it('go at once when they are abandoned: what they owe is refused, and no session ends', () => {
    const { system, give, isTheirs, answers, ended } = leaving(() => []);
    system.tell(session, samples.opened);
    system.tell(room, fetch(1));
    system.run();
    give();
    system.abandon(isTheirs);
    system.run();
    expect(answers()).toEqual([rejectedWith(1, Rejection.REJECTION_UNAVAILABLE, defaultLimits.crashRetryMs)]);
    expect(ended.map(({ from }) => from)).toEqual([room]);
    expect(system.counters.get('kernel.abandoned')).toBe(1);
    expect(system.release(isTheirs)).toHaveLength(0);
  });

  it('start no more: what waits in order goes elsewhere, orders first', () => {
    const user = userAddress('@ann:lux');
    const { system, give, forwarded, kinds } = leaving(() => []);
    system.tell(user, samples.request);
    system.tell(user, samples.deviceRevoked);
    system.tell(user, samples.claim);
    give();
    // None of it was begun. Orders were lost here, since only work was told anew.
    expect(system.release((address) => address === user)).toHaveLength(0);
    system.run();
    expect(forwarded.map(({ kind }) => kind)).toEqual(['deviceRevoked', 'request', 'claim']);
    expect([system.active, kinds(user)]).toEqual([0, []]);
  });

  it('hear answers as long as they are there, and work no more', () => {
    const { system, give, forwarded, kinds } = leaving(() => []);
    system.tell(room, fetch(1));
    system.run();
    give();
    system.tell(room, samples.identityKept);
    system.tell(room, fetch(2));
    system.run();
    expect(kinds(room)).toEqual(['fetch', 'identityKept']);
    expect(forwarded.map(({ kind }) => kind)).toEqual(['fetch']);
  });

  it('leave orders that came while they stopped to whoever has them next', () => {
    const user = userAddress('@ann:lux');
    const { system, give, forwarded } = leaving((message) =>
      message.kind === 'timer' && message.name === 'passivate' ? [{ kind: 'stop' }] : [],
    );
    system.tell(user, samples.standing);
    system.run();
    give();
    expect(system.release((address) => address === user)).toHaveLength(1);
    system.tell(user, samples.deviceRevoked);
    system.run();
    expect(forwarded.map(({ kind }) => kind)).toEqual(['deviceRevoked']);
    expect(system.active).toBe(0);
  });
});
