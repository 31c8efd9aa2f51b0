// A bench's processes: the server that is measured runs alone in a child, so that its CPU time holds nothing but its own work.
// Parent and child talk by calls over IPC: few and between measured stretches, never one per message.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a child can do, by name. Parameters and results are plain JSON. */
export type Calls = Record<string, (params: never) => unknown>;

/** Child side: answers calls until the parent goes away, then ends. */
export function serveCalls(calls: Calls, end: () => void = () => process.exit(0)): void {
  process.on('message', ({ id, name, params }: { id: number; name: string; params: unknown }) => {
    const call = calls[name] as ((params: unknown) => unknown) | undefined;
    Promise.resolve()
      .then(() => (call === undefined ? Promise.reject(new Error(`no call ${name}`)) : call(params)))
      .then((result) => process.send?.({ id, result }))
      .catch((error: Error) => process.send?.({ id, error: error.stack ?? error.message }));
  });
  process.on('disconnect', end);
}

/** Parent side of one child process. */
export class Child {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  /** Starts the module at `child` (as `new URL('./x.ts', import.meta.url)`), or takes a process that was forked. */
  constructor(child: URL | ChildProcess, execArgv: readonly string[] = []) {
    this.process =
      child instanceof URL ? fork(fileURLToPath(child), [], { execArgv: [...execArgv], stdio: 'inherit' }) : child;
    this.process.on('message', ({ id, result, error }: { id: number; result?: never; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result as never);
      else waiting?.reject(new Error(error));
    });
    this.process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`child ended: ${code ?? signal}`));
    });
  }

  call<R = void>(name: string, params: unknown = null): Promise<R> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<R>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: never) => void, reject });
      this.process.send({ id, name, params });
    });
  }

  /** Ends the child, which has no state worth saving; resolves when it is gone, so that nothing it is connected to can end before it. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
    if (this.process.connected) this.process.disconnect();
    await gone;
  }
}
