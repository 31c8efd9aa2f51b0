// Runs the Info bot beside the provider, as a process of its own: started again with growing pauses whenever it ends, and gone when this process is, however
// that ends, because its stdin closes then.
import { spawn } from 'node:child_process';

/** How it is run. */
export interface InfoBotOptions {
  /** Address of the provider. */
  readonly server: string;
  readonly folder: string;
  readonly secretFile: string;
  readonly privacyNotice: string;
  /** Is the provider one for development, which has no privacy notice of its own? */
  readonly isDevelopment: boolean;
  /** For the console: a sentence when it ends by itself. */
  readonly say: (sentence: string) => void;
  /** Program and arguments before ours. Default: the Info bot on this Node. */
  readonly command?: readonly [string, ...string[]];
  /** Milliseconds until it is started again; doubles each time up to the longest, and begins anew when it lived that long. Default 1,000 and 60,000. */
  readonly firstMs?: number;
  readonly longestMs?: number;
  readonly now?: () => number;
}

/** The running bot. */
export interface RunningBot {
  /** Ends it for good; resolves when it is gone, by SIGKILL after so many milliseconds (default 5,000). */
  stop(graceMs?: number): Promise<void>;
}

const program = new URL('../bots/info/main.ts', import.meta.url).pathname;

export function runInfoBot(options: InfoBotOptions): RunningBot {
  const {
    server,
    folder,
    secretFile,
    privacyNotice,
    isDevelopment,
    say,
    firstMs = 1_000,
    longestMs = 60_000,
    now = Date.now,
  } = options;
  const [command, ...before] = options.command ?? [process.execPath, program];
  const args = ['--server', server, '--folder', folder, '--secret-file', secretFile, '--end-with-stdin'];
  if (privacyNotice !== '') args.push('--privacy-notice', privacyNotice);
  if (isDevelopment) args.push('--development');
  let stopping = false;
  let pauseMs = firstMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let gone: Promise<void> = Promise.resolve();
  let kill: (signal: NodeJS.Signals) => void = () => {};
  const begin = () => {
    const beganMs = now();
    // Detached, so that Ctrl-C reaches it by us, after the drain. Its sentences go where ours go.
    const child = spawn(command, [...before, ...args], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    // Where it ended already, nobody reads.
    child.stdin.on('error', () => {});
    kill = (signal) => child.kill(signal);
    gone = new Promise((resolve) => {
      const ended = (how: string) => {
        resolve();
        if (stopping || timer !== undefined) return;
        if (now() - beganMs >= longestMs) pauseMs = firstMs;
        say(
          `The Info bot ended ${how}: newcomers wait for their invitation. It is started again in ${pauseMs / 1000} s.`,
        );
        timer = setTimeout(() => {
          timer = undefined;
          begin();
        }, pauseMs);
        pauseMs = Math.min(longestMs, pauseMs * 2);
      };
      child.once('error', () => ended('before it began'));
      child.once('exit', (code, signal) => ended(signal === null ? `with code ${code}` : `by ${signal}`));
    });
  };
  begin();
  return {
    stop: async (graceMs = 5_000) => {
      stopping = true;
      clearTimeout(timer);
      kill('SIGTERM');
      const late = setTimeout(() => kill('SIGKILL'), graceMs);
      await gone;
      clearTimeout(late);
    },
  };
}
