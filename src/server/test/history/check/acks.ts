// What was accepted is where its sender was told, what was refused is not there, and everything was answered.
import type { LogIndex } from '../final-log.ts';
import type { Wrong } from '../violations.ts';
import { isAnswered, isRefused, type SendStory, type SendTable } from './sends.ts';

export function checkAcks(sends: SendTable, logs: ReadonlyMap<string, LogIndex>, wrong: Wrong): void {
  for (const story of sends.all()) {
    if (!isAnswered(story)) wrong({ code: 'never-answered', where: story.room, what: story.key });
    const log = logs.get(story.room);
    if (log === undefined) continue;
    checkPlaces(story, log, wrong);
    if (!isRefused(story) || log.ofSend(story.key) === undefined) continue;
    const seq = log.ofSend(story.key)?.seq;
    wrong({
      code: 'refused-but-there',
      where: log.room,
      what: `${story.key}, refused by ${story.rejected}, is at ${seq}`,
    });
  }
}

function checkPlaces({ key, accepted }: SendStory, log: LogIndex, wrong: Wrong): void {
  for (const { seq, hash } of accepted) {
    // What expired can't be looked at any more.
    if (seq < log.floor) continue;
    const found = log.ofSend(key);
    if (found === undefined) {
      const what = `${key} was accepted at ${seq}; the log ends at ${log.head}`;
      wrong({ code: 'acked-lost', where: log.room, what });
    } else if (found.seq !== seq || found.hash !== hash) {
      const what = `${key} was accepted at ${seq} as ${hash} and is at ${found.seq} as ${found.hash}`;
      wrong({ code: 'acked-elsewhere', where: log.room, what });
    }
  }
}
