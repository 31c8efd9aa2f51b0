// The rules of the fence. Each one left out loses or doubles messages in some schedule; README.md of this folder says how. The code
// names each where it is kept, and takes one to leave out, so that a test can show that it finds the loss.

/**
 * 1 an opener checks its own fence after reading the meta and before changing it, on every attempt · 2 rows are read only after the old
 * generation's fence is answered · 3 a shard is taken from exactly the generation that was fenced · 4 an ack needs the row complete, then a
 * fence read started after that, saying alive · 5 acks in order, sealed at the end of the contiguous prefix · 6 the meta changes by its
 * version only · 7 an opening makes a new segment with an id never used · 8 one log per actor and generation · 9 logs stop before their shard
 * is handed over · 10 the prefix is made durable before it is sealed · 11 the actor gets the very rows that were sealed, no others ·
 * 12 a segment is sealed long before its first row expires · 13 how far state is complete is said only after it is complete and a fence read that
 * started after that said alive · 14 a log goes on by the stub of a clean close only if its shard stayed with that generation · 15 state
 * rows that are saved together are there as a whole, in one place, before any of them is, and an opener that does not see all of them takes them from there
 */
export type Rule = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
