// Test process: opens an engine on the store folder, encrypts without end, several at once, and "sends" each message by
// writing it to standard output, until somebody kills it. Prints `ready`, then one encrypted body per line; or the code
// of the store's error.
import { writeSync } from 'node:fs';
import type { CryptoServer, Recipient, SessionBegan } from '../crypto/engine.ts';
import { MemoryLedger } from '../crypto/ledger.ts';
import { openEngine } from '../crypto/olm-engine.ts';
import { CryptoStoreError, openCryptoStore } from './crypto-store.ts';

/** What the victim is to do, as JSON in its second argument. */
export interface VictimTask {
  user: string;
  device: string;
  room: string;
  recipients: Recipient[];
  began: SessionBegan;
}

const parallel = 5;

async function run(folder: string, task: VictimTask): Promise<void> {
  const store = await openCryptoStore(folder);
  const ledger = new MemoryLedger();
  await ledger.setSessionBegan(task.room, task.began);
  const engine = await openEngine({ ...task, server: unreachable(), ledger, store });
  writeSync(1, 'ready\n');
  const encryptForEver = async () => {
    for (;;) {
      const { room, recipients } = task;
      const plaintext = new TextEncoder().encode('a secret canary');
      const { body } = await engine.encrypt({
        room,
        recipients,
        plaintext,
        rotation: { messages: 10_000, ageMs: 1e12 },
      });
      // A turn of the event loop between encrypting and sending, so that kills land there too.
      await new Promise((resolve) => setImmediate(resolve));
      writeSync(1, `${Buffer.from(body).toString()}\n`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, encryptForEver));
}

// All keys were shared before: whoever still needs the server has lost something.
function unreachable(): CryptoServer {
  const refuse = () => Promise.reject(new Error('there is no server'));
  return {
    uploadKeys: refuse,
    queryKeys: refuse,
    claimKeys: refuse,
    sendDeviceMessages: refuse,
    uploadCrossSigning: refuse,
    uploadSignatures: refuse,
  };
}

const [folder = '', task = '{}'] = process.argv.slice(2);
try {
  await run(folder, JSON.parse(task) as VictimTask);
} catch (error) {
  if (!(error instanceof CryptoStoreError)) throw error;
  writeSync(1, `${error.code}\n`);
}
