// In the middle of a transaction lmdb's thread waits for this one, and at the end of a process Node waits for that thread: together they would wait for
// ever, and hold the folder's lock. So a process that ends then, by `process.exit` or by an error that nobody caught, is killed: that loses nothing
// that was promised.
import process from 'node:process';

/** The transactions of one store. */
export class Exit {
  #open = 0;
  readonly #end = () => {
    if (this.#open > 0) process.kill(process.pid, 'SIGKILL');
  };

  constructor() {
    process.on('exit', this.#end);
  }

  /** Until this is settled the process can't end by itself. */
  async during<T>(transaction: Promise<T>): Promise<T> {
    this.#open++;
    try {
      return await transaction;
    } finally {
      this.#open--;
    }
  }

  /** The store is closed. */
  close(): void {
    process.off('exit', this.#end);
  }
}
