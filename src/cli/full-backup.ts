// A backup that takes no more, as the terminal client says it: what it means, and what keeps the messages that come from now on.
import type { SecurityState } from '#client/shown.ts';
import type { Session } from './session.ts';

/** What there is to say; nothing where it is not full. */
export function fullSentences({ full, waiting }: SecurityState, call: string): string[] {
  if (!full) return [];
  const keys = waiting > 0 ? `the keys of your newest messages (${waiting})` : 'the keys of your newest messages';
  return [
    `FULL: the backup takes no more. The password brings back what is in it, and not what came since: ${keys} are on this device alone. Have a second device confirmed (${call} verify) and keep both, or write the keys into a file now and then: ${call} keys export FILE.`,
  ];
}

/** Waits until what the backup takes is in it, and says so where that is not all. */
export async function broughtIn({ client, args, out }: Pick<Session, 'client' | 'args' | 'out'>): Promise<void> {
  await client.security.flushed(args.timeoutMs);
  out.note(...fullSentences(client.security.state(), args.call));
}
