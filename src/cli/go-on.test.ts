// Going on in a room, over an SDK that is stood in for.
import { expect, it } from 'vitest';
import { readArguments } from './arguments.ts';
import { commands } from './commands.ts';
import type { Session } from './session.ts';

async function goingOn(frozen: string) {
  const [done, said]: [string[], string[]] = [[], []];
  const client = {
    rooms: () => [{ room: '!g:x', name: 'Hiking', status: 2, direct: false, frozen }],
    acknowledgeAlarm: async (room: string) => void done.push(room),
  };
  const out = { json: false, say: (_: object, ...lines: string[]) => said.push(...lines) };
  const session = { client, args: readArguments(['go-on', '!g:x'], {}), out };
  await commands['go-on']?.run(session as unknown as Session);
  return { done, said };
}

it('goes on in a frozen room', async () => {
  expect(await goingOn('HISTORY_FORKED')).toEqual({ done: ['!g:x'], said: ['Done.'] });
});

// "Done.", it said, of a room where nothing was stopped.
it('says of any other that there is nothing to go on with, and does nothing', async () => {
  const { done, said } = await goingOn('');
  expect(done).toEqual([]);
  expect(said).toEqual([expect.stringContaining('nothing to go on with')]);
});
