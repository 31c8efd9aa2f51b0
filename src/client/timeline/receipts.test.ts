import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Parts } from '../parts.ts';
import type { HeldRoom } from '../room/rooms.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { ReceiptSender } from './receipts.ts';

vi.mock('../sending/content.ts', () => ({ textContent: () => ({}), sealReceipt: async () => ({}) }));

let store: MemoryStore;
let sent: number;
const held = {
  replica: {
    room: '!g:localhost',
    own: 1,
    chain: { state: { joined: 2 } },
    local: { receiptVersion: 0 },
    exclusive: <T>(work: () => Promise<T>) => work(),
    save: async () => {},
  },
  sender: { maySend: () => true, place: () => ({}) },
} as unknown as HeldRoom;

beforeEach(() => {
  vi.useFakeTimers();
  store = new MemoryStore();
  sent = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

async function sender(): Promise<ReceiptSender> {
  const parts = {
    store,
    live: () => true,
    now: () => 1,
    background: (work: () => Promise<void>) => void work(),
    request: async () => {
      sent += 1;
    },
  } as unknown as Parts;
  const made = new ReceiptSender(() => parts);
  await made.load();
  return made;
}

it('tells at most every five seconds, and the newest', async () => {
  const receipts = await sender();
  for (let seq = 1; seq <= 3; seq++) receipts.moved(held, { seq, count: seq });
  await vi.advanceTimersByTimeAsync(4_999);
  expect(sent).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toBe(2);
  receipts.close();
});

it('tells nothing while switched off, also after a restart and of what was about to go', async () => {
  const receipts = await sender();
  expect(receipts.on).toBe(true);
  for (let seq = 1; seq <= 2; seq++) receipts.moved(held, { seq, count: seq });
  await receipts.switch(false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toBe(1);
  const again = await sender();
  expect(again.on).toBe(false);
  again.moved(held, { seq: 3, count: 3 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toBe(1);
  await again.switch(true);
  again.moved(held, { seq: 4, count: 4 });
  await vi.advanceTimersByTimeAsync(10);
  expect(sent).toBe(2);
  expect((await sender()).on).toBe(true);
  again.close();
});
