// `luxchat account export FILE`: everything of this person in a zip, for its owner alone. A file that is there already is not touched, and one that could not be
// ended is taken away again.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { ExportProgress } from '#client/account/export.ts';
import { ClientError } from '#client/errors.ts';
import { counted } from './called.ts';
import { need, type Session } from './session.ts';

/** Runs the command. */
export async function exportAccount({ client, args, out }: Session): Promise<void> {
  const path = need(args, 1, 'a file, such as luxchat.zip');
  const file = create(path);
  let progress: ExportProgress = { rooms: 0, roomsDone: 0, lines: 0, incomplete: 0 };
  let bytes = 0;
  try {
    const onProgress = (now: ExportProgress) => {
      progress = now;
      if (now.roomsDone % 10 === 0 || now.roomsDone === now.rooms)
        out.note(`  ${now.roomsDone} of ${counted(now.rooms, 'conversation')}`);
    };
    for await (const piece of client.account.export({ onProgress })) {
      writeSync(file, piece);
      bytes += piece.length;
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  const { roomsDone: rooms, lines, incomplete } = progress;
  const missing = 'not everything could be had, see rooms.json';
  out.say(
    { type: 'exported', file: path, bytes, rooms, lines, incomplete },
    `Written to ${path}: ${counted(rooms, 'conversation')}, ${counted(lines, 'line')}. README.txt in it says what is what.`,
    ...(incomplete > 0 ? [`Of ${counted(incomplete, 'conversation')} ${missing}.`] : []),
    'It is not encrypted: whoever has the file reads it.',
  );
}

function create(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw new ClientError('BAD_ARGUMENT', `${path} can't be made: it is there already, or its folder is not.`, {
      cause,
    });
  }
}
