// Warnings, in words. Their codes are for programs, and stand in `--json`.
import type { Alarm, AlarmCode } from '#client/alarms.ts';

/** What the server showed, as part of a sentence that ends with where. Of `IDENTITY_SWAPPED`: who has it. */
const words: Readonly<Record<AlarmCode, string>> = {
  HISTORY_FORKED: 'two different histories',
  RECORD_INVALID: 'a message that was altered',
  CONTROL_INVALID: 'a change of members or roles that breaks the rules',
  CONTROL_ROLLED_BACK: 'an older list of members',
  CONTROL_WITHHELD: 'a list of members without the newest change',
  CONTROL_UNVOUCHED: 'a list of members for which nobody you know stands',
  MANIFEST_INVALID: 'a list of devices that its owner did not sign',
  MANIFEST_ROLLED_BACK: 'an older list of devices',
  MANIFEST_WITHHELD: 'a list of devices that is not the newest',
  BACKUP_ROLLED_BACK: 'an older backup than yours',
  IDENTITY_SWAPPED: 'another identity',
  MESSAGE_TRANSPLANTED: 'a message in a place that is not its own',
  MESSAGE_REPLAYED: 'a message for a second time',
  EMPTIED_UNLAWFULLY: 'a message as deleted that nobody may have deleted',
};

/** An alarm for people. `call`: how they call the program. */
export function alarmSentence(alarm: Alarm, call: string): string {
  const { code, user } = alarm;
  if (code === 'IDENTITY_SWAPPED' && user)
    return `WARNING: ${user} has another identity now: they started over, or somebody takes their place. Compare by voice what ${call} identity ${user} prints on both sides; only if it is the same: ${call} approve ${user} NUMBER, with that number.`;
  const liar = user ? `, or ${user} lies` : '';
  return `WARNING: the server showed ${alarmWords(alarm)}${liar}. ${call} rooms says where sending is stopped.`;
}

/** What was shown, of whom and where, for a list of alarms. */
export function alarmWords({ code, room, user }: Alarm): string {
  return `${words[code]}${user ? ` of ${user}` : ''}${room ? ` in ${room}` : ''}`;
}
