// One provider on its embedded store fails while a crowd writes: the recording of everything that its clients saw keeps every promise. And the
// recording is of use: it has the outage, reconnections and records by fetch in it.
import { expect, it } from 'vitest';
import { Disconnect } from '#proto/gen/codes.ts';
import { eventually, ProviderProcess, seed } from '../../harness.ts';
import { check } from '../checker.ts';
import type { Seen } from '../events.ts';
import { Recorder } from '../recorder.ts';
import { recoveryTimes } from '../recovery.ts';
import { Crowd } from './crowd.ts';
import { throughLuxid } from './people.ts';

type Fault = (provider: ProviderProcess, allAreGone: () => Promise<void>) => Promise<unknown>;

const faults: Readonly<Record<string, Fault>> = {
  kill: async (provider) => {
    await provider.kill();
    await provider.restart();
  },
  pause: async (provider, allAreGone) => {
    provider.pause();
    await allAreGone();
    provider.resume();
  },
};

it.each(Object.entries(faults))(
  `keeps every promise through a %s (seed ${seed})`,
  { timeout: 120_000 },
  async (name, fault) => {
    const provider = await ProviderProcess.start();
    const recorder = new Recorder();
    try {
      const patience = { answerMs: 1_500, quietMs: 1_500 };
      const crowd = await Crowd.gather({
        login: throughLuxid(provider),
        rooms: 5,
        members: 4,
        devices: 2,
        guests: 3,
        recorder,
        patience,
      });
      await crowd.start();
      const talking = crowd.talk({ writers: 3, pauseMs: 30, bodyBytes: 300 });
      const letters = crowd.letters({ pauseMs: 200 });
      const visits = crowd.visits({ pauseMs: 100 });
      await eventually('they talk, come and go', () => talking.accepted > 200 && visits.accepted > 6);
      recorder.mark(name);
      await fault(provider, () => eventually('all are gone', () => crowd.talkers.every(({ connected }) => !connected)));
      const [before, came] = [talking.accepted, visits.accepted];
      const again = () => talking.accepted > before + 200 && visits.accepted > came + 6;
      await eventually('they talk, come and go again', again, 40_000);
      await Promise.all([talking.stop(), letters.stop(), visits.stop()]);
      await crowd.settled();
      await crowd.stop();

      const logs = await crowd.finalLogs(provider.port);
      expect(check(recorder.history, logs).violations).toEqual([]);
      expect(logs.every(({ records }) => records.length > 50)).toBe(true);
      const kinds = new Set(recorder.history.map((event) => (event.kind === 'delivered' ? event.by : event.kind)));
      for (const kind of ['push', 'fetch', 'closed', 'unanswered', 'recovered', 'inbox-stored', 'inbox-acked', 'left'])
        expect(kinds).toContain(kind);
      // A node that just started knows the tokens of its people.
      const expired = (event: Seen) => event.kind === 'refused' && event.code === Disconnect.DISCONNECT_TOKEN_EXPIRED;
      expect(recorder.history.filter(expired)).toEqual([]);
      const [outage] = recoveryTimes(recorder.history);
      expect(outage).toMatchObject({ mark: name, rooms: 5, waiting: 0 });
      expect(outage?.max).toBeGreaterThan(100);
      console.log(`${recorder.history.length} events, ${JSON.stringify(outage)}`);
    } finally {
      await provider.remove();
    }
  },
);
