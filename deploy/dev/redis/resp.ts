// One command to Redis over a socket of its own, without a client library: enough for PING, FLUSHALL and the like, whose answer is one line.
import { connect } from 'node:net';

/** Sends one command and gives the first line of the answer without its mark. Rejects on an error answer and after `timeoutMs` (default 2 s). */
export function command(address: string, words: string, timeoutMs = 2_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = address.startsWith('redis://') ? new URL(address) : undefined;
    const socket = url ? connect(Number(url.port), url.hostname) : connect(address);
    let answer = '';
    const giveUp = setTimeout(() => socket.destroy(new Error(`Redis did not answer ${words} in time`)), timeoutMs);
    socket.on('data', (chunk) => {
      answer += chunk;
      if (!answer.includes('\r\n')) return;
      const line = answer.slice(0, answer.indexOf('\r\n'));
      socket.destroy();
      if (line.startsWith('-')) reject(new Error(`Redis refused ${words}: ${line.slice(1)}`));
      else resolve(line.slice(1));
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(giveUp);
      reject(new Error('Redis closed the connection')); // Of no effect when it was answered.
    });
    socket.write(`${words}\r\n`);
  });
}
