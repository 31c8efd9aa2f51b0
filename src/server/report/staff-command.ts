// `npm -s start -- reports`, beside a running node and on its machine: what was reported within 30 days and not closed, one JSON object a line, and
// `reports close ID` for what was dealt with. Nothing printed can steer the terminal, whoever wrote it.
import { request } from 'node:http';
import { steadyJson } from '#proto/rules/text/steering.ts';
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
  /** Milliseconds for each answer of the node; default: 10,000. */
  readonly timeoutMs?: number;
}

/** The node is there, and its answer is none. */
class NoAnswer extends Error {}

/** Runs it. Resolves with the status to end with: 0; 1 = the node is not there or could not say, or knows no such report; 2 = called wrongly. */
export async function runStaffCommand(command: StaffCommand): Promise<number> {
  const { words, now, say } = command;
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
      const { status } = await ask(command, 'POST', `/close?day=${day}&number=${number}`);
      say(status === 200 ? 'Closed.' : `There is no such report; they are gone after ${reportDays} days.`);
      return status === 200 ? 0 : 1;
    }
    const today = Math.floor(now() / dayMs);
    for (let each = today - reportDays; each <= today; each++)
      for await (const line of reportsOf(command, each)) if (word === 'all' || !line.closed) say(steadyJson(line));
    return 0;
  } catch (error) {
    const sentence = whatFailed(error, command);
    if (sentence === undefined) throw error;
    say(sentence);
    return 1;
  }
}

function whatFailed(error: unknown, { data }: StaffCommand): string | undefined {
  const code = (error as { code?: unknown }).code;
  if (error instanceof NoAnswer || code === 'ECONNRESET')
    return 'The node could not say: its log has the reason. Ask again later.';
  if (code !== 'ENOENT' && code !== 'ECONNREFUSED' && code !== 'EACCES') return undefined;
  return `No node runs on ${data}, or it is another user's: give --data, and run this as the node's user on its machine.`;
}

async function* reportsOf(command: StaffCommand, day: number): AsyncGenerator<ReportLine> {
  for (let after = 0; ; ) {
    const { body } = await ask(command, 'GET', `/reports?day=${day}&after=${after}`);
    const { reports, next } = JSON.parse(body) as { reports: ReportLine[]; next: number };
    yield* reports;
    if (next <= after) return;
    after = next;
  }
}

function ask(
  { data, timeoutMs = 10_000 }: StaffCommand,
  method: 'GET' | 'POST',
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: staffSocket(data), method, path, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => {
        const { statusCode: status = 0 } = response;
        // Of a list 404 would be another version's; of a report, that there is none.
        if (status === 200 || (method === 'POST' && status === 404)) resolve({ status, body });
        else reject(new NoAnswer());
      });
      // It ended in the middle.
      response.on('error', () => reject(new NoAnswer()));
    });
    asking.on('timeout', () => asking.destroy(new NoAnswer()));
    asking.on('error', reject);
    asking.end();
  });
}
