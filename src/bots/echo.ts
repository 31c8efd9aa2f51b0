// An example bot: accepts every invitation and answers each text with what it heard. Run it on a folder that `luxchat login` made:
//   npx node src/bots/echo.ts ~/.luxchat/echo
// It guarantees one answer a text, whenever it is killed: an answer refers to its text and is durable before it is sent, so the room is its memory.

import { openDevice } from '#client/node/device-folder.ts';
import type { TimelineItem } from '#client/shown.ts';
import { messageId, messageRef } from '#client/timeline/timeline.ts';

const folder = process.argv[2];
if (!folder) {
  console.error('Usage: npx node src/bots/echo.ts FOLDER   (made by: luxchat login --folder FOLDER)');
  process.exit(2);
}

const bot = await openDevice(folder, { client: 'echo-bot' });
let queue = Promise.resolve();
const inOrder = (work: () => Promise<unknown>) => {
  queue = queue.then(work).then(
    () => {},
    (error: unknown) => console.error('echo:', error instanceof Error ? error.message : error),
  );
};

bot.on('invitation', ({ room }) => inOrder(() => bot.accept(room)));
bot.on('item', (item) => needsAnswer(item) && inOrder(() => answer(item.room)));
bot.on('ended', (error) => {
  console.error(error.message);
  process.exit(1);
});
await bot.start();
await bot.synced();
for (const { room, status } of bot.rooms()) inOrder(() => (status === 1 ? bot.accept(room) : answer(room)));
console.log(`echo bot is ${bot.user}`);
process.once('SIGINT', () => void bot.close().then(() => process.exit(0)));

function needsAnswer({ own, kind, content }: TimelineItem): boolean {
  return !own && kind === 'message' && content?.body?.$case === 'text';
}

/** Answers every text that no own line refers to, oldest first. Looks back until a whole page needs no answer. */
async function answer(room: string): Promise<void> {
  const answered = new Set<string>();
  const open: TimelineItem[] = [];
  // The newest page, and it alone, holds what waits to be sent.
  for (let older = {}; ; ) {
    const page = await bot.timeline(room, { limit: 100, ...older });
    for (const { own, content } of page) if (own && content?.replyTo) answered.add(messageId(content.replyTo));
    const missing = page.filter((item) => needsAnswer(item) && !answered.has(item.id));
    if (missing.length === 0) break;
    open.unshift(...missing);
    older = { beforeSeq: page[0]?.seq ?? 0 };
  }
  for (const { id, content } of open) {
    const said = content?.body?.$case === 'text' ? content.body.value.text.slice(0, 5_000) : '';
    const replyTo = messageRef(id);
    if (replyTo) await bot.send(room, `You said: ${said}`, { replyTo });
  }
  await bot.markRead(room);
}
