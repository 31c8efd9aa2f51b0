// What a hostile device with a real token can throw at a provider: each frame gets its code, and an honest pair beside it loses nothing.
// The attacks stand in hostile-requests.ts and hostile-ends.ts; every code of codes.proto is among them.
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { toBase32 } from '#proto/rules/bytes/base.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { elsewhere, live } from './hostile-attacks.ts';
import { Chatter } from './hostile-chatter.ts';
import { disconnects } from './hostile-ends.ts';
import { Flood } from './hostile-flood.ts';
import { fetchFrom, rejections } from './hostile-requests.ts';
import { codeOf, gauge, RawSocket } from './hostile-socket.ts';
import { eventOf, hostileStage, type Stage, submitOf } from './hostile-stage.ts';

describe.each(['uws', 'ws'])('a hostile device at a provider on %s', (transport) => {
  let provider: ProviderProcess;
  let stage: Stage;
  let pair: Chatter;
  let quiet: number;
  let silent: Promise<number>;

  beforeAll(async () => {
    // Nobody falls asleep, so that actors can be counted.
    const awake = ['--user-idle-seconds', '86400', '--room-idle-seconds', '86400'];
    provider = await ProviderProcess.start(['--transport', transport, '--drain-seconds', '0', ...awake]);
    stage = await hostileStage(provider);
    silent = RawSocket.open(provider).then(({ ended }) => ended);
    pair = await Chatter.begin(provider);
    await pair.talksOn(30);
    quiet = pair.accepted;
  }, 60_000);

  // Whatever was thrown at the provider just now, words that are spoken afterwards arrive.
  afterEach(async () => {
    if (pair.talking) await pair.talksOn();
  });

  afterAll(async () => {
    await Promise.allSettled([pair?.end(), stage?.vera.close(), stage?.mallory.close()]);
    await provider?.remove();
  });

  it('is at the transport that was asked for, and the slower one is said at the start', () => {
    expect(provider.output.includes('the slower fall-back transport')).toBe(transport === 'ws');
  });

  it.each(rejections)('hears %s for %s', async (code, _, attack) => {
    expect(await attack(stage)).toBe(Rejection[code]);
  });

  it.each(disconnects.filter(([code]) => code !== 'DISCONNECT_HELLO_TIMEOUT'))(
    'ends with %s for %s',
    async (code, _, attack) => {
      expect(await attack(stage)).toBe(Disconnect[code]);
    },
  );

  it('ends with HELLO_TIMEOUT when it never says hello', async () => {
    expect(await silent).toBe(Disconnect.DISCONNECT_HELLO_TIMEOUT);
  }, 20_000);

  it('is refused at the door from a foreign origin, and speaks no other protocol', async () => {
    await expect(RawSocket.open(provider, { origin: 'https://evil.example' })).rejects.toThrow('status 403');
  });

  it('gets its first answer when it replays a submit, in this session and in the next', async () => {
    const replayed = submitOf(stage, eventOf(stage));
    const places: number[] = [];
    for (let session = 0; session < 2; session++) {
      await live(stage, async (raw) => {
        const answers = await raw.askAll([replayed, replayed]);
        for (const answer of answers) places.push(answer.$case === 'accepted' ? answer.value.seq : 0);
        return answers;
      });
    }
    expect(places[0]).toBeGreaterThan(0);
    expect(new Set(places).size).toBe(1);
  });

  // The flood ends when the words were heard, and not the other way round: a provider that let it through would never come to them.
  it('holds nobody up while it floods and comes back to flood: words begun after the flood began are heard before it ends', async () => {
    const flood = await Flood.begin(stage);
    for (let word = 0; word < 10; word++) {
      await pair.talksOn();
      await flood.goesOn();
    }
    await flood.stop();
    expect(flood.ends.length).toBeGreaterThan(10);
    expect(new Set(flood.ends)).toEqual(new Set([Disconnect.DISCONNECT_FLOODING]));
    // What it was turned down for, a farewell, and no more.
    expect(flood.answersMax).toBeLessThan(flood.framesEach / 2);
  }, 60_000);

  it('leaves no actor behind when it asks for thousands of rooms that are not there', async () => {
    const raw = await RawSocket.greet(provider, stage.login.accessToken);
    const garbage = () => `!g${toBase32(crypto.getRandomValues(new Uint8Array(20)))}:localhost`;
    const before = await gauge(provider, 'actors');
    for (let round = 0; round < 12; round++) {
      const rooms = Array.from({ length: 160 }, garbage);
      const answer = await raw.ask({ $case: 'subscribe', value: { rooms } });
      expect(answer.$case === 'subscribed' ? answer.value.refused.length : answer).toBe(160);
    }
    for (let round = 0; round < 12; round++) {
      const codes = (await raw.askAll(Array.from({ length: 60 }, () => fetchFrom(garbage(), 0)))).map(codeOf);
      expect(new Set(codes)).toEqual(new Set([Rejection.REJECTION_NOT_FOUND]));
    }
    await eventually('no more actors than before', async () => (await gauge(provider, 'actors')) <= before);
    raw.close();
  });

  it('harms no one: an honest pair talks on, and each of their messages arrives once, in order', async () => {
    await pair.heardEverything();
    console.info(`${transport}: ${pair.report()}`);
    expect(pair.received).toEqual(pair.sent);
    expect(pair.accepted - quiet).toBeGreaterThan(rejections.length);
    // Vera shares a room with all that garbage: nothing of it stopped her.
    await stage.vera.send(stage.group, 'still here');
    await stage.vera.flushed(10_000);
    expect(stage.vera.room(stage.group).frozen).toBe('');
    expect(provider.output + readFileSync(`${provider.folder}/logs/server.log`, 'utf8')).not.toMatch(/crash|fault/i);
  });

  it('is moved away with GOING_AWAY when the node drains', async () => {
    await pair.end();
    const raw = await RawSocket.greet(provider, stage.login.accessToken);
    const stopped = provider.stop();
    expect(await raw.ended).toBe(Disconnect.DISCONNECT_GOING_AWAY);
    expect(await stopped).toBe(0);
  });
});

describe('the list of attacks', () => {
  const codes = [...Object.keys(Rejection), ...Object.keys(Disconnect)].filter(
    (code) => !/UNSPECIFIED|UNRECOGNIZED/.test(code),
  );

  it('has every code of the protocol', () => {
    const provoked = [...rejections, ...disconnects].map(([code]) => code);
    expect(new Set([...provoked, ...Object.keys(elsewhere)])).toEqual(new Set(codes));
  });

  it('names for the rest a test that is there and speaks of the code', () => {
    for (const [code, path] of Object.entries(elsewhere)) {
      const file = new URL(`../../../${path}`, import.meta.url);
      expect(existsSync(file), path).toBe(true);
      // Not in a comment, and that nothing is skipped is for `scripts/tests.test.ts`.
      const lines = readFileSync(file, 'utf8').split('\n');
      expect(lines.filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line)).join('\n'), path).toContain(code);
    }
  });
});
