// `node deploy/dev/cassandra/run.ts [--nodes 3] [--folder DIR] [--heap MB]`: a Cassandra to work with by hand, until Ctrl-C.
import { parseArgs } from 'node:util';
import { runUntilInterrupted } from '../run.ts';
import { startCassandra } from './cassandra.ts';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1' }, folder: { type: 'string' }, heap: { type: 'string' } },
});
await runUntilInterrupted('Cassandra', async () => {
  const cassandra = await startCassandra({
    nodes: values.nodes === '3' ? 3 : 1,
    ...(values.folder ? { folder: values.folder } : {}),
    ...(values.heap ? { heapMb: Number(values.heap) } : {}),
  });
  return { address: `${cassandra.contactPoints.join(',')}:${cassandra.port}`, stop: cassandra.stop };
});
