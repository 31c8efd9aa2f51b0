// Test process: opens the store folder given as argument, encrypts without end and "sends" each message by writing it
// to standard output, until somebody kills it. Prints `ready`, then one encrypted content per line.
import { writeSync } from 'node:fs';
import { DeviceId, initAsync, OlmMachine, RoomId, StoreHandle, UserId } from '@matrix-org/matrix-sdk-crypto-wasm';
import { CryptoStoreError, openCryptoStore } from './crypto-store.ts';

const [folder = '', user = '', device = '', room = ''] = process.argv.slice(2);

// One after the other: several at once let the library save an older ratchet over a newer one (seen: repeated indices
// after a kill). The engine's lock per room exists for this, too.
async function encryptForEver(machine: OlmMachine): Promise<never> {
  for (;;) {
    const content = await machine.encryptRoomEvent(new RoomId(room), 'test', '{"text":"a secret canary"}');
    // A turn of the event loop between encrypting and sending, so that kills land there too.
    await new Promise((resolve) => setImmediate(resolve));
    writeSync(1, `${content}\n`);
  }
}

try {
  const store = await openCryptoStore(folder);
  await initAsync();
  const handle = await StoreHandle.openWithKey(store.name, store.key);
  const machine = await OlmMachine.initFromStore(new UserId(user), new DeviceId(device), handle);
  writeSync(1, 'ready\n');
  await encryptForEver(machine);
} catch (error) {
  if (!(error instanceof CryptoStoreError)) throw error;
  writeSync(1, `${error.code}\n`);
}
