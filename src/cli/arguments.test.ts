// A hint that is copied must mean the same program and the same device: without the profile it logs in, or writes, as somebody else.
import { describe, expect, it } from 'vitest';
import { programOf, readArguments } from './arguments.ts';

const call = (...args: string[]) => readArguments([...args, 'whoami'], {}, 'npx luxchat').call;

describe('how a person calls the program', () => {
  it.each([
    [{ npm_command: 'exec' }, '/x/node_modules/.bin/luxchat', 'npx luxchat'],
    [{ npm_command: 'run' }, '/x/src/cli/luxchat.js', 'npm run luxchat --'],
    [{ npm_command: 'run-script' }, '/x/src/cli/luxchat.js', 'npm run luxchat --'],
    [{}, '/usr/bin/luxchat', 'luxchat'],
    [{}, `${process.cwd()}/src/cli/luxchat.js`, 'node src/cli/luxchat.js'],
  ])('is seen with %j and %s', (env, script, program) => {
    expect(programOf(env, script)).toBe(program);
  });

  it('names the device where that was named, as a shell takes it', () => {
    expect(call()).toBe('npx luxchat');
    expect(call('-p', 'alice')).toBe('npx luxchat -p alice');
    expect(call('--profile', 'default')).toBe('npx luxchat -p default');
    expect(call('-p', 'alice', '--folder', '/tmp/a')).toBe('npx luxchat --folder /tmp/a');
    expect(call('--folder', "/tmp/Zoé's")).toBe("npx luxchat --folder '/tmp/Zoé'\\''s'");
  });

  it('does not change which folder is taken', () => {
    const folder = (...args: string[]) => readArguments([...args, 'whoami'], { LUXCHAT_HOME: '/h' }).folder;
    expect(folder()).toBe('/h/default');
    expect(folder('-p', 'alice')).toBe('/h/alice');
    expect(folder('-p', 'alice', '--folder', '/f')).toBe('/f');
  });

  it('takes the words of a password from the language that is asked for, then from that of the system', () => {
    const language = (args: string[], env: Record<string, string>) => readArguments([...args, 'secure'], env).language;
    expect(language([], {})).toBe('en');
    expect(language([], { LANG: 'de_LU.UTF-8' })).toBe('de');
    expect(language([], { LANG: 'de_LU.UTF-8', LC_ALL: 'fr' })).toBe('fr');
    expect(language([], { LANG: 'xx' })).toBe('en');
    expect(language(['--language', 'lb'], { LANG: 'de' })).toBe('lb');
    expect(() => language(['--language', 'it'], {})).toThrow('lb, fr, de, en, pt');
  });
});
