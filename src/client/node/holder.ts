// Which program has a device's folder open, for whoever finds it in use: its number and what it is called. The lock says that there is one, this says which.
// Not relied on: a program that was killed leaves its note behind.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Beside the store whose lock it is, so that it goes with it. */
const name = 'holder';

interface Holder {
  readonly process: number;
  readonly program: string;
}

/** Notes this process. `program`: what it is called, without what stands behind it on the command line, which may be secret. Call once the lock is held. */
export function noteHolder(folder: string, program = basename(process.argv[1] ?? 'node')): void {
  const holder: Holder = { process: process.pid, program };
  writeFileSync(join(folder, name), JSON.stringify(holder), { mode: 0o600 });
}

/** Takes the note away again. Call while the lock is held. */
export function forgetHolder(folder: string): void {
  rmSync(join(folder, name), { force: true });
}

/** Who is noted, as far as that process runs here; undefined where nobody can say. */
export function holderOf(folder: string): Holder | undefined {
  try {
    const { process: number, program } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Partial<Holder>;
    if (!Number.isSafeInteger(number) || typeof program !== 'string' || !runs(number as number)) return undefined;
    return { process: number as number, program };
  } catch {
    // None there, or half of one: it is a hint alone.
    return undefined;
  }
}

function runs(number: number): boolean {
  try {
    return number > 0 && process.kill(number, 0);
  } catch (error) {
    // Of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
