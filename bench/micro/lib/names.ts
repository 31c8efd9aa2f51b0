// Names that nobody has, spread as names are: few first names and very many family names, some of each common, some people with two or more words.

/** A generator with a seed, so that each run has the same names. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `end` (mulberry32). */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Earlier ones more often. */
  early<T>(list: readonly T[]): T {
    return list[Math.floor((this.below(1_000_000) / 1_000_000) ** 2 * list.length)] as T;
  }
}

const firstNames =
  `Maria Jean Marie José Ana Pierre Manuel Marc António Anne Carlos Paul Nathalie Luís Claude Martine João Patrick Isabelle Paulo Michel Sandra Marco Monique
  Christian Cristina Fernando Françoise Georges Josée Pedro Christiane Rui Sylvie Guy Véronique Jorge Fernand Danielle Tom Laurent Zoé Léa Emma Noah Liam Luca
  Änder Jang Mett Tun Pol Nicolas Günther Jürgen Björn Käthe Ulrike Sören Conceição Inês Gonçalo Tiago Łukasz Agnieszka Ivana Dragan Aleksandar Ömer Ayşe`.split(
    /\s+/,
  );
const commonFamilies =
  `Schmit Muller Müller Weber Hoffmann Wagner Thill Schroeder Schröder Da Silva Dos Santos Ferreira Pereira Martins Rodrigues Fernandes Gonçalves
  Klein Becker Kremer Reuter Meyer Weis Kieffer Faber Steffen Schneider Juncker Bettel Marques Sousa Lopes Martin Bernard Dubois Lefèvre Köhler`.split(
    /\s+/,
  );
const [begins, middles, ends] = [
  'Schm Kr W H Th F B M St K R L N D P G Br Kl Schw Gr Fr Pl C V S T Z J'.split(' '),
  'a e i o u ei ie ou au ä ö ü é ee aa'.split(' '),
  'ller ber mann ner ser ges ster cken tgen es ert in eau ard ier et nes eira ues ski vic dorf bach feld kamp'.split(
    ' ',
  ),
];

export function fictitiousName(random: Random): string {
  const first = random.early(firstNames);
  const kind = random.below(100);
  if (kind < 12) return `${first}-${random.early(firstNames)} ${family(random)}`;
  if (kind < 25) return `${first} ${family(random)}-${family(random)}`;
  if (kind < 32) return `${first} ${random.of(['da', 'dos', 'de la', 'van', 'von'])} ${family(random)}`;
  return `${first} ${family(random)}`;
}

function family(random: Random): string {
  if (random.below(3) === 0) return random.early(commonFamilies);
  return `${random.of(begins as string[])}${random.of(middles as string[])}${random.of(ends as string[])}`;
}
