// `node deploy/dev/cassandra/run.ts [--nodes 3] [--folder DIR] [--heap MB]`: a Cassandra to work with by hand, until Ctrl-C.
import { parseArgs } from 'node:util';
import { DevFailure } from '../failure.ts';
import { say } from '../progress.ts';
import { startCassandra } from './cassandra.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1' },
    folder: { type: 'string' },
    heap: { type: 'string' },
  },
});
try {
  const cassandra = await startCassandra({
    nodes: values.nodes === '3' ? 3 : 1,
    ...(values.folder ? { folder: values.folder } : {}),
    ...(values.heap ? { heapMb: Number(values.heap) } : {}),
  });
  process.stdout.write(`${cassandra.contactPoints.join(',')}:${cassandra.port}\n`);
  say('Cassandra: Ctrl-C ends it');
  const alive = setInterval(() => {}, 60_000);
  const end = () => {
    clearInterval(alive);
    void cassandra.stop();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
} catch (error) {
  if (!(error instanceof DevFailure)) throw error;
  say(error.message);
  process.exitCode = 1;
}
