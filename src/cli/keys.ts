// `luxchat keys export FILE` and `keys import FILE`: what reads the messages of this device, in a file under a passphrase, for another program or a safe. Such a
// file says who wrote what, and nobody vouches for it: what it opens is shown with a word.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { ClientError } from '#client/errors.ts';
import { need, type Session } from './session.ts';

/** Longest file that is read, in bytes. */
const fileBytesMax = 67_108_864;

/** Runs the command. */
export async function keys({ client, args, out, keyboard }: Session): Promise<void> {
  const [what] = args.rest;
  if (what !== 'export' && what !== 'import')
    throw new ClientError('BAD_ARGUMENT', `${args.call} keys export FILE, or keys import FILE.`);
  const file = need(args, 1, 'a file');
  if (what === 'import') {
    if (!existsSync(file) || statSync(file).size > fileBytesMax)
      throw new ClientError('BAD_ARGUMENT', `There is no key file ${file}.`);
    const text = readFileSync(file, 'utf8');
    const { total, imported } = await client.security.importKeys(text, await keyboard.askHidden('Its passphrase: '));
    const said = `${imported} of ${total} keys were new. What only they open is marked NOT PROVEN.`;
    return out.say({ type: 'keys', total, imported }, said);
  }
  if (existsSync(file)) throw new ClientError('BAD_ARGUMENT', `${file} is there already.`);
  out.note('Whoever has the file and the passphrase reads your messages.');
  const passphrase = await keyboard.askHidden('A passphrase, six words or more: ');
  if ((await keyboard.askHidden('Once more: ')) !== passphrase)
    throw new ClientError('BAD_ARGUMENT', 'The two are not the same.');
  writeFileSync(file, await client.security.exportKeys(passphrase), { mode: 0o600, flag: 'wx' });
  out.say({ type: 'keys', file }, `Written to ${file}.`);
}
