import { describe, expect, it } from 'vitest';
import { beginningOf, foldName, isListingName, isSearchText, namePlaces } from './directory.ts';
import { limits } from './limits.ts';

describe('a folded name', () => {
  it.each([
    // Luxembourgish, French, German, Portuguese, and others who live here.
    ['Änder Schroedér', 'ander schroeder'],
    ['Josée Lorsché-Weydërt', 'josee lorsche weydert'],
    ['Zoé Bœuf', 'zoe boeuf'],
    ["François D'Artagnan", 'francois d artagnan'],
    ['Jean-Noël L’Hôpital', 'jean noel l hopital'],
    ['Günther Weiß', 'gunther weiss'],
    ['GROẞ', 'gross'],
    ['João da Conceição Magalhães', 'joao da conceicao magalhaes'],
    ['Ângela Núñez', 'angela nunez'],
    ['Łukasz Żółć', 'lukasz zolc'],
    ['Øyvind Åse', 'oyvind ase'],
    ['İpek Işık', 'ipek isik'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['Юрий', 'юрии'],
    ['  Anna\t Maria ', 'anna maria'],
    ['Müller & Co. 24', 'muller co 24'],
    ['ﬁnn', 'finn'],
    ['¡!…', ''],
  ])('%s', (name, folded) => {
    expect(foldName(name)).toBe(folded);
    expect(foldName(folded)).toBe(folded);
    expect(foldName(name.normalize('NFD'))).toBe(folded);
  });

  it('begins with what its beginning folds to', () => {
    for (const name of ["François D'Artagnan", 'Günther Weiß', 'João Conceição', 'ΟΔΥΣΣΕΥΣ', 'Łukasz ﬁnn'])
      for (let end = 0; end <= name.length; end++)
        expect(foldName(name).startsWith(foldName(name.slice(0, end)))).toBe(true);
  });

  it('stays short, whatever was given', () => {
    expect([...foldName('ﷺ'.repeat(64))].length).toBeLessThanOrEqual(96);
    for (const { text } of namePlaces('ﷺ a '.repeat(16))) expect([...text].length).toBeLessThanOrEqual(96);
  });
});

describe('the name that one is found by', () => {
  it('has 1 to 64 characters, three of them letters or digits', () => {
    const { listingNameCharactersMax: max } = limits;
    expect(['', 'Bo', 'B. O.', '💚💚💚'].filter(isListingName)).toEqual([]);
    expect(['Bob', 'Bo Li', '王小明', 'a'.repeat(max), '𝒶'.repeat(max)].every(isListingName)).toBe(true);
    expect(isListingName('a'.repeat(max + 1))).toBe(false);
  });

  it('hides nothing', () => {
    for (const unseen of ['\n', '\0', '\u202e', '\u200b', '\u2028', '\ud800', '\u00ad'])
      expect(isListingName(`Anna${unseen}Maria`)).toBe(false);
    expect([' Anna', 'Anna '].some(isListingName)).toBe(false);
  });
});

describe('what is searched for', () => {
  it('leaves three letters or digits when it is folded, of 64 characters at most', () => {
    expect(['', 'ab', 'é́é', 'a b', 'a-!', 'a'.repeat(limits.searchCharactersMax + 1)].filter(isSearchText)).toEqual([]);
    expect(['abc', 'æb', ' é.tà ', 'a'.repeat(limits.searchCharactersMax)].every(isSearchText)).toBe(true);
  });
});

describe('the places of a name', () => {
  it('are its words, each followed by the others', () => {
    expect(namePlaces('Jean-Claude Juncker')).toEqual([
      { later: false, text: 'jean claude juncker' },
      { later: true, text: 'claude juncker jean' },
      { later: true, text: 'juncker jean claude' },
    ]);
    expect(namePlaces('Anna Anna')).toEqual([{ later: false, text: 'anna anna' }]);
  });

  it('are eight at most', () => {
    expect(namePlaces('a b c d e f g h')).toHaveLength(8);
    expect(namePlaces('a b c d e f g h i')).toHaveLength(8);
  });

  it('are looked up by three characters', () => {
    expect(['juncker', 'de la cruz', '王小明王', '𝒶𝒷𝒸𝒹'].map(beginningOf)).toEqual(['jun', 'de ', '王小明', '𝒶𝒷𝒸']);
  });
});
