// The final logs by themselves: every seq from floor to head once, every send and every message once, and all sources of one mind.
import { deviceKey, sendKey } from '../events.ts';
import { type FinalLog, LogIndex } from '../final-log.ts';
import type { Wrong } from '../violations.ts';
import type { SendTable } from './sends.ts';

/** `sends` tells which message a send id was for. */
export function checkLog({ room, floor, records }: FinalLog, sends: SendTable, wrong: Wrong): void {
  let last = floor - 1;
  const places = new Map<string, number>();
  const messages = new Map<string, string>();
  for (const { seq, sender, device, sendId } of records) {
    if (seq <= last) wrong({ code: 'seq-duplicate', where: room, what: `${seq} comes after ${last}` });
    if (seq > last + 1) wrong({ code: 'seq-hole', where: room, what: `${seq} comes after ${last}` });
    last = Math.max(last, seq);
    const key = sendKey({ room, device: deviceKey(sender, device), sendId });
    const before = places.get(key);
    if (before !== undefined) wrong({ code: 'send-id-twice', where: room, what: `${key} is at ${before} and ${seq}` });
    places.set(key, seq);
    const story = sends.of(key);
    if (story === undefined) continue;
    const message = `${story.device} ${story.content}`;
    const other = messages.get(message) ?? key;
    if (other !== key)
      wrong({ code: 'message-twice', where: room, what: `${message} is there by ${other} and ${key}` });
    messages.set(message, key);
  }
}

/** Where two sources can both say something, and where they end, they say the same. */
export function checkSources(first: FinalLog, second: FinalLog, wrong: Wrong): void {
  const [one, other] = [new LogIndex(first), new LogIndex(second)];
  const names = `${first.source} and ${second.source}`;
  const differ = (what: string) => wrong({ code: 'sources-differ', where: first.room, what: `${names}: ${what}` });
  if (one.head !== other.head) differ(`heads are ${one.head} and ${other.head}`);
  for (let seq = Math.max(one.floor, other.floor); seq <= Math.min(one.head, other.head); seq++) {
    const [here, there] = [one.at(seq)?.hash, other.at(seq)?.hash];
    if (here !== there) differ(`${seq} is ${here} and ${there}`);
  }
}
