// Histories in which every promise is kept, made from a script: what the checker's tests start from. One room, some devices that join one after the
// other, and after the script a stretch that has one of everything, so that each mistake has something to be made in.
import { deviceKey, type Placed } from './events.ts';
import type { FinalLog, FinalRecord } from './final-log.ts';
import { Recorder } from './recorder.ts';

/** One thing that happens: who and what are taken modulo what there is. */
export interface Step {
  readonly who: number;
  readonly what: number;
}

export const room = '!room';
export const devices = ['@a', '@b', '@c'].map((user) => deviceKey(user, 1));

interface Device {
  readonly key: string;
  connection: number;
  /** Position in the log, 0 = nothing shown yet. */
  shown: number;
  sendId: number;
  inbox: number;
  isIn: boolean;
}

/** A server and clients that make no mistakes. */
export class GoodHistory {
  #now = 0;
  readonly recorder = new Recorder({ clock: () => ++this.#now });
  readonly log: FinalRecord[] = [];
  readonly #devices: readonly Device[] = devices.map((key) => ({
    ...{ key, connection: 0, shown: 0, sendId: 0, inbox: 0, isIn: false },
  }));
  #messages = 0;

  constructor(steps: readonly Step[]) {
    for (const device of this.#devices) {
      this.#open(device);
      this.#join(device);
      this.#talk(device);
    }
    for (const step of steps) this.#step(step);
    for (const device of this.#devices) {
      if (device.connection === 0) this.#return(device);
      if (!device.isIn) this.#join(device);
    }
    for (const device of this.#devices) {
      this.#talk(device);
      this.#cut(device);
      this.#talk(this.#devices.find(({ connection }) => connection !== 0) as Device);
      this.#return(device);
      this.#letter(device);
    }
    for (const device of this.#devices) this.#talk(device);
  }

  /** What two sources say in the end. */
  logs(): FinalLog[] {
    return ['door', 'store'].map((source) => ({ room, source, floor: 1, records: [...this.log] }));
  }

  #step({ who, what }: Step): void {
    const device = this.#devices[who % this.#devices.length] as Device;
    const online = device.connection !== 0;
    const kind = what % 6;
    const guest = this.#devices.at(-1) as Device;
    if (!online) this.#return(device);
    else if (!device.isIn) this.#join(device);
    else if (kind === 5 && guest.isIn) this.#leave(guest, device);
    else if (kind === 0) this.#cut(device);
    else if (kind === 1) this.#talkTwice(device);
    else if (kind === 2) this.#letter(device);
    else if (kind === 3) this.recorder.mark('something breaks');
    else this.#talk(device);
  }

  /** Sent, given to all who are there, accepted. */
  #talk(device: Device): void {
    const send = this.#sent(device);
    const placed = this.#append(device, send.sendId);
    this.recorder.note({ kind: 'accepted', ...send, ...placed });
  }

  /** The first answer is lost with the connection, the second try gets it. */
  #talkTwice(device: Device): void {
    const send = this.#sent(device);
    const placed = this.#append(device, send.sendId);
    this.recorder.note({ kind: 'unanswered', ...send });
    this.#cut(device);
    this.#return(device);
    this.recorder.note({ kind: 'sent', ...send, content: `message ${this.#messages}` });
    this.recorder.note({ kind: 'accepted', ...send, ...placed });
  }

  #sent(device: Device) {
    device.sendId += 1;
    this.#messages += 1;
    const send = { device: device.key, room, sendId: device.sendId };
    this.recorder.note({ kind: 'sent', ...send, content: `message ${this.#messages}` });
    return send;
  }

  #append({ key }: Device, sendId: number): Placed {
    const seq = this.log.length + 1;
    const placed = { seq, hash: `hash ${seq}` };
    const [sender = '', device] = key.split('/');
    this.log.push({ ...placed, sender, device: Number(device), sendId });
    const records = [placed];
    for (const device of this.#devices) {
      if (!device.isIn || device.connection === 0 || device.shown !== seq - 1) continue;
      this.recorder.note({ kind: 'delivered', connection: device.connection, room, by: 'push', records });
      this.#show(device, seq);
    }
    return placed;
  }

  #join(device: Device): void {
    this.recorder.note({ kind: 'joined', device: device.key, room, from: this.log.length + 1 });
    device.shown = this.log.length;
    device.isIn = true;
  }

  /** The guest is removed by `by`: it has what it was to have before, and the record that says so if it was there. */
  #leave(guest: Device, by: Device): void {
    const owed = guest.shown;
    this.#talk(by);
    guest.isIn = false;
    this.recorder.note({ kind: 'left', device: guest.key, room, through: owed + 1, owed });
  }

  #open(device: Device): void {
    device.connection = this.recorder.opened(device.key, 'n1');
  }

  #cut(device: Device): void {
    this.recorder.note({ kind: 'closed', connection: device.connection, code: 1006 });
    device.connection = 0;
  }

  #return(device: Device): void {
    this.#open(device);
    const { connection, isIn } = device;
    if (!isIn) return;
    const [from, through] = [device.shown + 1, this.log.length];
    this.recorder.note({ kind: 'asked', connection, room });
    const records = this.log.slice(device.shown).map(({ seq, hash }) => ({ seq, hash }));
    this.recorder.note({ kind: 'delivered', connection, room, by: 'fetch', records });
    if (from <= through) this.#show(device, through);
    this.recorder.note({ kind: 'recovered', connection, room, from, through, gap: false });
  }

  #show(device: Device, through: number): void {
    this.recorder.note({ kind: 'shown', device: device.key, room, from: device.shown + 1, through });
    device.shown = through;
  }

  /** A device message is stored, read twice and acknowledged. */
  #letter(device: Device): void {
    device.inbox += 1;
    const [seq, id] = [device.inbox, `letter ${device.inbox}`];
    this.recorder.note({ kind: 'inbox-stored', to: device.key, id });
    for (let reads = 0; reads < 2; reads++) {
      const entries = [{ seq, id }];
      const read = { device: device.key, after: seq - 1, through: seq, entries, needsFullSync: false };
      this.recorder.note({ kind: 'inbox-read', ...read });
    }
    this.recorder.note({ kind: 'inbox-acked', device: device.key, through: seq });
  }
}
