// What securing, unlocking and another password ask and say, over an SDK and a LuxID that are stood in for.
import { describe, expect, it, vi } from 'vitest';
import { ClientError } from '#client/errors.ts';
import type { StartOverLoss } from '#client/security/security.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { readArguments } from './arguments.ts';
import { devices } from './devices.ts';
import { lossSentences } from './lost.ts';
import { password, secure, unlock } from './secure.ts';
import type { Session } from './session.ts';

vi.mock('./luxid.ts', () => ({ stepUp: async () => ({ token: 'grant' }) }));

const own = 'violin copper meadow rocket pencil island';
const loss: StartOverLoss = { backup: true, devices: ['phone', 'tablet'], waiting: 3, closed: ['!gdiary:localhost'] };
const six = /^ {2}([a-z]+(?: [a-z]+){5})$/;

/** A session whose person answers with these words; `(shown)` stands for the words on the screen. */
function scene(answers: string[], state: object, args: readonly string[] = []) {
  const given: string[] = [];
  const hidden: string[] = [];
  const said: string[] = [];
  const shown = () => said.map((line) => six.exec(line)?.[1]).find((found) => found) ?? '';
  const take = (name: string) => async (_: object, word: string) => {
    if (name === 'unlock' && word !== own) throw new ClientError('WRONG_PASSWORD', 'no');
    given.push(`${name} ${word}`);
  };
  const security = {
    state: () => ({ state: 'protected', backup: false, waiting: 0, ...state }),
    setUp: take('setUp'),
    changePassword: take('change'),
    unlock: take('unlock'),
    startOver: take('startOver'),
    lossAtStartOver: async () => loss,
    logOutAsLost: async (_: object, word: string, { devices }: { devices: readonly number[] }) => {
      if (word !== own) throw new ClientError('WRONG_PASSWORD', 'no');
      given.push(`lost ${devices}`);
    },
    flushed: async () => {},
  };
  const answer = async (question: string) => {
    const next = answers.shift();
    if (next === undefined) throw new ClientError('BAD_ARGUMENT', question);
    return next.replace('(shown)', shown());
  };
  const keyboard = {
    interactive: true,
    ask: answer,
    askHidden: (question: string) => {
      hidden.push(question);
      return answer(question);
    },
  };
  const hear = (...lines: string[]) => said.push(...lines);
  const out = { json: false, say: (_: object, ...lines: string[]) => hear(...lines), note: hear };
  const numbered = async () =>
    [1, 2, 3].map((device) => ({
      device,
      name: `device ${device}`,
      current: device === 1,
      confirmed: device === 2,
    }));
  const removeDevice = async (device: number) => void given.push(`removed ${device}`);
  const renameDevice = async (device: number, name: string) => void given.push(`renamed ${device} ${name}`);
  const formerDevices = async () => [{ device: 4, name: 'old phone' }];
  const client = {
    device: 1,
    security,
    devices: numbered,
    formerDevices,
    removeDevice,
    renameDevice,
    on: () => () => {},
  };
  const session = { client, args: readArguments([...args, '--language', 'lb'], {}), out, keyboard };
  return { given, said, shown, hidden, session: session as unknown as Session };
}

