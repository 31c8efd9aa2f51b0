// The terminal client as a process, for tests: with `--json`, its lines read as objects; or as people see it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { runProgram } from '../program.ts';

const main = new URL('../main.ts', import.meta.url).pathname;
const lineMs = 30_000;

type Line = Record<string, unknown>;

/** How a run ended. */
export interface Ran {
  readonly status: number | null;
  readonly lines: Line[];
  readonly errors: string;
}

/** A running program. */
export interface Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ran>;
  /** The first line for which `test` holds, whenever it came. Rejects after half a minute, and when the program ends without one. */
  line(test: (line: Line) => boolean): Promise<Line>;
  type(text: string): void;
}

/** Starts it with `--json`. */
export function start(args: readonly string[]): Program {
  const child = spawn(process.execPath, [main, '--json', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: Line[] = [];
  const lookers = new Set<() => void>();
  let errors = '';
  let over = false;
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as Line);
    for (const look of lookers) look();
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const ended = new Promise<Ran>((resolve) =>
    child.once('close', (status) => {
      over = true;
      resolve({ status, lines, errors });
      for (const look of lookers) look();
    }),
  );
  const line = (test: (line: Line) => boolean) =>
    new Promise<Line>((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer);
        lookers.delete(look);
        settle();
      };
      const missing = (why: string) =>
        done(() => reject(new Error(`${why}: ${args.join(' ')}\n${JSON.stringify(lines)}\n${errors}`)));
      const look = () => {
        const seen = lines.find(test);
        if (seen) done(() => resolve(seen));
        else if (over) missing('the program ended without that line');
      };
      const timer = setTimeout(() => missing('no such line in time'), lineMs);
      lookers.add(look);
      look();
    });
  return { child, ended, line, type: (text) => child.stdin.write(`${text}\n`) };
}

/** Runs a command on a device's folder in this process, which saves the start of one. For what reads no stdin and waits for no signal. */
export async function runHere(folder: string, args: readonly string[]): Promise<Ran> {
  const [lines, errors]: [Line[], string[]] = [[], []];
  const console = {
    log: (line: string) => void lines.push(JSON.parse(line) as Line),
    error: (line: string) => void errors.push(line),
  };
  const status = await runProgram(['--json', '--folder', folder, ...args], main, console);
  return { status, lines, errors: errors.join('\n') };
}

/** Runs a command on a device's folder to its end. */
export function run(folder: string, args: readonly string[], input = ''): Promise<Ran> {
  const { child, ended } = start(['--folder', folder, ...args]);
  child.stdin.end(input);
  return ended;
}

/** What a person sees on stdout. */
export function seen(folder: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [main, '--folder', folder, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  return new Promise((resolve) => child.once('close', () => resolve(text)));
}
