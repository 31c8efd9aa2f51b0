// An example bot: answers each text with what it heard. Run it on a folder that `luxchat login` made, as a person's account; or, as a bot that a provider has
// in its setting `bots`, with the provider's address and the bot's secret:
//   npx node src/bots/echo.ts ~/.luxchat/echo
//   npx node src/bots/echo.ts FOLDER http://127.0.0.1:8080 data/secrets/bot-echo
import { openDevice } from '#client/node/device-folder.ts';
import { Bot } from './bot.ts';
import { openBot } from './device.ts';

const [folder, server, secretFile] = process.argv.slice(2);
if (!folder || (server && !secretFile)) {
  console.error(
    'Usage: npx node src/bots/echo.ts FOLDER [SERVER SECRET-FILE]   (FOLDER made by: luxchat login --folder FOLDER)',
  );
  process.exit(2);
}

const options = { client: 'echo-bot' };
const client =
  server && secretFile
    ? await openBot({ folder, server, name: 'echo', secretFile }, options)
    : await openDevice(folder, options);
const bot = new Bot(client, { said: (_chat, text) => `You said: ${text}` });
client.on('ended', (error) => {
  console.error(error.message);
  process.exit(1);
});
await bot.start();
console.log(`echo bot is ${client.user}`);
process.once('SIGINT', () => void bot.close().then(() => process.exit(0)));
