// Inbox entries come at least once, and again until they are acknowledged; unless the device was told to sync in full.
import type { History, HistoryEvent } from '../events.ts';
import type { Wrong } from '../violations.ts';

export function checkInboxes(history: History, wrong: Wrong): void {
  const inboxes = new Map<string, Inbox>();
  const of = (device: string) => {
    const inbox = inboxes.get(device) ?? new Inbox();
    inboxes.set(device, inbox);
    return inbox;
  };
  const away = new Set<string>();
  for (const event of history) {
    if (event.kind === 'inbox-stored') of(event.to).stored.add(event.id);
    else if (event.kind === 'inbox-acked') of(event.device).acked(event.through);
    else if (event.kind === 'away') away.add(event.device);
    else if (event.kind === 'opened') away.delete(event.device);
    else if (event.kind === 'inbox-read') {
      for (const seq of of(event.device).read(event)) {
        const what = `entry ${seq} is not among those from ${event.after + 1} to ${event.through}`;
        wrong({ code: 'inbox-forgotten', where: event.device, what });
      }
    }
  }
  for (const [device, inbox] of inboxes) {
    if (away.has(device) || inbox.needsFullSync) continue;
    for (const id of inbox.lost()) wrong({ code: 'inbox-lost', where: device, what: id });
  }
}

/** Device messages that were called stored and that their device has not read yet: it may be about to. */
export function lettersUnread(history: History): number {
  let unread = 0;
  checkInboxes(history, ({ code }) => {
    if (code === 'inbox-lost') unread++;
  });
  return unread;
}

class Inbox {
  readonly stored = new Set<string>();
  needsFullSync = false;
  readonly #ids = new Set<string>();
  /** Seqs of entries that were read and not acknowledged. */
  readonly #open = new Set<number>();

  acked(through: number): void {
    for (const seq of this.#open) if (seq <= through) this.#open.delete(seq);
  }

  /** Seqs that should have been among what was read. */
  read({ after, through, entries, needsFullSync }: HistoryEvent & { readonly kind: 'inbox-read' }): number[] {
    if (needsFullSync) this.needsFullSync = true;
    const seqs = new Set(entries.map(({ seq }) => seq));
    const missing = [...this.#open].filter((seq) => seq > after && seq <= through && !seqs.has(seq));
    for (const { seq, id } of entries) {
      this.#open.add(seq);
      this.#ids.add(id);
    }
    return needsFullSync ? [] : missing;
  }

  lost(): string[] {
    return [...this.stored].filter((id) => !this.#ids.has(id));
  }
}
