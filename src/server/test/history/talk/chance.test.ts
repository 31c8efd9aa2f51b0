import { expect, it } from 'vitest';
import { backOffMs } from './back-off.ts';
import { Chance } from './chance.ts';

const five = (random: () => number) => Array.from({ length: 5 }, random);

it('gives everybody the numbers that the seed has for them, whatever the others draw', () => {
  const [one, again, other] = [new Chance(7), new Chance(7), new Chance(8)];
  const [alice, bob] = [one.numbers(), one.numbers()];
  const drawn = [five(alice), five(bob)];
  const [aliceAgain, bobAgain] = [again.numbers(), again.numbers()];
  expect([five(bobAgain), five(aliceAgain)].reverse()).toEqual(drawn);
  expect(new Set([...drawn.flat(), ...five(other.numbers())]).size).toBe(15);
});

it('waits longer each time, up to a bound, and never shorter than was asked for', () => {
  expect([1, 2, 3, 20].map((tries) => backOffMs(tries, 0, () => 0))).toEqual([25, 50, 100, 1_000]);
  expect([1, 20].map((tries) => backOffMs(tries, 300, () => 1))).toEqual([350, 2_300]);
});
