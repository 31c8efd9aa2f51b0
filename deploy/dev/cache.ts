// Where fetched programs stay between runs: one folder per user, one subfolder a program. A subfolder appears whole, by a rename, or not at all;
// two processes that fetch at once both succeed and one result stays.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { startGuard } from './guard.ts';

/** `$LUXCHAT_CACHE`, else `$XDG_CACHE_HOME/luxchat`, else `~/.cache/luxchat`. */
export function cacheFolder(): string {
  const { LUXCHAT_CACHE, XDG_CACHE_HOME } = process.env;
  return LUXCHAT_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'luxchat');
}

/**
 * The cached folder `name`; `fill` is asked to make it in a folder beside it when it is not there. What a failed or killed `fill` wrote is removed
 * (a guard outlives this process for that).
 */
export async function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const target = join(cacheFolder(), name);
  if (existsSync(target)) return target;
  mkdirSync(cacheFolder(), { recursive: true });
  const part = mkdtempSync(`${target}.part-`);
  const guard = startGuard();
  guard.removes(part);
  try {
    await fill(part);
    moveInto(part, target);
  } finally {
    rmSync(part, { recursive: true, force: true });
    guard.end();
  }
  return target;
}

function moveInto(part: string, target: string): void {
  try {
    renameSync(part, target);
  } catch (error) {
    // Another process was quicker: a folder that is not empty is never replaced.
    if (!existsSync(target)) throw error;
  }
}
