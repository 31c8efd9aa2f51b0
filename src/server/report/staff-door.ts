// The door for the provider's people on this machine: a socket in the data folder, for its owner alone, and never on a network. Through it the command
// `reports` lists what was reported and closes what was dealt with. Decides nothing about anybody, and shows no more than was reported.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Content } from '#proto/gen/content.ts';
import { PayloadInner } from '#proto/gen/record.ts';
import type { KeptReport } from '#proto/gen/report.ts';
import type { Reports } from './reports.ts';

/** What a report is to people: `id` names it to `close`. */
export interface ReportLine extends Pick<KeptReport, 'room' | 'seq' | 'member' | 'device' | 'reporter' | 'reason'> {
  readonly id: string;
  /** Luxchat-ID of who wrote it; empty where the room has forgotten who that number was. */
  readonly author: string;
  /** ISO 8601, UTC. */
  readonly reported: string;
  readonly accepted: string;
  /** The text, or what else it was. */
  readonly said: string;
  readonly closed: boolean;
}

export interface StaffDoorOptions {
  /** The data folder. */
  readonly data: string;
  readonly reports: Pick<Reports, 'list' | 'authors' | 'closed' | 'close'>;
  /** Told when it can't be opened, or a request failed. */
  readonly failed: (cause: unknown) => void;
}

/** The socket in a data folder. */
export function staffSocket(data: string): string {
  return join(data, 'staff.sock');
}

/** Opens it; a node goes on without it where that fails. Gives back what closes it. */
export async function openStaffDoor(options: StaffDoorOptions): Promise<() => Promise<void>> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    answer(options.reports, request).then(
      ([status, body]) => write(response, status, body),
      (cause: unknown) => {
        options.failed(cause);
        write(response, 500, {});
      },
    );
  });
  await listen(server, staffSocket(options.data)).catch(options.failed);
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

async function listen(server: Server, path: string): Promise<void> {
  // The folder is one process's: a socket that lies there was left by one that was killed.
  rmSync(path, { force: true });
  const listening = once(server, 'listening');
  // Made for its owner alone: what is taken away after it was made stood open for a moment. The socket is made before `listen` returns.
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await listening;
}

async function answer(
  reports: StaffDoorOptions['reports'],
  { method, url = '' }: IncomingMessage,
): Promise<[number, object]> {
  const { pathname, searchParams } = new URL(url, 'http://staff');
  const number = (name: string) => Number(searchParams.get(name) ?? '0');
  if (method === 'GET' && pathname === '/reports') {
    const [day, after] = [number('day'), number('after')];
    const page = await reports.list(day, after);
    const [first, last] = [page[0]?.number ?? 0, page.at(-1)?.number ?? 0];
    const closed = page.length === 0 ? new Set<number>() : await reports.closed(day, first, last);
    const authors = await reports.authors(page.map(({ report }) => report));
    const lines = page.map((each, at) =>
      lineOf({ day, ...each, author: authors[at] ?? '', closed: closed.has(each.number) }),
    );
    return [200, { reports: lines, next: last }];
  }
  if (method === 'POST' && pathname === '/close')
    return [(await reports.close(number('day'), number('number'))) ? 200 : 404, {}];
  return [404, {}];
}

interface Listed extends Pick<ReportLine, 'author' | 'closed'> {
  readonly day: number;
  readonly number: number;
  readonly report: KeptReport;
}

function lineOf({ day, number, report, author, closed }: Listed): ReportLine {
  const { room, seq, member, device, reporter, reason, reportedMs, acceptedMs, inner } = report;
  const [reported, accepted] = [reportedMs, acceptedMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  const about = { room, seq, member, device, author, reporter, reason };
  return { id: `${day}.${number}`, reported, accepted, ...about, said: saidIn(inner), closed };
}

/** What was sealed in it is its author's, and may be anything. */
function saidIn(inner: Uint8Array): string {
  try {
    const { body } = Content.decode(PayloadInner.decode(inner).content);
    if (body?.$case === 'text' || body?.$case === 'edit') return body.value.text;
    if (body?.$case === 'slotText') return body.value.text;
    return `(${body?.$case ?? 'nothing that this version knows'})`;
  } catch {
    // Only the codec throws here.
    return '(damaged)';
  }
}

function write(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
