import { describe, expect, it, vi } from 'vitest';
import { ControlBody, ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { makeActor, signBody, testPrimitives } from '#proto/golden/cast.ts';
import { Story } from '#proto/golden/story.ts';
import { Chain, type ChainLink } from './chain.ts';

const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((name) => makeActor(`@${name}:localhost`)) as [
  ReturnType<typeof makeActor>,
  ReturnType<typeof makeActor>,
  ReturnType<typeof makeActor>,
];

/** A group of two, with a third who came and was removed. */
function group() {
  const story = Story.group(ada);
  story.join(1, bob, Role.ROLE_MODERATOR);
  story.join(1, eve);
  story.do(2, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 3 });
  const beside = {
    persons: [ada.person(1), bob.person(2), eve.person(3)],
    credentials: [ada.credential(1, 1), bob.credential(2, 1), eve.credential(3, 1)],
  };
  const links: ChainLink[] = story.entries.map(({ seq, entry }) => ({ seq, entry, ...beside }));
  return { story, links, beside };
}

function taken(links: readonly ChainLink[], room: string) {
  const chain = new Chain(room, testPrimitives);
  return { chain, results: links.map((link) => chain.take(link)) };
}

describe('chain', () => {
  it('reaches the state that the rules give, entry by entry', () => {
    const { story, links } = group();
    const { chain, results } = taken(links, story.room);
    expect(results.map(({ result }) => result)).toEqual(links.map(() => 'applied'));
    expect(chain.state?.hash).toEqual(story.state?.hash);
    expect([1, 2, 3].map((member) => chain.user(member))).toEqual([ada.user, bob.user, eve.user]);
    expect(chain.memberOf(bob.user)).toBe(2);
  });

  it('looks a person up once, and one who was not known when they come', () => {
    const { story, links, beside } = group();
    const { chain } = taken(
      links.map((link) => ({ ...link, persons: beside.persons.filter(({ user }) => user !== eve.user) })),
      story.room,
    );
    const looks = vi.spyOn(chain.roll, 'person');
    for (let n = 0; n < 2; n++) expect([chain.memberOf(bob.user), chain.memberOf(eve.user)]).toEqual([2, 0]);
    chain.roll.addPerson(eve.person(3));
    for (let n = 0; n < 2; n++) expect([chain.memberOf(eve.user), chain.user(3)]).toEqual([3, eve.user]);
    const found = looks.mock.results.flatMap(({ value }) => (value ? [(value as { user: string }).user] : []));
    expect(found).toEqual([...new Set(found)]);
  });

  it('knows an entry that came before, and names one that skips', () => {
    const { story, links } = group();
    const { chain } = taken(links.slice(0, 2), story.room);
    expect(chain.take(links[1] as ChainLink)).toEqual({ result: 'known' });
    expect(chain.take(links[4] as ChainLink)).toEqual({ result: 'missing' });
  });

  it('does not let an entry move: roles and removals hold from where it was said to stand', () => {
    const { story, links } = group();
    const { chain } = taken(links, story.room);
    const link = links[1] as ChainLink;
    expect(chain.take({ ...link, seq: link.seq + 1 })).toEqual({ result: 'invalid', fault: 'MOVED' });
    expect([link.seq, link.seq + 100].map((seq) => chain.standsAt(seq))).toEqual([true, false]);
  });

  it('refuses a second entry under a number that is taken', () => {
    const { story, links } = group();
    const { chain } = taken(links, story.room);
    const body = ControlBody.decode((links[1] as ChainLink).entry.signed);
    const entry = signBody({ ...body, role: Role.ROLE_ADMIN }, ada.device(1).keys);
    expect(chain.take({ ...(links[1] as ChainLink), entry })).toEqual({ result: 'invalid', fault: 'REWRITTEN' });
  });

  it('refuses an entry whose signature is another’s', () => {
    const { story, links } = group();
    const { chain } = taken(links.slice(0, 1), story.room);
    const forged = signBody(ControlBody.decode((links[1] as ChainLink).entry.signed), eve.device(1).keys);
    expect(chain.take({ ...(links[1] as ChainLink), entry: forged })).toMatchObject({ result: 'invalid' });
    expect(chain.number).toBe(1);
  });

  it('is the same after a restart, without checking signatures again', () => {
    const { story, links } = group();
    const { chain, results } = taken(links, story.room);
    const rows = results
      .flatMap((one) => (one.result === 'applied' ? one.changes : []))
      .map(({ value }) => value as Uint8Array);
    const again = new Chain(story.room, testPrimitives);
    again.restore(rows);
    expect(again.state?.hash).toEqual(chain.state?.hash);
    expect(again.user(3)).toBe(eve.user);
    expect(again.hashAt(2)).toEqual(chain.hashAt(2));
  });

  it('goes as far as its rows reach where a crash tore some off', () => {
    const { story, links } = group();
    const { results } = taken(links, story.room);
    const rows = results
      .flatMap((one) => (one.result === 'applied' ? one.changes : []))
      .map(({ value }) => value as Uint8Array);
    const again = new Chain(story.room, testPrimitives);
    again.restore(rows.filter((_, at) => at !== 3));
    expect(again.number).toBe(3);
  });

  it('tells who stood how when a record was written', () => {
    const { story, links } = group();
    const { chain } = taken(links, story.room);
    const removedAt = links.at(-1)?.seq as number;
    const status = (seq: number) => chain.stateAt(seq)?.members.get(3)?.status;
    expect(status(removedAt - 1)).toBe(MemberStatus.MEMBER_STATUS_JOINED);
    expect(status(removedAt)).toBe(MemberStatus.MEMBER_STATUS_REMOVED);
    expect(chain.stateAt(0)).toBeNull();
    expect(chain.joinedAt(3)).toBe(links.at(-2)?.seq);
    expect(chain.mayReadAny(3, removedAt + 1, removedAt + 10)).toBe(false);
    expect(chain.mayReadAny(3, removedAt, removedAt + 10)).toBe(true);
  });

  it('tells who was joined all the time since an entry', () => {
    const { story, links, beside } = group();
    const { chain } = taken(links, story.room);
    const since = (member: number) => [1, 2, 3, 4, 5, 6].filter((number) => chain.joinedSince(member, number));
    expect([1, 2, 3, 4].map(since)).toEqual([[1, 2, 3, 4, 5, 6], [3, 4, 5, 6], [], []]);
    // Who was removed and comes back begins anew.
    story.do(2, { kind: ControlKind.CONTROL_KIND_INVITE, target: 3, role: Role.ROLE_MEMBER });
    story.do(3, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 3 });
    for (const { seq, entry } of story.entries.slice(links.length)) chain.take({ seq, entry, ...beside });
    expect(since(3)).toEqual([]);
    expect([7, 8, 9, 0].map((number) => chain.joinedSince(3, number))).toEqual([false, true, false, false]);
  });

  it('tells who signed a new identity in, as whom, and that nobody did where it came with its member', () => {
    const anew = makeActor(bob.user, 2);
    const { story, beside } = group();
    const persons = [...beside.persons, anew.person(2)];
    story.context.roll.addPerson(anew.person(2));
    const read = () =>
      taken(
        story.entries.map((entry) => ({ ...entry, ...beside, persons })),
        story.room,
      ).chain;
    expect([1, 2, 3, 4].map((member) => read().renewedBy(member))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    story.do(1, { kind: ControlKind.CONTROL_KIND_IDENTITY, target: 2, person: anew.commitment });
    story.do(1, { kind: ControlKind.CONTROL_KIND_ROLE, target: 2, role: Role.ROLE_MEMBER });
    const chain = read();
    expect(chain.person(2)?.fingerprint).toEqual(anew.master.publicKey);
    expect([1, 2, 3].map((member) => chain.renewedBy(member)?.user)).toEqual([undefined, ada.user, undefined]);
    expect(chain.renewedBy(2)?.fingerprint).toEqual(ada.master.publicKey);
  });
});
