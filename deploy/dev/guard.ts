// Nothing outlives the process that started it, not even its SIGKILL: a guard is a small shell that reads from a pipe which only we hold open.
// When we are gone the pipe ends, and it kills the process groups it was told of and removes the folders that were ours alone.
// It does not watch the servers: a server that ends by itself is dropped by us.
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** One guard; a launcher starts it before its first server, so that there is no moment without. */
export interface Guard {
  /** Kill this process group when we are gone. */
  kills(group: number): void;
  /** The group has ended: its number may be another's soon. */
  forgets(group: number): void;
  /** Remove this folder when we are gone. */
  removes(folder: string): void;
  /** Stops guarding; nothing is killed or removed. */
  end(): void;
}

const script = `
trap '' INT TERM HUP
groups=
while IFS=' ' read -r word value; do
  case $word in
    kills) groups="$groups $value" ;;
    forgets)
      kept=
      for group in $groups; do [ "$group" = "$value" ] || kept="$kept $group"; done
      groups=$kept ;;
    removes) set -- "$@" "$value" ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
sleep 0.2
for folder in "$@"; do rm -rf -- "$folder"; done
`;

/** Starts a guard in a process group of its own, so that Ctrl-C at the terminal does not reach it first. */
export function startGuard(): Guard {
  const shell = spawn('/bin/sh', ['-c', script, 'luxchat-guard'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const pipe = shell.stdin as Socket;
  pipe.on('error', () => {}); // Somebody killed the guard: the servers are still ours to stop.
  pipe.unref();
  shell.unref();
  const tell = (line: string) => void pipe.write(`${line}\n`);
  return {
    kills: (group) => tell(`kills ${group}`),
    forgets: (group) => tell(`forgets ${group}`),
    removes: (folder) => tell(`removes ${folder}`),
    end: () => void shell.kill('SIGKILL'),
  };
}
