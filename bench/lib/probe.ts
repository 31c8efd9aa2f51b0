// Preloaded into the measured server (`--import`): answers calls of the bench over IPC. It measures the program that people run, unchanged.
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';

const inspector = new Session();
inspector.connect();

const calls = {
  cpu: () => cpuMicros(),
  /** Bytes, after collecting garbage three times with loop turns between: what finalizers release counts too. Needs --expose-gc. */
  memory: async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise(setImmediate);
    }
    // The mapped files of lmdb are resident too, but the system takes them back when it likes.
    const anonymous = Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
    return { ...process.memoryUsage(), anonymous };
  },
  profile: async () => {
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
    await inspector.post('Profiler.start');
  },
  /** Bytes allocated from now on, by function, also of what was collected since. */
  allocations: async () => {
    const everything = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
    await inspector.post('HeapProfiler.startSampling', { samplingInterval: 16_384, ...everything });
  },
  allocated: async ({ path }: { path: string }) => {
    const { profile } = await inspector.post('HeapProfiler.stopSampling');
    writeFileSync(path, JSON.stringify(profile));
  },
  profiled: async ({ path }: { path: string }) => {
    const { profile } = await inspector.post('Profiler.stop');
    writeFileSync(path, JSON.stringify(profile));
  },
};
// Drained also when the bench died: the stand-in LuxID ends with it.
serveCalls(calls, () => process.kill(process.pid, 'SIGTERM'));
