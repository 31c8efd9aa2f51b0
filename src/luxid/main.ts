// The stand-in LuxID as a program: reads its flags, starts, prints one line for the address and one for each code "sent".
// Exit codes: 0 stopped, 1 could not start, 2 wrong flags, 3 refused because something says production.
import { parseArgs } from 'node:util';
import { startLuxId } from './luxid.ts';
import { defaultUsers, developmentPassword } from './people.ts';
import { refusesProduction } from './production.ts';

const usage =
  'node src/luxid/main.ts --port N --folder DIR --redirect URI [--redirect URI …] [--users a,b,c] [--open-users] [--client-id ID] [--end-with-stdin]';

async function main(): Promise<void> {
  const refusal = refusesProduction(process.argv.slice(2), process.env);
  if (refusal !== null) return stop(3, refusal);
  const flags = readFlags();
  if (typeof flags === 'string') return stop(2, `${flags}\nUsage: ${usage}`);
  const luxid = await startLuxId({
    ...flags,
    sendCode: (user, code) => console.log(`LuxID stand-in: the SMS code for ${user} is ${code}`),
    onFault: (error) => console.error('LuxID stand-in: failed to answer:', error),
  }).catch((error: unknown) => stop(1, error instanceof Error ? error.message : String(error)));
  if (!luxid) return;
  const who = flags.openUsers ? 'any user name' : flags.users.join(', ');
  console.log(`LuxID stand-in (development only): ${luxid.issuer} · ${who} · password ${developmentPassword}`);
  const close = () => void luxid.close();
  // Whoever starts it and dies without a word leaves a closed pipe behind: then it goes too, and its port is free again.
  if (flags.endWithStdin) process.stdin.on('end', close).on('error', close).resume();
  process.once('SIGINT', close);
  process.once('SIGTERM', close);
}

interface Flags {
  readonly port: number;
  readonly folder: string;
  readonly redirects: readonly string[];
  readonly users: readonly string[];
  readonly openUsers: boolean;
  readonly clientId: string;
  readonly endWithStdin: boolean;
}

function readFlags(): Flags | string {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string' },
        folder: { type: 'string' },
        redirect: { type: 'string', multiple: true },
        users: { type: 'string', default: defaultUsers.join(',') },
        'open-users': { type: 'boolean', default: false },
        'client-id': { type: 'string', default: 'luxchat' },
        'end-with-stdin': { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (values.port === undefined || !Number.isInteger(port) || port < 0 || port > 65_535)
      return '--port must be a whole number from 0 to 65535.';
    if (!values.folder) return '--folder is missing: a folder for the keys of the stand-in.';
    if (!values.redirect?.every((each) => URL.canParse(each)))
      return '--redirect is missing or no full address, such as http://127.0.0.1:8080/auth/callback.';
    return {
      port,
      folder: values.folder,
      redirects: values.redirect,
      users: values.users.split(',').map((user) => user.trim()),
      openUsers: values['open-users'],
      clientId: values['client-id'],
      endWithStdin: values['end-with-stdin'],
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function stop(exitCode: number, sentence: string): void {
  console.error(sentence);
  process.exitCode = exitCode;
}

await main();
