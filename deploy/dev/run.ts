// What a launcher does when it is run by hand: print the address, wait for Ctrl-C, end the server; and say a failure in its own words.
import { DevFailure } from './failure.ts';
import { say } from './progress.ts';

/** Starts the server, prints its address to stdout, and stops it at SIGINT or SIGTERM. Exit code 1 when it could not be had. */
export async function runUntilInterrupted(
  name: string,
  start: () => Promise<{ address: string; stop: () => Promise<void> }>,
): Promise<void> {
  try {
    const server = await start();
    process.stdout.write(`${server.address}\n`);
    say(`${name}: Ctrl-C ends it`);
    const alive = setInterval(() => {}, 60_000);
    const end = () => {
      clearInterval(alive);
      void server.stop();
    };
    process.once('SIGINT', end).once('SIGTERM', end);
  } catch (error) {
    if (!(error instanceof DevFailure)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
