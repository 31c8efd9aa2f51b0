// How often it is said that somebody types, or is there.
import { beforeEach, expect, it } from 'vitest';
import { EphemeralKind } from '#proto/gen/client.ts';
import { Ephemeral } from './ephemeral.ts';

const { EPHEMERAL_KIND_TYPING, EPHEMERAL_KIND_TYPING_STOPPED, EPHEMERAL_KIND_ONLINE } = EphemeralKind;
let now: number;
let said: [room: string, kind: EphemeralKind][];
let ephemeral: Ephemeral;
beforeEach(() => {
  now = 1_800_000_000_000;
  said = [];
  ephemeral = new Ephemeral(
    () => now,
    (body) => body.$case === 'sendEphemeral' && said.push([body.value.room, body.value.kind]),
  );
});

it('says that somebody types once in three seconds a room, and that they stopped at once', () => {
  for (const room of ['a', 'a', 'b']) ephemeral.typing(room, true);
  now += 2_999;
  ephemeral.typing('a', true);
  expect(said).toEqual([
    ['a', EPHEMERAL_KIND_TYPING],
    ['b', EPHEMERAL_KIND_TYPING],
  ]);
  now += 1;
  ephemeral.typing('a', true);
  expect(said).toHaveLength(3);
  ephemeral.typing('a', false);
  ephemeral.typing('a', true);
  expect(said.slice(3)).toEqual([
    ['a', EPHEMERAL_KIND_TYPING_STOPPED],
    ['a', EPHEMERAL_KIND_TYPING],
  ]);
});

it('says that somebody is there once in three seconds a room, whether they type or not', () => {
  ephemeral.typing('a', true);
  for (const after of [0, 2_999, 1]) {
    now += after;
    ephemeral.online('a');
  }
  expect(said.slice(1)).toEqual([
    ['a', EPHEMERAL_KIND_ONLINE],
    ['a', EPHEMERAL_KIND_ONLINE],
  ]);
});
