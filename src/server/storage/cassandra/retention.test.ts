import { expect, it } from 'vitest';
import { defaultRoomLimits } from '#actors/room/limits.ts';
import { goneAfterMs, legalRetention } from './retention.ts';

const dayMs = 24 * 3_600_000;

it('has the bytes of text off the disk within 24 months, of attachments within 12, of inboxes within 32 days, however a row came there', () => {
  // The shortest months: no leap year among them.
  expect(goneAfterMs('text', legalRetention)).toBeLessThanOrEqual(730 * dayMs);
  expect(goneAfterMs('attachments', legalRetention)).toBeLessThanOrEqual(365 * dayMs);
  expect(goneAfterMs('inbox', legalRetention)).toBeLessThanOrEqual(32 * dayMs);
  // Not much earlier either.
  expect(goneAfterMs('text', legalRetention)).toBeGreaterThan(730 * dayMs - 3_600_000);
});

it('lets text live as long as rooms give it', () => {
  const { text, slackMs } = legalRetention;
  expect(text.lifeMs).toBe(defaultRoomLimits.retentionMs + slackMs);
});
