// `node deploy/dev/redis/run.ts [--port] [--folder DIR]`: a Redis to work with by hand, until Ctrl-C.
import { parseArgs } from 'node:util';
import { runUntilInterrupted } from '../run.ts';
import { startRedis } from './redis.ts';

const { values } = parseArgs({ options: { port: { type: 'boolean', default: false }, folder: { type: 'string' } } });
await runUntilInterrupted('Redis', async () => {
  const redis = await startRedis({
    listen: values.port ? 'port' : 'socket',
    ...(values.folder ? { folder: values.folder } : {}),
  });
  return { address: redis.address, stop: redis.stop };
});