describe('secure', () => {
  it('says at once what the backup has no room for', async () => {
    const { session, said } = scene(['(shown)'], { state: 'unprotected', full: true, waiting: 2 }, ['secure']);
    await secure(session);
    expect(said.filter((line) => line.startsWith('FULL: '))).toHaveLength(1);
  });

  it('shows six words once, takes them only when they come back, however they are typed', async () => {
    const { session, given, shown, said } = scene(['not it', ' (shown) '], { state: 'unprotected' }, ['secure']);
    await secure(session);
    expect(given).toEqual([`setUp ${shown()}`]);
    expect(said.filter((line) => line.includes(shown()))).toHaveLength(1);
  });

  it('makes nothing for one who did not write them down', async () => {
    const { session, given } = scene(['a', 'b', 'c', '(shown)'], { state: 'unprotected' }, ['secure']);
    await expect(secure(session)).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    expect(given).toEqual([]);
  });

  it('refuses a password of one’s own that could be guessed, and one that is typed in two ways', async () => {
    const five = ['1234', own, 'other', own, own];
    const { session, given, hidden } = scene(five, { state: 'unprotected' }, ['secure', '--own']);
    await secure(session);
    expect(given).toEqual([`setUp ${own}`]);
    expect(hidden).toHaveLength(5);
    const weak = scene(['1', '2', '3'], { state: 'unprotected' }, ['secure', '--own']);
    await expect(secure(weak.session)).rejects.toMatchObject({ code: 'WEAK_PASSWORD' });
  });

  it.each([
    [{ state: 'unconfirmed', backup: true }, 'NOT_CONFIRMED', /luxchat unlock.*luxchat verify/],
    [{ state: 'unconfirmed' }, 'NOT_CONFIRMED', /^((?!unlock).)*verify/],
    [{ backup: true }, 'BAD_ARGUMENT', /luxchat password change/],
  ])('with %j says %s and what to do', async (state, code, message) => {
    const { session } = scene([], state, ['secure']);
    await expect(secure(session)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('unlock', () => {
  it('takes three tries for one step-up', async () => {
    const { session, given, hidden } = scene(['x', 'y', own], { state: 'unconfirmed', backup: true }, ['unlock']);
    await unlock(session);
    expect(given).toEqual([`unlock ${own}`]);
    expect(hidden).toEqual(Array.from({ length: 3 }, () => 'Your password: '));
    const wrong = scene(['x', 'y', 'z', own], { state: 'unconfirmed', backup: true }, ['unlock']);
    // It ended with "This is not the password.", and whoever had another device did not hear of it.
    const next = /Nothing is lost: .*luxchat unlock again, 5 times an hour at most\. Or run luxchat verify here/;
    const message = expect.stringMatching(next);
    await expect(unlock(wrong.session)).rejects.toMatchObject({ code: 'WRONG_PASSWORD', message });
    const often = scene(['x'], { state: 'unconfirmed', backup: true }, ['unlock']);
    const rejection = Rejection.REJECTION_RATE_LIMITED;
    const refuse = async () => {
      throw new ClientError('REJECTED', 'The server refused: RATE_LIMITED.', { rejection, retryAfterMs: 40 * 60_000 });
    };
    Object.assign(often.session.client.security, { unlock: refuse });
    const later = expect.stringMatching(/nothing is lost\. Try again in 40 minutes\. Or run luxchat verify here/);
    await expect(unlock(often.session)).rejects.toMatchObject({ rejection, message: later });
    const alone = scene(['x', 'y', 'z'], { state: 'unconfirmed', backup: true }, ['unlock']);
    Object.assign(alone.session.client, { devices: async () => [{ device: 1, current: true, confirmed: false }] });
    const begin = expect.stringMatching(
      /unlock again.*no confirmed device.*secure --start-over, without what was written/,
    );
    await expect(unlock(alone.session)).rejects.toMatchObject({ code: 'WRONG_PASSWORD', message: begin });
  });

  it('counts the conversations that come back', async () => {
    const { session, said } = scene([], { backup: true }, ['unlock']);
    const told = (rooms: number) => (_: string, hear: (state: object) => void) => {
      hear({ restore: { rooms, roomsDone: 1, refused: 0 } });
      return () => {};
    };
    for (const rooms of [1, 2]) {
      Object.assign(session.client, { on: told(rooms) });
      await unlock(session);
    }
    expect(said.filter((line) => line.startsWith('  1 of'))).toEqual([
      '  1 of 1 conversation',
      '  1 of 2 conversations',
    ]);
  });

  it('goes on where it was interrupted without asking anything, and says so where nothing was secured', async () => {
    const { session, given } = scene([], { backup: true }, ['unlock']);
    await unlock(session);
    expect(given).toEqual([]);
    const none = scene([], { state: 'unconfirmed' }, ['unlock']);
    await expect(unlock(none.session)).rejects.toMatchObject({ code: 'UNKNOWN' });
  });
});

describe('password', () => {
  it.each(['change', 'lost'])('%s makes another one and keeps the messages', async (what) => {
    const { session, given, shown } = scene(['(shown)'], { backup: true }, ['password', what]);
    await password(session);
    expect(given).toEqual([`change ${shown()}`]);
  });

  it('lost says beforehand what is lost where there is no confirmed device', async () => {
    const { session, said } = scene([], { state: 'unconfirmed', backup: true }, ['password', 'lost']);
    const message = expect.stringMatching(/only another device.*can not be read any more/s);
    await expect(password(session)).rejects.toMatchObject({ code: 'NOT_CONFIRMED', message });
    expect(said).toEqual([]);
  });

  it('says how it is called', async () => {
    for (const args of [['password'], ['password', 'x']])
      await expect(password(scene([], {}, args).session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

describe('devices lost', () => {
  it('takes numbers and the password, three tries for one step-up', async () => {
    const { session, given } = scene(['x', own], { backup: true }, ['devices', 'lost', '2', '3']);
    await devices(session);
    expect(given).toEqual(['lost 2,3']);
  });

  // Somebody may have the device meanwhile: what ends it without a password was not said.
  it('says after three wrong passwords that nothing was done, and what does without one', async () => {
    const { session, given } = scene(['x', 'y', 'z'], { backup: true }, ['devices', 'lost', '2']);
    const next = /no device is logged out.*devices remove NUMBER.*password lost.*luxchat devices lost 2/;
    await expect(devices(session)).rejects.toMatchObject({
      code: 'WRONG_PASSWORD',
      message: expect.stringMatching(next),
    });
    expect(given).toEqual([]);
    // "It is logged out", it said, before a server that had been asked too often refused.
    const often = scene(['x'], { backup: true }, ['devices', 'lost', '2']);
    const rejection = Rejection.REJECTION_RATE_LIMITED;
    const logOutAsLost = async () => {
      throw new ClientError('REJECTED', 'The server refused: RATE_LIMITED.', { rejection, retryAfterMs: 40 * 60_000 });
    };
    Object.assign(often.session.client.security, { logOutAsLost });
    const message = expect.stringMatching(/^Nothing was changed yet\..*in 40 minutes\. luxchat devices remove NUMBER/);
    await expect(devices(often.session)).rejects.toMatchObject({ rejection, message });
    expect(often.said[0]).toMatch(/^It will be logged out/);
  });

  // "You have no device 4", said to somebody who had logged it out and learnt then that it was stolen.
  it('takes one that is logged out already, and says so', async () => {
    const { session, given, said } = scene([own], { backup: true }, ['devices', 'lost', '4']);
    await devices(session);
    expect(given).toEqual(['lost 4']);
    expect(said[0]).toMatch(/^Device 4, old phone, was logged out before\..*opens nothing new/);
    const both = scene([own], { backup: true }, ['devices', 'lost', '4', '2']);
    await devices(both.session);
    expect(both.said[0]).toMatch(/^They will be logged out, and/);
  });

  it.each([
    [['devices', 'lost'], { backup: true }, 'BAD_ARGUMENT', /devices lost NUMBER/],
    [['devices', 'lost', 'phone'], { backup: true }, 'BAD_ARGUMENT', /devices lost NUMBER/],
    [['devices', 'lost', '9'], { backup: true }, 'UNKNOWN', /no device 9/],
    [['devices', 'lost', '2'], {}, 'UNKNOWN', /devices remove 2 is enough/],
    [['devices', 'lost', '4'], {}, 'UNKNOWN', /logged out already, and no more is to be done/],
    // That was advised, and logged the last device out without a warning.
    [['devices', 'lost', '1'], {}, 'BAD_ARGUMENT', /device 1 is this one.*log-out/],
    [['devices', 'lost', '2', '1'], { backup: true }, 'BAD_ARGUMENT', /device 1 is this one.*log-out/],
  ])('%j with %j says %s and what to do', async (args, state, code, message) => {
    const { session, given } = scene([own], state, args);
    await expect(devices(session)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(given).toEqual([]);
  });
});

describe('devices', () => {
  it('removes and renames the one that is named, and says which', async () => {
    for (const [words, done, sentence] of [
      [['remove', '2'], 'removed 2', 'Device 2, device 2, is logged out.'],
      [['rename', '1', 'my', 'phone'], 'renamed 1 my phone', 'Device 1 is called my phone now.'],
    ] as const) {
      const { session, given, said } = scene([], {}, ['devices', ...words]);
      await devices(session);
      expect([given, said]).toEqual([[done], [sentence]]);
    }
  });

  it('says of one that was removed what is to be done where somebody has it', async () => {
    const { session, said } = scene([], { backup: true }, ['devices', 'remove', '2']);
    await devices(session);
    expect(said[0]).toMatch(/is logged out\. Where somebody may have it: luxchat devices lost 2/);
    const gone = scene([], {}, ['devices', 'remove', '4']);
    await expect(devices(gone.session)).rejects.toMatchObject({ code: 'UNKNOWN' });
  });

  it.each([
    [['remove'], 'BAD_ARGUMENT', /devices remove NUMBER/],
    [['remove', 'phone'], 'BAD_ARGUMENT', /devices remove NUMBER/],
    [['remove', '2', '3'], 'BAD_ARGUMENT', /one NUMBER at a time/],
    [['remove', '1'], 'BAD_ARGUMENT', /device 1 is this one.*log-out/],
    [['remove', '9'], 'UNKNOWN', /no device 9/],
    [['rename', '2'], 'BAD_ARGUMENT', /needs a text/],
    [['rename', '9', 'phone'], 'UNKNOWN', /no device 9/],
    [['remvoe', '2'], 'BAD_ARGUMENT', /takes no remvoe/],
    [['2'], 'BAD_ARGUMENT', /takes no 2/],
  ])('%j says %s, and nothing is done', async (words, code, message) => {
    const { session, given, said } = scene([], { backup: true }, ['devices', ...words]);
    await expect(devices(session)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect([given, said]).toEqual([[], []]);
  });
});

describe('secure --start-over', () => {
  const args = ['secure', '--start-over'];

  it('says what is lost before anything is asked, and then takes a password that was written down', async () => {
    const { session, given, shown, said } = scene(['yes', '(shown)'], { state: 'unconfirmed' }, args);
    await secure(session);
    expect(given).toEqual([`startOver ${shown()}`]);
    const told = said.slice(0, said.indexOf(`  ${shown()}`)).join(' ');
    for (const word of ['can not be read any more', 'phone, tablet', 'luxchat verify', '3 conversations', '!gdiary'])
      expect(told).toContain(word);
  });

  it('changes nothing for one who thinks again, or whose device is confirmed', async () => {
    const { session, given } = scene(['no'], { state: 'unconfirmed' }, args);
    await expect(secure(session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    const confirmed = scene(['yes'], { backup: true }, args);
    const message = expect.stringMatching(/password lost/);
    await expect(secure(confirmed.session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message });
    expect([given, confirmed.given]).toEqual([[], []]);
  });

  it('says only what is there to lose', () => {
    expect(lossSentences({ backup: false, devices: [], waiting: 0, closed: [] }, 'luxchat')).toHaveLength(2);
  });
});
