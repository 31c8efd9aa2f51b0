// `luxchat chat ROOM`: an interactive conversation. Lines are messages, lines with a slash are commands; what others write appears above.
import { createInterface } from 'node:readline';
import type { TimelineItem } from '#client/api.ts';
import { findRoom, need, type Session } from './commands.ts';
import { alarmSentence, describeError, itemSentence, shortName } from './output.ts';

const help = '/edit TEXT (your last)  /react EMOJI (their last)  /delete (your last)  /who  /leave  /quit';

/** Talks until /quit, Ctrl-C or the end of input. */
export async function chat({ client, args }: Session): Promise<void> {
  if (client.rooms().length === 0) await client.synced();
  const { room } = findRoom(client, need(args, 0, 'a room'));
  const input = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
  const shown = new Map<string, string>();
  let ownLast = '';
  let theirLast = '';

  const print = (line: string) => {
    process.stdout.write(`\r\u001b[K${line}\n`);
    input.prompt(true);
  };
  const show = (item: TimelineItem) => {
    if (item.kind === 'message' && item.seq > 0) {
      if (item.own) ownLast = item.id;
      else theirLast = item.id;
    }
    // A line is printed again only when what it says has changed.
    const line = itemSentence(item);
    const key = item.localId ?? item.id;
    if (item.sending === 'waiting' || shown.get(item.id) === line || shown.get(key) === line) return;
    shown.set(key, line).set(item.id, line);
    print(line);
  };

  for (const item of await client.timeline(room, { limit: 20 })) show(item);
  client.on('item', (item) => item.room === room && show(item));
  client.on('alarm', (alarm) => print(alarmSentence(alarm)));
  client.on(
    'typing',
    ({ room: where, user, typing }) => where === room && typing && print(`  ${shortName(user)} is typing …`),
  );
  let connected = true;
  client.on('connection', (state) => {
    if (state !== 'offline' && state !== 'live') return;
    if ((state === 'live') === connected) return;
    connected = state === 'live';
    print(connected ? '  connected' : '  no connection: what you write waits');
  });
  print(`Talking in ${room}. ${help}`);

  const slash: Record<string, (rest: string) => Promise<unknown> | undefined> = {
    edit: (rest) => client.edit(room, ownLast, rest),
    react: (rest) => client.react(room, theirLast || ownLast, rest),
    delete: () => client.deleteForAll(room, ownLast),
    leave: () => client.leave(room),
    who: async () =>
      print(
        client
          .members(room)
          .map((member) => shortName(member.user))
          .join(', '),
      ),
    help: async () => print(help),
  };
  for await (const line of input) {
    const [, word, rest] = /^\/(\w+)\s*(.*)$/.exec(line) ?? [];
    if (word === 'quit') break;
    try {
      if (word !== undefined) await (slash[word] ?? slash.help)?.(rest ?? '');
      else if (line.trim() !== '') await client.send(room, line);
    } catch (error) {
      print(describeError(error).message);
    }
    input.prompt();
  }
  await client.flushed(5_000).catch(() => {});
  await client.markRead(room).catch(() => {});
}
