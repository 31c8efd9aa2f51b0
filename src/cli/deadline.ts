// Nobody waits at a terminal for ever.
import { ClientError } from '#client/errors.ts';

/** Rejects with OFFLINE and this sentence where `work` takes longer. */
export async function withDeadline<T>(work: Promise<T>, ms: number, sentence: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ClientError('OFFLINE', sentence)), ms);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Why a command that needs the server fails without it. What that means for what was asked for, each command says behind it. */
export const unreachable = 'The server could not be reached. Is it running?';
