// The Info bot as a program: what `npm start` runs beside the provider. Ends with its stdin where it is told so, so that it never outlives who started it.
import { parseArgs } from 'node:util';
import { Bot } from '../bot.ts';
import { openBot } from '../device.ts';
import { infoBehaviour, inviteNewcomers } from './info.ts';

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'http://127.0.0.1:8080' },
    folder: { type: 'string' },
    'secret-file': { type: 'string' },
    'privacy-notice': { type: 'string', default: '' },
    development: { type: 'boolean', default: false },
    'grace-ms': { type: 'string', default: '5000' },
    'end-with-stdin': { type: 'boolean', default: false },
  },
});
const { server, folder, 'secret-file': secretFile, 'privacy-notice': privacyNotice } = values;
if (!folder || !secretFile) {
  console.error(
    'Usage: node src/bots/info/main.ts --folder DIR --secret-file FILE [--server URL] [--privacy-notice URL] [--development] [--end-with-stdin]',
  );
  process.exit(2);
}
if (values['end-with-stdin']) process.stdin.on('end', () => process.exit(0)).resume();

/** Sentences of errors name no people; what a bug says may. */
const failed = (error: unknown) => console.error(`Info bot: ${error instanceof Error ? error.message : 'failed'}`);
const end = (error: unknown) => {
  failed(error);
  process.exit(1);
};
try {
  const client = await openBot({ folder, server, name: 'info', secretFile }, { client: 'info-bot' });
  const provider = client.user.slice(client.user.indexOf(':') + 1);
  const bot = new Bot(client, infoBehaviour({ provider, privacyNotice, isDevelopment: values.development }), {
    graceMs: Number(values['grace-ms']),
    failed,
  });
  inviteNewcomers(client, failed);
  client.on('ended', end);
  client.on('fault', failed);
  let ending = false;
  const close = () => {
    if (ending) return;
    ending = true;
    bot.close().then(() => process.exit(0), end);
  };
  process.on('SIGINT', close).on('SIGTERM', close);
  await bot.start();
  // Who declined it, or lost sight of it, finds it by its name. An operator who chose otherwise for it is left alone.
  const { choice } = await client.directory.listing();
  if (choice === 'unasked') await client.directory.setListing('yes', 'Info');
  console.log(`The Info bot ${client.user} is ready.`);
} catch (error) {
  end(error);
}
