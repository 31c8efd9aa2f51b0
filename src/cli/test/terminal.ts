// A terminal as people see it: what they type and what the program answers, in one text, with what differs from run to run replaced by what it stands for.
import { spawn } from 'node:child_process';

const main = new URL('../main.ts', import.meta.url).pathname;
const waitMs = 60_000;

/** What a person types when the program asks. */
export interface Reply {
  /** The end of the question. */
  readonly to: string;
  /** `said` is what the program said so far. Undefined = nothing is typed. */
  readonly type: (said: string) => string | undefined | Promise<string>;
}

/** A shell that writes everything down. */
export class Terminal {
  #lines: string[] = [];
  /** What stands for what: real texts by their names in the transcript. */
  readonly #names = new Map<string, string>();

  /** From here on `real` is written as `name`. */
  name(real: string, name: string): void {
    this.#names.set(real, name);
  }

  /** A line of the teller. */
  tell(text: string): void {
    this.#lines.push('', `# ${text}`, '');
  }

  /** Runs `luxchat` for a profile and gives back all that it said. Rejects where it ends with another status than expected. */
  async run(profile: Profile, args: readonly string[], replies: readonly Reply[] = [], status = 0): Promise<string> {
    // Of two that run at once the one that began first stands first.
    const place = this.#lines.push('') - 1;
    const hidden = ['--folder', profile.folder];
    const env = { ...process.env, LANG: 'en', LC_ALL: '', TZ: 'UTC' };
    // One pipe for both, as at a terminal: what was said first stands first.
    const command = [process.execPath, main, ...hidden, ...args, ...profile.options];
    const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', ...command], { env });
    let said = '';
    let looked: () => void = () => {};
    const hear = (data: Buffer) => {
      said += data.toString();
      looked();
    };
    child.stdout.on('data', hear);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let from = 0;
    for (const { to, type } of replies) {
      await within(waitMs, `${args.join(' ')} asks ${to}\n${said}`, (done) => {
        looked = () => said.indexOf(to, from) >= 0 && done();
        looked();
      });
      from = said.indexOf(to, from) + to.length;
      const typed = await type(said);
      if (typed === undefined) continue;
      child.stdin.write(`${typed}\n`);
      said = `${said.slice(0, from)}${typed}\n${said.slice(from)}`;
      from += typed.length + 1;
    }
    child.stdin.end();
    if ((await ended) !== status) throw new Error(`${args.join(' ')} ended otherwise than with ${status}:\n${said}`);
    this.#lines[place] = `$ luxchat -p ${profile.name} ${args.map(quoted).join(' ')}\n${said.trimEnd()}\n`;
    this.name(profile.folder, `~/.luxchat/${profile.name}`);
    return said;
  }

  /** All of it, with names in place of what differs. */
  transcript(): string {
    // Whatever command comes across it again warns again, which is a matter of moments: told once.
    const warned = new Set<string>();
    const isNew = (line: string) => !line.startsWith('WARNING: ') || (!warned.has(line) && warned.add(line).size > 0);
    let text = this.#lines.join('\n').split('\n').filter(isNew).join('\n');
    for (const [real, name] of this.#names) text = text.replaceAll(real, name);
    return text
      .replaceAll(/node \S*main\.ts --folder ~\/\.luxchat\/(\S+)/g, 'luxchat -p $1')
      .replaceAll(/node \S*main\.ts/g, 'luxchat')
      .replaceAll(/\(see the server console\): \d+/g, '(see the server console): 123456')
      .replaceAll(/\(([A-Z0-9]{10})\)/g, '(DEVICE)')
      .replaceAll(/^(\d+ {2})[A-Z0-9]{10} /gm, '$1DEVICE ')
      .replaceAll(/last seen \d{4}-\d{2}-\d{2}/g, 'last seen today')
      .replaceAll(/^(#\S+ +)\d\d:\d\d /gm, '$112:34 ')
      .replaceAll(/!([dg])[a-z2-7]{32}/g, '!$1…')
      .replaceAll(/^ {2}\p{Extended_Pictographic}.*$/gmu, '  seven emoji, the same on both')
      .replaceAll(/^ {2}\d{4}-\d{2}-\d{2} {2}/gm, '  today  ')
      .replaceAll(/(?:\d{5} ){7}\d{5}/g, '12345 67890 12345 67890 12345 67890 12345 67890')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim();
  }
}

/** A device of the story. */
export interface Profile {
  readonly name: string;
  readonly folder: string;
  /** Given and not shown: where the server is. */
  readonly options: readonly string[];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}

function within(ms: number, what: string, wait: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), ms);
    wait(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
