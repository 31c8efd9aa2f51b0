// What the locks and bounds of sharing.ts keep away from, shown on the crypto library by itself, in a process of its own that ends with it. Where these
// fail after an update, the library has learned to refuse: the locks stay, for the order of share, deliver and encrypt.
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';

/** Ends with 7 where the library refuses as it should, and otherwise as a panic leaves it. */
const alone = (steps: string) => `
  import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
  await wasm.initAsync();
  const room = new wasm.RoomId('!room:lux');
  const user = new wasm.UserId('@alice:lux');
  const olm = await wasm.OlmMachine.initialize(user, new wasm.DeviceId('A'));
  const encrypt = () => olm.encryptRoomEvent(room, 'm.room.message', '{}').catch(() => process.exit(7));
  ${steps}
  process.exit(0);
`;

/** The exit code, and what was said last. */
function run(steps: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', alone(steps)], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const out of [child.stdout, child.stderr]) out.on('data', (data: Buffer) => (said += data.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
}

test.each([
  ['a session that was never shared', 'await encrypt();'],
  [
    'a session past its bound',
    `const settings = new wasm.EncryptionSettings();
     settings.rotationPeriodMessages = 2n;
     await olm.shareRoomKey(room, [user], settings);
     for (let n = 0; n < 3; n += 1) await encrypt();`,
  ],
])('the library by itself panics on %s, and takes the process along', async (_what, steps) => {
  const { code, said } = await run(steps);
  expect([0, 7]).not.toContain(code);
  expect(said).toMatch(/panicked|unreachable/);
});
