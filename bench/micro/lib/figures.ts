// Numbers of a bench: CPU time of this process, medians, and the frame every result needs (commit, machine, parameters).
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

/** User and system CPU time of this process so far, in microseconds. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Where and on what a bench ran. `dirty`: the checkout had changes, so the commit alone does not say what ran. */
export function circumstances(): Record<string, unknown> {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const cores = cpus();
  return {
    commit: git('rev-parse', '--short', 'HEAD'),
    dirty: git('status', '--porcelain', '--untracked-files=no') !== '',
    date: new Date().toISOString().slice(0, 10),
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    node: process.version,
  };
}

/** Writes `bench/results/<name>.json`: circumstances, parameters, figures. */
export function writeResult(name: string, parameters: Record<string, unknown>, figures: unknown): void {
  const folder = fileURLToPath(new URL('../../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify({ ...circumstances(), parameters, figures }, null, 2)}\n`);
}
