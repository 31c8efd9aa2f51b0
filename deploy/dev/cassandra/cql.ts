// The least of Cassandra's native protocol (version 4) that tells whether a node really answers: OPTIONS, STARTUP and one query, over a socket of its
// own, without a driver. It reads no rows: an answer is an answer.
import { connect, type Socket } from 'node:net';

/** Consistency levels, by their numbers on the wire. */
export const consistency = { ONE: 0x01, QUORUM: 0x04, ALL: 0x05 } as const;

/** Cassandra said no; `code` is the protocol's error code (0x1000 = not enough replicas alive). */
export class CqlError extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(`${text} (0x${code.toString(16)})`);
    this.name = 'CqlError';
    this.code = code;
  }
}

const opcodes = {
  error: 0x00,
  startup: 0x01,
  ready: 0x02,
  authenticate: 0x03,
  options: 0x05,
  supported: 0x06,
  query: 0x07,
  result: 0x08,
  authResponse: 0x0f,
  authSuccess: 0x10,
};

/** The user that Cassandra makes by itself where it asks for one. */
const firstUser = '\0cassandra\0cassandra';

/** Asks one node one statement. Rejects with a CqlError, or with the socket's error, at the latest after `timeoutMs` (default 5 s). */
export async function ask(
  node: { address: string; port: number },
  statement: string,
  options: { consistency?: number; timeoutMs?: number } = {},
): Promise<void> {
  const socket = connect(node.port, node.address);
  const giveUp = setTimeout(() => socket.destroy(new Error('no answer in time')), options.timeoutMs ?? 5_000);
  try {
    await exchange(socket, opcodes.options, Buffer.alloc(0), [opcodes.supported]);
    const begun = await exchange(socket, opcodes.startup, startupBody(), [opcodes.ready, opcodes.authenticate]);
    if (begun === opcodes.authenticate)
      await exchange(socket, opcodes.authResponse, longText(firstUser), [opcodes.authSuccess]);
    const body = queryBody(statement, options.consistency ?? consistency.ONE);
    await exchange(socket, opcodes.query, body, [opcodes.result]);
  } finally {
    clearTimeout(giveUp);
    socket.destroy();
  }
}

/** Whether a node answers this statement now; a refusal is a no. */
export async function answers(...question: Parameters<typeof ask>): Promise<boolean> {
  return ask(...question).then(
    () => true,
    () => false,
  );
}

/** Resolves to which of `wanted` it answered. */
async function exchange(socket: Socket, opcode: number, body: Buffer, wanted: readonly number[]): Promise<number> {
  const answer = readFrame(socket);
  const header = Buffer.alloc(9);
  header[0] = 0x04;
  header[4] = opcode;
  header.writeUInt32BE(body.length, 5);
  socket.write(Buffer.concat([header, body]));
  const frame = await answer;
  if (frame.opcode === opcodes.error) {
    const length = frame.body.readUInt16BE(4);
    throw new CqlError(frame.body.readInt32BE(0), frame.body.toString('utf8', 6, 6 + length));
  }
  if (!wanted.includes(frame.opcode)) throw new Error(`answer ${frame.opcode} to request ${opcode}`);
  return frame.opcode;
}

/** One request is out at a time, so the next whole frame is its answer. */
function readFrame(socket: Socket): Promise<{ opcode: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 9 || bytes.length < 9 + bytes.readUInt32BE(5)) return;
      leave();
      resolve({ opcode: bytes[4] as number, body: bytes.subarray(9) });
    };
    const fail = (error?: Error) => {
      leave();
      reject(error ?? new Error('the connection was closed'));
    };
    const closed = () => fail();
    const leave = () => socket.off('data', take).off('error', fail).off('close', closed);
    socket.on('data', take).on('error', fail).on('close', closed);
  });
}

function startupBody(): Buffer {
  return Buffer.concat([Buffer.from([0, 1]), text('CQL_VERSION'), text('3.0.0')]);
}

function queryBody(statement: string, level: number): Buffer {
  return Buffer.concat([longText(statement), Buffer.from([0, level, 0])]);
}

function longText(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
