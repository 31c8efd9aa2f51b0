// `luxchat chat ROOM`: an interactive conversation. Lines are messages, lines with a slash are commands; what others write appears above.
// Without a terminal, or with `--json`, it is the same conversation for a script: lines in, lines or objects out, and no prompt.
import { ClientError, unlessBug } from '#client/errors.ts';
import type { RoomInfo, TimelineItem } from '#client/shown.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { alarmSentence } from './alarms.ts';
import { shortName } from './called.ts';
import { unheardSentence } from './heard.ts';
import { leave } from './leave.ts';
import { awaitRoom, messageAt } from './naming.ts';
import { openScreen, type Screen } from './screen.ts';
import { datedLines, describeItem } from './sentences.ts';
import { besides, bringOut, need, onNewAlarm, type Session } from './session.ts';

const help =
  '/edit [#NUMBER] TEXT   /react [#NUMBER] EMOJI   /delete [#NUMBER]   /who   /leave   /quit   (without a number: your last line, their last for /react)';

/** Talks until /quit, Ctrl-C or the end of input. */
export async function chat(session: Session): Promise<void> {
  const { client, args } = session;
  if (client.rooms().length === 0) await session.reaching(client.synced());
  const { room } = await awaitRoom(session, need(args, 0, 'a room'));
  const newest = await client.timeline(room, { limit: 20 });
  const screen = openScreen(session.out);
  const talk = new Talk(session, room, screen);
  for (const item of newest) talk.show(item);
  let ended: ClientError | undefined;
  const stops = [
    ...talk.follow(),
    client.on('ended', (error) => {
      ended = error;
      screen.close();
    }),
  ];
  // Before a line is taken: what is written down on a device that is logged out never goes out.
  const begun = await session.loggedIn().catch(unlessBug);
  if (typeof begun !== 'boolean') {
    ended ??= begun;
    screen.close();
  } else {
    screen.say({ type: 'chat', room, user: client.user }, `Talking in ${room}.`, help);
    talk.sayConnection(begun ? 'live' : 'offline');
    talk.sayUnheard(client.room(room));
  }
  for await (const line of ended ? [] : screen.lines) {
    if (/^\/quit\s*$/.test(line)) break;
    await talk.take(line).catch((error: unknown) => screen.fail(error));
    screen.prompt();
  }
  for (const stop of stops) stop();
  screen.close();
  if (ended) throw ended;
  await bringOut(client, 5_000);
  await talk.read;
}

/** One conversation: what is shown, and what the typed lines do. */
export class Talk {
  readonly #session: Session;
  readonly #room: string;
  readonly #screen: Screen;
  readonly #lines = datedLines(Date.now(), () => besides(this.#session.client));
  /** What each line said when it was printed, by its ids. */
  readonly #shown = new Map<string, string>();
  /** How far was read is noted; what failed at that was told. */
  read: Promise<void> = Promise.resolve();
  #ownLast = '';
  #theirLast = '';
  #unheard = '[]';
  #hasBegun = false;
  #connected = true;

  constructor(session: Session, room: string, screen: Screen) {
    this.#session = session;
    this.#room = room;
    this.#screen = screen;
  }

  /** Prints a line that is new, or says something else than when it was printed. Whoever sees it has read it. */
  show(item: TimelineItem): void {
    const { id, localId = id, kind, seq, own } = item;
    if (kind === 'message' && seq > 0) {
      if (own) this.#ownLast = id;
      else this.#theirLast = id;
    }
    if (seq > 0) this.#markRead(seq);
    if (item.sending === 'waiting') return;
    const object = describeItem(item);
    // A deletion is told when it is asked for and when it is done.
    const said = kind === 'deleted' ? kind : JSON.stringify({ ...object, localId: '' });
    if (this.#shown.get(id) === said || this.#shown.get(localId) === said) return;
    this.#shown.set(id, said).set(localId, said);
    this.#screen.say(object, ...this.#lines(item));
  }

  #markRead(seq: number): void {
    const marked = this.read.then(() => this.#session.client.markRead(this.#room, seq));
    this.read = marked.catch((error: unknown) => this.#screen.fail(error));
  }

  /** Says who is given nothing of what is written here, where that changed. */
  sayUnheard({ room, unheard }: RoomInfo): void {
    const said = JSON.stringify(unheard);
    if (this.#unheard === said) return;
    this.#unheard = said;
    const sentences = unheard.map((one) => `WARNING: ${unheardSentence(one, this.#session.args.call)}`);
    const over = '  everybody here is given what you write again';
    this.#screen.say({ type: 'unheard', room, unheard }, ...(sentences.length > 0 ? sentences : [over]));
  }

  /** Says that the connection came or went; once it is known at all that this device is logged in. */
  sayConnection(state: string): void {
    this.#hasBegun = true;
    if ((state !== 'offline' && state !== 'live') || (state === 'live') === this.#connected) return;
    this.#connected = state === 'live';
    const sentence = this.#connected ? '  connected' : '  no connection: what you write waits';
    this.#screen.say({ type: 'connection', state }, sentence);
  }

  /** Follows what happens. Gives back what ends that. */
  follow(): (() => void)[] {
    const { client, args } = this.#session;
    return [
      client.on('item', (item) => item.room === this.#room && this.show(item)),
      onNewAlarm(client, (alarm) => this.#screen.say({ type: 'alarm', ...alarm }, alarmSentence(alarm, args.call))),
      client.on('room', (info) => info.room === this.#room && this.sayUnheard(info)),
      client.on('typing', ({ room, user, typing }) => {
        if (room !== this.#room || !typing) return;
        this.#screen.say({ type: 'typing', room, user }, `  ${shortName(user)} is typing …`);
      }),
      client.on('receipt', (receipt) => {
        if (receipt.room === this.#room) this.#screen.say({ type: 'receipt', ...receipt });
      }),
      client.on('connection', (state) => this.#hasBegun && this.sayConnection(state)),
    ];
  }

  /** Does what a typed line says. */
  async take(line: string): Promise<void> {
    const { client } = this.#session;
    const [, word, rest = ''] = /^\/(\w+)\s*(.*)$/.exec(line) ?? [];
    if (word === undefined) {
      if (line.trim() !== '') await client.send(this.#room, line);
      return;
    }
    const [, number, words = ''] = /^(?:#(\d+)(?:\s+|$))?(.*)$/.exec(rest) ?? [];
    const target = async (otherwise: string) => {
      if (number !== undefined) return messageAt(this.#session, this.#room, number);
      if (otherwise !== '') return otherwise;
      throw new ClientError('UNKNOWN', 'There is no such message yet: name one by its number, such as #12.');
    };
    if (word === 'edit') await client.edit(this.#room, await target(this.#ownLast), words);
    else if (word === 'react') await client.react(this.#room, await target(this.#theirLast || this.#ownLast), words);
    else if (word === 'delete') await client.deleteForAll(this.#room, await target(this.#ownLast));
    else if (word === 'leave') await leave(this.#session, this.#room);
    else if (word === 'who') this.#sayWho();
    else this.#screen.say({ type: 'help', text: help }, help);
  }

  #sayWho(): void {
    const users = this.#session.client
      .members(this.#room)
      .filter(({ status }) => status === MemberStatus.MEMBER_STATUS_JOINED)
      .map(({ user }) => user);
    this.#screen.say({ type: 'who', room: this.#room, users }, users.map(shortName).join(', '));
  }
}
