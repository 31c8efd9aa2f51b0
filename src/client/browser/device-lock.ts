// One tab at a time runs a device: two on one store would use steps of its sessions twice. The browser keeps the lock and gives it back when the tab
// is gone, however it went.
import { ClientError } from '../errors.ts';

// A tab that is being closed or loaded again holds on for a moment.
const waitMs = 2_000;

/** Takes the lock; the returned function gives it back, and resolves when it is free. Rejects with IN_USE, after two seconds; with STORE where the
 * browser has no locks (pages that did not come over https). */
export async function takeLock(name: string): Promise<() => Promise<void>> {
  if (!('locks' in navigator))
    throw new ClientError('STORE', 'This browser can not keep a device safe here: use https, and a newer browser.');
  const taken = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const ended = navigator.locks.request(name, { signal: AbortSignal.timeout(waitMs) }, () => {
    taken.resolve();
    return held.promise;
  });
  ended.catch((cause: unknown) => {
    const late = cause instanceof DOMException && cause.name === 'TimeoutError';
    const inUse = new ClientError('IN_USE', 'Luxchat is open in another tab: close it first.', { cause });
    taken.reject(late ? inUse : new ClientError('STORE', 'This browser gives no lock to this page.', { cause }));
  });
  await taken.promise;
  return async () => {
    held.resolve();
    await ended;
  };
}
