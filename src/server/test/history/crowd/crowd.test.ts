// One provider on its embedded store is killed while a crowd writes and starts again: the recording of everything that its clients saw keeps every
// promise. And the recording is of use: it has the outage, reconnections and records by fetch in it.
import { expect, it } from 'vitest';
import { eventually, ProviderProcess } from '../../harness.ts';
import { check } from '../checker.ts';
import { Recorder } from '../recorder.ts';
import { recoveryTimes } from '../recovery.ts';
import { Crowd } from './crowd.ts';

it('keeps every promise through a kill', { timeout: 120_000 }, async () => {
  const provider = await ProviderProcess.start();
  const recorder = new Recorder();
  try {
    const crowd = await Crowd.gather({ login: provider, rooms: 5, members: 4, devices: 2, recorder });
    await crowd.start();
    const talking = crowd.talk({ writers: 3, pauseMs: 30, bodyBytes: 300 });
    const letters = crowd.letters({ pauseMs: 200 });
    await eventually('they talk', () => talking.accepted > 200);
    recorder.mark('kill');
    await provider.kill();
    await provider.restart();
    const before = talking.accepted;
    await eventually('they talk again', () => talking.accepted > before + 200, 40_000);
    await Promise.all([talking.stop(), letters.stop()]);
    await crowd.settled();
    await crowd.stop();

    const logs = await crowd.finalLogs(provider.port);
    expect(check(recorder.history, logs).violations).toEqual([]);
    expect(logs.map(({ records }) => records.length).every((length) => length > 50)).toBe(true);
    const kinds = new Set(recorder.history.map((event) => (event.kind === 'delivered' ? event.by : event.kind)));
    for (const kind of ['push', 'fetch', 'closed', 'unanswered', 'recovered', 'inbox-stored'])
      expect(kinds).toContain(kind);
    const [outage] = recoveryTimes(recorder.history);
    expect(outage).toMatchObject({ mark: 'kill', rooms: 5, waiting: 0 });
    expect(outage?.max).toBeGreaterThan(100);
    console.log(`${recorder.history.length} events, ${JSON.stringify(outage)}`);
  } finally {
    await provider.remove();
  }
});
