// An example bot: accepts every invitation and answers each text with what it heard. Run it on a folder that `luxchat login` made:
//   npx node src/bots/echo.ts ~/.luxchat/echo
// It guarantees one answer a message, also across a restart: the read position is its memory.
import { openDevice } from '#client/node/device-folder.ts';

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
bot.on('item', (item) => inOrder(() => answer(item.room)));
bot.on('ended', (error) => {
  console.error(error.message);
  process.exit(1);
});
await bot.start();
await bot.synced();
for (const { room, status } of bot.rooms()) if (status === 1) inOrder(() => bot.accept(room));
console.log(`echo bot is ${bot.user}`);

async function answer(room: string): Promise<void> {
  const { unread } = bot.room(room);
  if (unread === 0) return;
  for (const item of (await bot.timeline(room, { limit: unread })).slice(-unread)) {
    const body = item.content?.body;
    if (item.own || item.kind !== 'message' || body?.$case !== 'text') continue;
    await bot.send(room, `You said: ${body.value.text}`);
  }
  await bot.markRead(room);
}

process.once('SIGINT', () => void bot.close().then(() => process.exit(0)));
