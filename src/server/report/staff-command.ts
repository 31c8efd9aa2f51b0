// `npm start -- reports`, beside a running node and on its machine: what was reported within 30 days and not closed, one JSON object a line, and
// `reports close ID` for what was dealt with. Nothing printed can steer the terminal, whoever wrote it.
import { request } from 'node:http';
import { reportDays } from './reports.ts';
import { type ReportLine, staffSocket } from './staff-door.ts';

const dayMs = 86_400_000;

export interface StaffCommand {
  /** `close` and an id, `all`, or nothing. */
  readonly words: readonly string[];
  /** The data folder of the node. */
  readonly data: string;
  readonly now: () => number;
  readonly say: (line: string) => void;
}

/** Runs it. Resolves with the status to end with: 0; 1 = the node is not there, or knows no such report; 2 = called wrongly. */
export async function runStaffCommand({ words, data, now, say }: StaffCommand): Promise<number> {
  const [word, id = ''] = words;
  const [, day, number] = /^(\d{1,6})\.(\d{1,16})$/.exec(id) ?? [];
  const isClose = word === 'close' && words.length === 2 && number !== undefined;
  if (word !== undefined && !isClose && !(word === 'all' && words.length === 1)) {
    say(
      'reports: those that are open. reports all: also those that were closed. reports close ID: what was dealt with.',
    );
    return 2;
  }
  try {
    if (isClose) {
      const { status } = await ask(data, 'POST', `/close?day=${day}&number=${number}`);
      say(status === 200 ? 'Closed.' : 'There is no such report; they are gone after 30 days.');
      return status === 200 ? 0 : 1;
    }
    const today = Math.floor(now() / dayMs);
    for (let each = today - reportDays; each <= today; each++)
      for await (const line of reportsOf(data, each)) if (word === 'all' || !line.closed) say(printed(line));
    return 0;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code !== 'ENOENT' && code !== 'ECONNREFUSED' && code !== 'EACCES') throw error;
    say(
      `No node runs on ${data}, or it is another user's: give --data, and run this as the node's user on its machine.`,
    );
    return 1;
  }
}

async function* reportsOf(data: string, day: number): AsyncGenerator<ReportLine> {
  for (let after = 0; ; ) {
    const { body } = await ask(data, 'GET', `/reports?day=${day}&after=${after}`);
    const { reports, next } = JSON.parse(body) as { reports: ReportLine[]; next: number };
    yield* reports;
    if (next <= after) return;
    after = next;
  }
}

function ask(data: string, method: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: staffSocket(data), method, path, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    asking.on('timeout', () => asking.destroy(new Error('the node does not answer')));
    asking.on('error', reject);
    asking.end();
  });
}

/** JSON leaves some letters that steer a terminal as they are; escaped, the value is the same. */
function printed(line: ReportLine): string {
  return JSON.stringify(line).replace(
    /[\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
