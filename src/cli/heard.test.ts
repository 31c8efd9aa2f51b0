// What people are told of those who are given no keys: in lists, after writing, and as the exit of `send`.
import { describe, expect, it } from 'vitest';
import type { RoomInfo, Unheard } from '#client/shown.ts';
import { explainUnheard, identityMark, noteUnheard, unheardMark, unheardSentence } from './heard.ts';

const ann = '@ann:x';
const marks = (why: Unheard, ...users: string[]) => users.map((user) => ({ user, why }));

function room(over: Partial<RoomInfo>): RoomInfo {
  return { direct: true, members: [ann], unheard: [], ...over } as RoomInfo;
}

/** Notes that were printed, and what was thrown. */
function told(work: (out: { note: (...lines: readonly string[]) => void }) => unknown) {
  const notes: string[] = [];
  try {
    return { notes, gave: work({ note: (...lines) => void notes.push(...lines) }) };
  } catch (error) {
    return { notes, code: (error as { code: string }).code, message: String(error) };
  }
}

describe('those who are given no keys', () => {
  it('are named behind a room, three of them, and each behind a member', () => {
    expect(unheardMark([])).toBe('');
    expect(unheardMark(marks('MANIFEST_WITHHELD', ann))).toMatch(/^ {2}GETS NO KEYS: @ann:x \(.*devices\)$/);
    expect(unheardMark(marks('NOT_SIGNED_IN', 'a', 'b', 'c', 'd', 'e'))).toMatch(/c \(approved.*\) and 2 more$/);
    expect(identityMark({ identity: 'changed', unheard: 'IDENTITY_CHANGED' })).toContain('GETS NO KEYS');
    expect(identityMark({ identity: 'changed', unheard: '' })).toContain('not approved');
    expect(
      ['seen', 'approved', 'compared'].map((identity) => identityMark({ identity, unheard: '' } as never)),
    ).toEqual(['', '', '  compared']);
  });

  it('are said to be compared and approved, where that is what a person can do', () => {
    const [first] = marks('IDENTITY_CHANGED', ann);
    expect(unheardSentence(first!, 'luxchat')).toMatch(/luxchat identity @ann:x.*luxchat approve @ann:x/);
  });

  it('are noted after writing in a group', () => {
    const { notes } = told((out) => noteUnheard(out, room({ unheard: marks('IDENTITY_CHANGED', ann) }), 'luxchat'));
    expect(notes[0]).toMatch(/^WARNING: @ann:x has another identity/);
    expect(told((out) => noteUnheard(out, room({}), 'luxchat')).notes).toEqual([]);
  });

  it('fail what is sent in a 1:1 room where only the person can end it, and are noted where it ends by itself', () => {
    const changed = room({ unheard: marks('IDENTITY_CHANGED', ann) });
    const failed = told((out) => explainUnheard(out, changed, 'luxchat'));
    expect([failed.code, failed.message]).toEqual(['UNTRUSTED', expect.stringContaining('Not sent.')]);
    for (const unheard of [marks('NOT_SIGNED_IN', ann), marks('MANIFEST_WITHHELD', ann), []]) {
      const { gave, notes } = told((out) => explainUnheard(out, room({ unheard }), 'luxchat'));
      expect([gave, notes]).toEqual([true, [expect.stringContaining('goes out by itself')]]);
    }
  });

  it('are no reason while the other has not accepted, nor in a group', () => {
    for (const over of [{ members: [] }, { direct: false, unheard: marks('IDENTITY_CHANGED', ann) }])
      expect(told((out) => explainUnheard(out, room(over), 'luxchat'))).toEqual({ notes: [], gave: false });
  });
});
