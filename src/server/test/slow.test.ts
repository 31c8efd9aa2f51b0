// A client that reads nothing is cut off (DISCONNECT_SLOW_READER) while nine others in the room get every message; then it resumes and has
// everything. The next message goes out only when all nine have read the one before, and how many they have read when the slow one ends is counted: one
// slow socket that held them up would end the test.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoggedIn } from '#client/connection/login.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { defaultLimits } from '../transport/limits.ts';
import { ProviderProcess } from './harness.ts';
import { gauge, RawSocket, rawLogin } from './hostile-socket.ts';
import { eventOf, hostileStage, type Stage, submitOf } from './hostile-stage.ts';
import { Reader } from './slow-reader.ts';

const others = 9;
const bodyBytes = 48 * 1024;
// What kernels keep for a loopback socket and what the server lets wait is together below 30 MB.
const messagesMax = 640;

describe.each(['uws', 'ws'])('a client that reads nothing from a provider on %s', (transport) => {
  let provider: ProviderProcess;
  let stage: Stage;
  const tokens: LoggedIn[] = [];

  beforeAll(async () => {
    provider = await ProviderProcess.start(['--transport', transport]);
    stage = await hostileStage(provider);
    // Vera has her SDK's device besides: ten are the most.
    for (let device = 0; device < others; device++) tokens.push(await rawLogin(provider, 'vera', `reader ${device}`));
    tokens.push(stage.stray);
  }, 60_000);

  afterAll(async () => {
    await Promise.allSettled([stage?.vera.close(), stage?.mallory.close()]);
    await provider?.remove();
  });

  it('is cut off with SLOW_READER, delays nobody, and has everything after it resumed', async () => {
    const readers: Reader[] = [];
    for (const { accessToken } of tokens) readers.push(await Reader.begin(provider, accessToken, stage.group));
    const talker = await RawSocket.greet(provider, stage.login.accessToken);
    const [slow, ...quick] = readers as [Reader, ...Reader[]];
    expect(quick).toHaveLength(others);
    const say = async () => {
      const body = new Uint8Array(bodyBytes).fill(7);
      const answer = await talker.ask(submitOf(stage, eventOf(stage, {}, body)));
      if (answer.$case !== 'accepted') throw new Error(`not accepted but ${answer.$case}`);
      await Promise.all(quick.map((reader) => reader.through(answer.value.seq)));
    };

    await say();
    const connected = await gauge(provider, 'connections');
    await slow.through((quick[0] as Reader).seq);
    slow.stall();
    const stalledAt = slow.seq;
    // Messages that all nine had read when the slow one, who had read none of them, was still there.
    let beside = 0;
    for (await say(); (await gauge(provider, 'connections')) === connected; await say()) {
      expect(slow.seq).toBe(stalledAt);
      expect(++beside).toBeLessThan(messagesMax);
    }
    // It is cut off with this much waiting for it in the server, and of all that came before the end the nine waited for nothing.
    expect(beside * bodyBytes).toBeGreaterThan(defaultLimits.backpressureBytesMax);
    expect(await slow.unstall()).toBe(Disconnect.DISCONNECT_SLOW_READER);
    const missed = (quick[0] as Reader).seq - slow.seq;
    console.info(
      `${transport}: all nine had ${beside} messages before the slow one was cut off, which missed ${missed}`,
    );
    expect(missed).toBeGreaterThan(0);

    for (let message = 0; message < 8; message++) await say();
    await slow.resume(provider, (tokens[0] as LoggedIn).accessToken);
    expect(slow.seq).toBe((quick[0] as Reader).seq);
    for (const reader of quick) expect(reader.hashes).toEqual(slow.hashes);
    for (const { raw } of readers) raw.close();
    talker.close();
  }, 60_000);
});
