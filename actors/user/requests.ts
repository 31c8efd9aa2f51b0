// Which idea handles which request of the user's own devices. The session has proven who asks; here only: is that device still one of the account?
import { Rejection } from '#proto/gen/codes.ts';
import type { Requester, UserRequest } from '../kernel/messages.ts';
import { readAccount } from './account-record.ts';
import { listBlocks, setBlock } from './blocks.ts';
import { askToClose } from './closing.ts';
import { uploadCrossSigning } from './cross-signing.ts';
import { listDevices, removeDevice, renameDevice } from './devices.ts';
import { claimFromOthers } from './gathers/claim-keys.ts';
import { queryKeys } from './gathers/query-keys.ts';
import { listRooms } from './gathers/room-list.ts';
import { sendDeviceMessages } from './gathers/send-messages.ts';
import { ackInbox, fetchInbox } from './inbox.ts';
import { uploadKeys } from './keys.ts';
import { publishManifest } from './manifest.ts';
import { uploadSignatures } from './signatures.ts';
import type { Turn } from './turn.ts';

/** Handles one request; it is answered in this turn or, where others are asked or rows read, in a later one. */
export function handleRequest(turn: Turn, from: Requester, body: UserRequest): void {
  const device = turn.account.devices.get(from.device);
  // Its session is being ended, or the account was never created.
  if (device === undefined || !turn.account.isOpen) {
    turn.reject(from, Rejection.REJECTION_NOT_LOGGED_IN);
    return;
  }
  switch (body.$case) {
    case 'listRooms':
      listRooms(turn, from, body.value);
      return;
    case 'fetchInbox':
      fetchInbox(turn, from, body.value);
      return;
    case 'ackInbox':
      ackInbox(turn, from, body.value);
      return;
    case 'sendDeviceMessages':
      sendDeviceMessages(turn, from, body.value);
      return;
    case 'uploadKeys':
      uploadKeys(turn, { from, device }, body.value);
      return;
    case 'queryKeys':
      queryKeys(turn, from, body.value);
      return;
    case 'claimKeys':
      claimFromOthers(turn, from, body.value);
      return;
    case 'uploadCrossSigning':
      uploadCrossSigning(turn, from, body.value);
      return;
    case 'uploadSignatures':
      uploadSignatures(turn, { from, device }, body.value.signaturesJson);
      return;
    case 'publishManifest':
      publishManifest(turn, from, body.value.manifest);
      return;
    case 'listDevices':
      listDevices(turn, from);
      return;
    case 'renameDevice':
      renameDevice(turn, from, body.value);
      return;
    case 'setBlock':
      setBlock(turn, from, body.value);
      return;
    case 'listBlocks':
      listBlocks(turn, from, body.value);
      return;
    case 'removeDevice':
      removeDevice(turn, from, body.value);
      return;
    case 'deactivateAccount':
      askToClose(turn, from, { purpose: 'deactivate', grant: body.value.grant });
      return;
    case 'eraseAccount':
      askToClose(turn, from, { purpose: 'erase', grant: body.value.grant });
      return;
    case 'readAccount':
      readAccount(turn, from, body.value);
      return;
  }
}
