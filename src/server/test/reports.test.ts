// A report from end to end: a person shows a message with the SDK, the node holds it against its own log, and the provider's people see it with the command
// that they would type. What was never sent there is not among what they see, and a kill loses nothing.
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClientError, rejectionName } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { TimelineItem } from '#client/shown.ts';
import type { Report } from '#proto/gen/client.ts';
import type { ReportLine } from '../report/staff-door.ts';
import { eventually, ProviderProcess } from './harness.ts';

const door = new URL('../luxchat-server.js', import.meta.url).pathname;
/** Its author would like to write lines of the list. */
const said = 'vile\n{"id":"1.1"}\u009b2J\u202eelfi';
const reason = 'rude \u001b[2J';

let provider: ProviderProcess;
let alice: LuxchatClient;
let bob: LuxchatClient;
let room: string;

beforeAll(async () => {
  provider = await ProviderProcess.start();
  alice = await provider.device('alice');
  bob = await provider.device('bob');
  room = await bob.startDirect(alice.user);
  await eventually('alice is invited', () => alice.rooms().some((each) => each.room === room), 20_000, [alice]);
  await alice.accept(room);
  for (const text of [said, 'and something harmless']) await bob.send(room, text);
  await bob.flushed();
  await eventually('alice reads both', async () => (await heard()).length === 2, 20_000, [alice]);
});
afterAll(async () => {
  for (const client of [alice, bob]) await client?.close();
  await provider?.remove();
});

const heard = async (): Promise<TimelineItem[]> =>
  (await alice.timeline(room)).filter(({ sender, kind }) => sender === bob.user && kind === 'message');
const vile = async (): Promise<TimelineItem> => (await heard())[0] as TimelineItem;

/** As somebody types it where the node runs. */
function staff(...words: string[]): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const args = [door, 'reports', ...words, '--data', provider.folder];
    const child = execFile(process.execPath, args, (_, output) => resolve({ status: child.exitCode, output }));
  });
}
async function listed(...words: string[]): Promise<ReportLine[]> {
  const { status, output } = await staff(...words);
  expect(status).toBe(0);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReportLine);
}
/** What the node says to a report that no SDK makes. */
const refusal = (value: Report) =>
  alice.parts.request({ $case: 'report', value }, 'done').then(
    () => 'done',
    (error) => (error instanceof ClientError && error.rejection ? rejectionName(error.rejection) : error),
  );

describe('a report', () => {
  it('reaches the provider’s people with what was said, in its place, and steers no terminal', async () => {
    expect(await listed()).toEqual([]);
    const { id, seq, device } = await vile();
    await alice.report(room, id, reason);
    const { output } = await staff();
    expect(output.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    const [line, ...more] = await listed();
    expect(more).toEqual([]);
    const author = alice.members(room).find(({ user }) => user === bob.user)?.member;
    expect(line).toMatchObject({
      room,
      seq,
      member: author,
      device,
      author: bob.user,
      reporter: alice.user,
      reason,
      said,
      closed: false,
    });
    expect(Date.parse(line?.accepted ?? '')).toBe((await vile()).at);
    expect(output).not.toContain('harmless');
  });

  it('of what was never sent there is refused, and nobody sees it', async () => {
    const before = await listed('all');
    const request = vi.spyOn(alice.parts, 'request');
    await alice.report(room, (await vile()).id, 'again');
    const shown = request.mock.calls.find(([{ $case }]) => $case === 'report')?.[0].value as Report;
    request.mockRestore();
    const other = (await heard())[1] as TimelineItem;
    const inner = Uint8Array.from(shown.inner);
    inner[inner.length - 1]! ^= 1;
    const frankingKey = Uint8Array.from(shown.frankingKey);
    frankingKey[0]! ^= 1;
    for (const forged of [{ inner }, { frankingKey }, { seq: other.seq }])
      expect(await refusal({ ...shown, ...forged })).toBe('BAD_SIGNATURE');
    expect(await refusal({ ...shown, seq: other.seq + 1_000 })).toBe('NOT_FOUND');
    expect((await listed('all')).map(({ reason: why }) => why)).toEqual([
      ...before.map(({ reason: why }) => why),
      'again',
    ]);
  });

  // "This message can not be opened here" sounded like a fault of the device.
  it('of what was deleted can show nothing, and says so with what is left to do', async () => {
    await bob.send(room, 'said and taken back');
    await bob.flushed();
    await eventually('alice reads it', async () => (await heard()).length === 3, 20_000, [alice]);
    const { id } = (await heard())[2] as TimelineItem;
    await bob.deleteForAll(room, id);
    await eventually('alice forgets it', async () => (await heard()).length === 2, 20_000, [alice]);
    const before = await listed('all');
    await expect(alice.report(room, id)).rejects.toMatchObject({
      code: 'UNKNOWN',
      message: expect.stringMatching(/was deleted, and this device forgot it.*block them/),
    });
    expect(await listed('all')).toEqual(before);
  });

  it('is closed by its id, and is there, marked, after a kill of the node', async () => {
    const [first, second] = (await listed()) as [ReportLine, ReportLine];
    expect(await staff('close', first.id)).toEqual({ status: 0, output: 'Closed.\n' });
    expect(await listed()).toEqual([second]);
    await provider.kill();
    const { status, output } = await staff();
    expect([status, output]).toEqual([1, expect.stringContaining('No node runs')]);
    await provider.restart();
    expect(await listed()).toEqual([second]);
    expect(await listed('all')).toEqual([{ ...first, closed: true }, second]);
  });
});
