// Mistakes about what a room forgets: too early, never, or without being able to hand out what stands in for it. See mutations.ts.
import type { Actor } from '#actors/kernel/actor.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import type { RoomSnapshot } from '#proto/gen/client.ts';
import type { Mutation } from './mutation.ts';
import { hearing, saying, withoutState } from './wrapping.ts';

type Room = Actor<RoomMessage>;

/** All of them by what they do. */
export const forgetfulness: Readonly<Record<string, () => Mutation>> = {
  'a room forgets whom an erasure names at once, though nobody signed a CHECKPOINT': () => ({
    forgets: true,
    room: (actor) => {
      const erased = new Set<string>();
      const heard = hearing(actor, (message) => {
        if (message.kind === 'identityMoved' && message.fingerprint.length === 0) erased.add(message.user);
        return message;
      });
      return snapshots(heard, (told) => {
        const gone = new Set(told.persons.filter(({ user }) => erased.has(user)).map(({ member }) => member));
        const persons = told.persons.filter(({ member }) => !gone.has(member));
        return { ...told, persons, credentials: told.credentials.filter(({ member }) => !gone.has(member)) };
      });
    },
  }),
  'a room never forgets whom an erasure names': () => ({
    forgets: true,
    room: (actor) => saving(actor, ({ key, value }) => value !== null || !key.startsWith('person/')),
  }),
  'a CHECKPOINT is forgotten when a room is opened again': () => ({
    forgets: true,
    room: (actor) => hearing(actor, (message) => withoutState(message, 'checkpoint')),
  }),
  'the state of the first CHECKPOINT is handed out under each later one': () => ({
    forgets: true,
    room: (actor) => {
      let first: RoomSnapshot | undefined;
      return snapshots(actor, (told) => {
        if (told.checkpointNumber === 0) return told;
        first ??= told;
        const { checkpointState, checkpointStateSize } = first;
        return { ...told, checkpointState, checkpointStateSize };
      });
    },
  }),
  'a room says that it has no CHECKPOINT': () => ({
    forgets: true,
    room: (actor) => snapshots(actor, (told) => ({ ...told, checkpointNumber: 0 })),
  }),
};

function snapshots(actor: Room, alter: (told: RoomSnapshot) => RoomSnapshot): Room {
  return saying(actor, (effect) => {
    if (effect.kind !== 'answer' || effect.body.$case !== 'roomSnapshot') return effect;
    return { ...effect, body: { $case: 'roomSnapshot', value: alter(effect.body.value) } };
  });
}

function saving(actor: Room, keeps: (change: { key: string; value: unknown }) => boolean): Room {
  return saying(actor, (effect: Effect) => {
    if (effect.kind !== 'log' || !('changes' in effect.command)) return effect;
    return { kind: 'log', command: { ...effect.command, changes: effect.command.changes.filter(keeps) } };
  });
}
