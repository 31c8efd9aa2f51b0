import { describe, expect, it } from 'vitest';
import { checkClock, clockSkewMaxMs } from './clock-check.ts';
import { ConfigError } from './config-sources.ts';

async function checked(skewMs: number, spreadMs = 0) {
  const said: unknown[] = [];
  const log = { warn: (...each: unknown[]) => void said.push(each) };
  const error = await checkClock({ clockSkew: async () => ({ skewMs, spreadMs }) }, log).catch((cause: Error) => cause);
  return { error, said };
}

describe('the clock of a node', () => {
  it('may be a minute off, either way', async () => {
    for (const skewMs of [clockSkewMaxMs, -clockSkewMaxMs, 0]) expect(await checked(skewMs)).toEqual({ said: [] });
    expect((await checked(clockSkewMaxMs + 1)).error).toMatchObject({
      message: expect.stringContaining('60 seconds ahead of'),
    });
    expect((await checked(-clockSkewMaxMs - 1)).error).toMatchObject({
      message: expect.stringContaining('60 seconds behind'),
    });
  });

  // With the code of a wrong setting nobody started it again once the time was there.
  it('is no setting: whoever watches over the node starts it again', async () => {
    const { error } = await checked(90_000);
    expect(error).toMatchObject({ code: 'CLOCK' });
    expect(error).not.toBeInstanceOf(ConfigError);
  });

  it('is held for right where the store has none of its own', async () => {
    await checkClock({}, { warn: () => {} });
  });

  it('is not to blame where a server of the store is off: that is said in the log', async () => {
    expect(await checked(10, clockSkewMaxMs)).toEqual({ said: [] });
    expect(await checked(10, 90_000)).toEqual({ said: [['store clocks apart', { seconds: 90 }]] });
  });
});
