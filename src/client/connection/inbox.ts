// The user's inbox as this device reads it: device messages go to the engine, standings and notices to whom they concern. The cursor moves only
// when everything up to it is durable here, so a crash repeats and never loses. The one exception: a private message between the turn of its
// ratchet and its row. That shows as one that can't be opened, and `lost` says so.
import type { InboxPage } from '#proto/gen/client.ts';
import { LocalSelf } from '#proto/gen/local.ts';
import type { InboxEntry, MemberStatus } from '#proto/gen/record.ts';
import type { InboxMessage, PrivateMessage, ReceiveReport } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';

/** What the inbox tells. */
export interface InboxPorts {
  readonly parts: () => Parts;
  /** Room keys arrived: what waits for these sessions may be tried again. */
  readonly roomKeys: (keys: ReceiveReport['roomKeys']) => Promise<void>;
  /** Standing in a room changed: follow it or let it go. */
  readonly standing: (room: string, status: MemberStatus) => Promise<void>;
  /** A manifest of this user or of someone else moved. */
  readonly manifest: (user: string, version: number) => Promise<void>;
  /** This user blocked someone, or ended that. */
  readonly blocks: () => Promise<void>;
  /** Own devices or keys changed. */
  readonly devices: () => Promise<void>;
  /** To the provider's Info bot: somebody's account began. Durable when it resolves. */
  readonly newcomer: (user: string) => Promise<void>;
  /** A message of another own device. Durable when it resolves: it can't be opened a second time. */
  readonly privateMessage: (message: PrivateMessage) => Promise<void>;
  /** A message of this user's own devices can't be opened: one that a crash took away, or damaged. Durable when it resolves. */
  readonly lost: () => Promise<void>;
  /** Device messages may be missing. What can be had elsewhere is fetched before the sign is taken back. */
  readonly fullSync: () => Promise<void>;
}

/** What a page asks for, by what it is about: once each, however often the page says it, and the newest. A new device finds all that own devices ever did. */
type Work = Map<string, () => Promise<void>>;

/** Reads the inbox. */
export class Inbox {
  #ports: InboxPorts;
  #cursor = 0;
  #reading: Promise<void> | undefined;
  #again = false;

  constructor(ports: InboxPorts) {
    this.#ports = ports;
  }

  /** Where this device stands, as it remembers. */
  async load(): Promise<void> {
    const row = await this.#ports.parts().store.get('account', 'cursor');
    this.#cursor = row ? LocalSelf.decode(row).inboxCursor : 0;
  }

  /** Reads everything that is new. A call while reading makes one more round, and is answered with it. Rejects as requests do. */
  read(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#rounds();
    return this.#reading;
  }

  async #rounds(): Promise<void> {
    try {
      // The look at `again` and the end of `reading` are one step: no call falls between.
      while (this.#again) {
        this.#again = false;
        while (!(await this.#page()));
      }
    } finally {
      this.#reading = undefined;
    }
  }

  /** One page. True = that was all. */
  async #page(): Promise<boolean> {
    const parts = this.#ports.parts();
    const before = this.#cursor;
    const page = await parts.request({ $case: 'fetchInbox', value: { after: this.#cursor, limit: 100 } }, 'inboxPage');
    await this.#take(page);
    if (page.through > this.#cursor) {
      this.#cursor = page.through;
      await parts.store.write([{ table: 'account', key: 'cursor', value: cursorRow(this.#cursor) }]);
      await parts.request({ $case: 'ackInbox', value: { through: this.#cursor, synced: false } }, 'done');
    }
    if (page.through > 0 && page.through >= page.head && page.needsFullSync) {
      await this.#ports.fullSync();
      await parts.request({ $case: 'ackInbox', value: { through: this.#cursor, synced: true } }, 'done');
    }
    return page.through >= page.head || this.#cursor === before;
  }

  async #take(page: InboxPage): Promise<void> {
    const { engine } = this.#ports.parts();
    const messages: InboxMessage[] = [];
    const after: Work = new Map();
    const changedUsers = new Set<string>();
    for (const entry of page.entries) this.#sort(entry, messages, after, changedUsers);
    // Own and others' new devices first: a message from one is worthless before its keys are known.
    for (const work of after.values()) await work();
    const report = await engine.receive({
      messages,
      ...(page.keys ? { oneTimeKeys: page.keys.oneTimeKeys, unusedFallback: page.keys.unusedFallback } : {}),
      changedUsers: [...changedUsers],
    });
    for (const message of report.messages) await this.#ports.privateMessage(message);
    if (report.undecrypted.includes(this.#ports.parts().user)) await this.#ports.lost();
    if (report.dropped > 0) this.#ports.parts().count('inbox.dropped', report.dropped);
    await engine.flush();
    if (report.roomKeys.length > 0) await this.#ports.roomKeys(report.roomKeys);
  }

  #sort(entry: InboxEntry, messages: InboxMessage[], after: Work, changedUsers: Set<string>): void {
    const { body } = entry;
    const { user: own } = this.#ports.parts();
    // The manifest of this user is fetched with the devices.
    const ownDevices = () => after.has('devices') || after.set('devices', () => this.#ports.devices());
    switch (body?.$case) {
      case 'deviceMessage':
        messages.push({ sender: body.value.sender, type: body.value.type, bytes: body.value.content });
        return;
      case 'standing':
        after.set(`standing ${body.value.room}`, () => this.#ports.standing(body.value.room, body.value.status));
        return;
      case 'manifest':
        changedUsers.add(body.value.user);
        after.set(body.value.user === own ? 'devices' : `manifest ${body.value.user}`, () =>
          this.#ports.manifest(body.value.user, body.value.head?.version ?? 0),
        );
        return;
      case 'blockChanged':
        after.set('blocks', () => this.#ports.blocks());
        return;
      case 'deviceNotice':
        ownDevices();
        return;
      case 'keys':
        changedUsers.add(body.value.user);
        if (body.value.user === own) ownDevices();
        return;
      case 'newcomer': {
        const { user } = body.value;
        after.set(`newcomer ${user}`, () => this.#ports.newcomer(user));
        return;
      }
      default:
        // An entry of a later version: nothing this program could do with it.
        this.#ports.parts().count('inbox.unknown');
    }
  }
}

function cursorRow(inboxCursor: number): Uint8Array {
  return LocalSelf.encode({ ...LocalSelf.decode(new Uint8Array()), inboxCursor }).finish();
}
