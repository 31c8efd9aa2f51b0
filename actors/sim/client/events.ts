// The events that devices submit: built byte for byte as a real device builds them, out of the control chain that it knows.
import { Submit } from '#proto/gen/client.ts';
import {
  Algorithm,
  ControlBody,
  ControlEntry,
  ControlKind,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  Role,
  SlotWrite,
} from '#proto/gen/record.ts';
import { noBytes, utf8Bytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { encodeMessage } from '#proto/rules/bytes/encode.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { type ControlState, controlHead } from '#proto/rules/control/state.ts';
import { groupRoomId } from '#proto/rules/ids.ts';
import { type CastUser, provider } from '../cast.ts';
import { quickHash, simPrimitives } from '../primitives.ts';

/** Who submits, and under which send id. */
export interface Author {
  readonly cast: CastUser;
  readonly device: number;
  readonly member: number;
  readonly sendId: number;
}

/** What of a control body a wish says; the rest follows from the chain. */
export type Wish = Partial<ControlBody> & { readonly kind: ControlKind };

const blankBody = ControlBody.decode(noBytes);
const blankSubmit = Submit.decode(noBytes);
const groupPolicy = { direct: false, history: 0, inviteRole: 0, slotRole: 0, postRole: 0, membersMax: 0 } as const;

/** A message. */
export function content(chain: ControlState, author: Author, label: string): Submit {
  return submitOf(chain.room, author, { kind: EventKind.EVENT_KIND_CONTENT, body: utf8Bytes(label), chain });
}

/** An ordered slot's next version. */
export function slot(
  chain: ControlState,
  author: Author,
  given: { name: string; version: number; label: string },
): Submit {
  const body = slotWrite(given.name, given.version, given.label);
  return submitOf(chain.room, author, { kind: EventKind.EVENT_KIND_SLOT, body, chain });
}

/** The bodies of these own messages go. */
/** All that its author wrote goes, through this seq, before their account does. */
export function erasing(chain: ControlState, author: Author, throughSeq: number): Submit {
  const cause = EmptyingCause.EMPTYING_CAUSE_ERASURE;
  const range = { cause, fromSeq: 1, throughSeq, member: author.member };
  const body = Emptying.encode({ ...Emptying.decode(noBytes), ...range }).finish();
  return submitOf(chain.room, author, { kind: EventKind.EVENT_KIND_EMPTYING, body, chain });
}

export function emptying(chain: ControlState, author: Author, seqs: readonly number[]): Submit {
  const cause = EmptyingCause.EMPTYING_CAUSE_AUTHOR;
  const body = Emptying.encode({ ...Emptying.decode(noBytes), cause, seqs: [...seqs] }).finish();
  return submitOf(chain.room, author, { kind: EventKind.EVENT_KIND_EMPTYING, body, chain });
}

/** Encoded SlotWrite. */
export function slotWrite(name: string, version: number, value: string): Uint8Array {
  const algorithm = Algorithm.ALGORITHM_MEGOLM_V1;
  return SlotWrite.encode({ slot: name, version, algorithm, value: utf8Bytes(value) }).finish();
}

/** The next control entry; `brought` comes with it where the wish brings a person in. */
export function control(chain: ControlState, author: Author, wish: Wish, brought?: CastUser): Submit {
  const { cast, device, member } = author;
  const body: ControlBody = {
    ...blankBody,
    room: chain.room,
    number: chain.number + 1,
    previousHash: chain.hash,
    actor: member,
    device,
    deviceKey: cast.device(device).keys.publicKey,
    person: brought?.commitment ?? noBytes,
    signedMs: 1_700_000_000_000,
    ...wish,
  };
  const submit = controlSubmit(chain.room, author, body);
  return { ...submit, person: brought?.person(body.target) };
}

/** The genesis of a group; its room id follows from it. */
export function group(author: Author, nonce: string): Submit {
  const body = genesis(author, { room: '', direct: false, nonce });
  const { signed } = author.cast.signControl(body, author.device);
  const room = groupRoomId(controlHash(signed, simPrimitives), provider);
  return { ...controlSubmit(room, author, body), person: author.cast.person(1) };
}

/** The genesis of a 1:1 room. */
export function direct(author: Author, given: { room: string; partner: string }): Submit {
  const body = genesis(author, { room: given.room, direct: true, nonce: given.room });
  return { ...controlSubmit(given.room, author, body), person: author.cast.person(1), partner: given.partner };
}

function genesis({ cast, device }: Author, given: { room: string; direct: boolean; nonce: string }): ControlBody {
  return {
    ...blankBody,
    room: given.room,
    number: 1,
    previousHash: zeroHash,
    kind: ControlKind.CONTROL_KIND_CREATE,
    actor: 1,
    device,
    deviceKey: cast.device(device).keys.publicKey,
    target: 1,
    person: cast.commitment,
    role: given.direct ? Role.ROLE_ADMIN : Role.ROLE_OWNER,
    policy: { ...groupPolicy, direct: given.direct },
    hub: { provider, epoch: 1 },
    nonce: quickHash(utf8Bytes(given.nonce)).slice(0, 16),
    signedMs: 1_700_000_000_000,
  };
}

function controlSubmit(room: string, author: Author, body: ControlBody): Submit {
  const entry = author.cast.signControl(body, author.device);
  const event = { kind: EventKind.EVENT_KIND_CONTROL, body: encodeMessage(ControlEntry, entry), chain: null };
  return { ...submitOf(room, author, event), credential: author.cast.credential(author.member, author.device) };
}

function submitOf(
  room: string,
  { member, device, sendId }: Author,
  event: { readonly kind: EventKind; readonly body: Uint8Array; readonly chain: ControlState | null },
): Submit {
  const { kind, body, chain } = event;
  const isPlain = kind === EventKind.EVENT_KIND_CONTROL || kind === EventKind.EVENT_KIND_EMPTYING;
  const header: EventHeader = {
    room,
    member,
    device,
    sendId,
    kind,
    algorithm: isPlain ? Algorithm.ALGORITHM_NONE : Algorithm.ALGORITHM_MEGOLM_V1,
    bodySize: body.length,
    bodyHash: simPrimitives.sha256(body),
    control: chain === null ? undefined : controlHead(chain),
    counts: kind === EventKind.EVENT_KIND_CONTENT,
    expiryDay: 0,
    commitment: isPlain ? noBytes : zeroHash,
  };
  return { ...blankSubmit, room, event: { header: encodeMessage(EventHeader, header), body } };
}
