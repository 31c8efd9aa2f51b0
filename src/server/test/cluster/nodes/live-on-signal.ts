// Preloaded into a node that a test watches (`--import`): at each SIGUSR2 it collects its garbage and says what is left, in bytes. So what counts is what
// the node holds on to, whatever the collector has not come to yet and the system has not taken back.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

process.on('SIGUSR2', () => {
  collect();
  // What buffers had is given back after the objects that pointed there.
  setImmediate(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    console.log(`live ${heapUsed + external}`);
  });
});
