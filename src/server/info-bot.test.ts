// The Info bot's process: started again with growing pauses when it ends, and gone when it is told to be.
import { describe, expect, it } from 'vitest';
import { type InfoBotOptions, runInfoBot } from './info-bot.ts';

const given = {
  server: 'http://127.0.0.1:1',
  folder: '/nowhere',
  secretFile: '/nowhere',
  privacyNotice: '',
  isDevelopment: true,
};

/** Runs `script` as the bot; `heard` has each sentence that it made us say. */
function run(script: string, more: Partial<InfoBotOptions> = {}) {
  const heard: string[] = [];
  const listeners: (() => void)[] = [];
  const say = (sentence: string) => {
    heard.push(sentence);
    for (const listener of listeners.splice(0)) listener();
  };
  const command = [process.execPath, '-e', script, '--'] as const;
  const bot = runInfoBot({ ...given, command, say, firstMs: 1, longestMs: 4, now: () => 0, ...more });
  const times = async (count: number) => {
    while (heard.length < count) await new Promise<void>((resolve) => listeners.push(resolve));
  };
  return { bot, heard, times };
}

describe('the process of the Info bot', () => {
  it('is started again when it ends, each time after twice the pause up to the longest', async () => {
    const { bot, heard, times } = run('process.exit(3)');
    await times(4);
    await bot.stop();
    expect(heard.map((sentence) => /with code 3.*in ([\d.]+) s/.exec(sentence)?.[1])).toEqual([
      ...['0.001', '0.002', '0.004', '0.004'],
    ]);
  });

  it('begins with the first pause again where it lived for long', async () => {
    let now = 0;
    const { bot, heard, times } = run('process.exit(3)', { now: () => (now += 10) });
    await times(3);
    await bot.stop();
    expect(heard.slice(0, 3).every((sentence) => sentence.includes('in 0.001 s'))).toBe(true);
  });

  it('says so where there is no such program, and tries again', async () => {
    const { bot, heard, times } = run('', { command: ['/nowhere/node'] });
    await times(2);
    await bot.stop();
    expect(heard[0]).toContain('before it began');
  });

  it('is told where its provider is one for development', async () => {
    const script = 'process.exit(process.argv.includes("--development") ? 7 : 8)';
    for (const [isDevelopment, code] of [
      [true, 7],
      [false, 8],
    ] as const) {
      const { bot, heard, times } = run(script, { isDevelopment });
      await times(1);
      await bot.stop();
      expect(heard[0]).toContain(`with code ${code}`);
    }
  });

  it('is told what it needs, and ends at a signal without a word', async () => {
    const script = 'if (process.argv.includes("--secret-file")) setInterval(() => {}, 1000); else process.exit(9)';
    const { bot, heard } = run(script);
    await bot.stop();
    expect(heard).toEqual([]);
  });

  it('ends by force where it does not listen', async () => {
    const script = 'process.on("SIGTERM", () => {}); process.stderr.write(""); setInterval(() => {}, 1000)';
    const { bot, heard } = run(script);
    await bot.stop(50);
    expect(heard).toEqual([]);
  });
});
