// SetBlock and ListBlocks. From the block on nothing of that person reaches the account's devices but what is said in groups; to them nothing says so:
// whatever they ask is answered as for an account whose devices are switched off.
import type { BlockList, ListBlocks, SetBlock } from '#proto/gen/client.ts';
import { Block } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { directRoomId, isUserId } from '#proto/rules/ids.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester } from '../kernel/messages.ts';
import { consentOf } from './invited.ts';
import { userLimits } from './limits.ts';
import { tellDue } from './rooms.ts';
import type { Turn } from './turn.ts';

/** Blocks someone, or ends that; what is so already is Done. Refusals: BAD_REQUEST, LIMIT_REACHED. */
export function setBlock(turn: Turn, from: Requester, { user: other, blocked }: SetBlock): void {
  const { account, desk } = turn;
  const { blocks, user } = account;
  if (!isUserId(other) || other === user) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const isNews = blocks.isBlocked(other) !== blocked;
  if (isNews && blocked && blocks.count >= limits.blockedMax) {
    turn.reject(from, Rejection.REJECTION_LIMIT_REACHED);
    return;
  }
  const room = directRoomId(user, other, desk.settings.primitives);
  if (isNews) turn.append({ $case: 'blockChanged', value: { user: other, blocked, room } });
  // A repeat says that the answer was lost, and perhaps the word to the sessions with it. They must know before they lose the room.
  turn.hold({ kind: 'tellSessions', user, message: { kind: 'consent', ...consentOf(turn) } });
  if (blocked) turn.hold({ kind: 'evict', user, room });
  turn.answer(from, { $case: 'done', value: {} });
  if (isNews && !blocked) tellDue(turn);
}

/** Answers with a page of those who are blocked or were. */
export function listBlocks(turn: Turn, from: Requester, { after }: ListBlocks): void {
  const value: BlockList = { blocks: [], next: '' };
  let bytes = 0;
  for (const block of turn.account.blocks.list(after)) {
    bytes += Block.encode(block).finish().length + 8;
    if (bytes > userLimits.pageBytesMax && value.blocks.length > 0) {
      value.next = value.blocks.at(-1)?.user ?? '';
      break;
    }
    value.blocks.push(block);
  }
  turn.answer(from, { $case: 'blockList', value });
}
