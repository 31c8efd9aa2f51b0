// What people may write to the Info bot, in five languages, and what it takes that for.
import { describe, expect, it } from 'vitest';
import { type Language, languages } from '#client/bots/words.ts';
import { languageNamed, type Topic, topicOf } from './asked.ts';

const phrases: Readonly<Record<Topic, Readonly<Record<Language, readonly string[]>>>> = {
  id: {
    lb: ['Wat ass meng Luxchat-ID?', 'Wien sinn ech?'],
    fr: ['Quel est mon identifiant ?', 'Mon Luxchat-ID, s’il vous plaît'],
    de: ['Wie ist meine Luxchat-ID?', 'Meine Kennung'],
    en: ['What is my Luxchat-ID?', 'who am i'],
    pt: ['Qual é o meu Luxchat-ID?', 'o meu identificador'],
  },
  retention: {
    lb: ['Wéi laang bleiwen Messagen?', 'Wéini gëtt dat geläscht?'],
    fr: ['Combien de temps gardez-vous les messages ?', 'Quand mes photos sont-elles effacées ?'],
    de: ['Wie lange werden Nachrichten aufbewahrt?', 'Wann wird das gelöscht?'],
    en: ['How long are messages kept?', 'When do you delete my photos?'],
    pt: ['Quanto tempo ficam as mensagens?', 'Quando são apagadas as fotos?'],
  },
  storage: {
    lb: ['Wéi vill Plaz hunn ech?', 'Mäi Späicher'],
    fr: ['De combien de place est-ce que je dispose ?', 'Espace de stockage'],
    de: ['Wie viel Platz habe ich?', 'Speicherplatz'],
    en: ['How much storage do I have?', 'Is there any space left?'],
    pt: ['Quanto espaço tenho?', 'ARMAZENAMENTO'],
  },
  where: {
    lb: ['Wou leie meng Donnéeën?', 'Wou sinn d’Messagen gespäichert?'],
    fr: ['Où sont stockées mes données ?', 'ou se trouvent les serveurs'],
    de: ['Wo liegen meine Daten?', 'Wo werden meine Nachrichten gespeichert?'],
    en: ['Where is my data stored?', 'In which country are the servers?'],
    pt: ['Onde ficam os meus dados?', 'Onde estão guardadas as fotos?'],
  },
  privacy: {
    lb: ['Dateschutz', 'Wien kann dat liesen?'],
    fr: ['Protection des données', 'Où est la notice de confidentialité ?', 'Qui peut me lire ?'],
    de: ['Datenschutz', 'Wo finde ich die Datenschutzhinweise?', 'Wer kann das lesen?'],
    en: ['Data protection', 'Where is the privacy notice?', 'Who can read this?'],
    pt: ['Proteção de dados', 'Política de privacidade', 'Quem pode ler isto?'],
  },
  help: {
    lb: ['Hëllef', 'Wat kanns du?'],
    fr: ['Aide', 'Que pouvez-vous faire ?'],
    de: ['Hilfe!', 'Was können Sie?'],
    en: ['/help', 'What can you do?'],
    pt: ['Ajuda', 'O que sabes fazer?'],
  },
  thanks: {
    lb: ['Merci', 'Villmools merci!'],
    fr: ['Merci beaucoup !', 'je vous remercie'],
    de: ['Danke', 'Vielen Dank!'],
    en: ['Thanks!', 'thank you very much'],
    pt: ['Obrigado', 'muito obrigada!'],
  },
  hello: {
    lb: ['Moien', 'Gudde Moien!'],
    fr: ['Bonjour !', 'Salut'],
    de: ['Hallo', 'Guten Tag'],
    en: ['Hi', 'hello there'],
    pt: ['Olá', 'Bom dia'],
  },
};

const requests: Readonly<Record<Language, readonly string[]>> = {
  lb: ['Lëtzebuergesch', 'Op Lëtzebuergesch wann ech gelift', 'Schwätzt Dir Lëtzebuergesch?'],
  fr: ['Français', 'En français, s’il vous plaît', 'Parlez-vous français ?'],
  de: ['Deutsch', 'Auf Deutsch bitte', 'Sprechen Sie Deutsch?'],
  en: ['english', 'English please', 'Can you speak English?'],
  pt: [' PT ', 'Em português, por favor', 'Fala português?'],
};

describe.each(languages)('in %s', (language) => {
  it.each(Object.keys(phrases) as Topic[])('%s is understood, with accents and capitals or without', (topic) => {
    for (const text of phrases[topic][language]) {
      const plain = text.normalize('NFD').replace(/\p{M}/gu, '');
      for (const typed of [text, plain, text.toUpperCase(), ` ${text.toLowerCase()}  `])
        expect([typed, topicOf(typed)]).toEqual([typed, topic]);
    }
  });

  it('a plain request changes the language, from whichever', () => {
    for (const text of [language, ...requests[language]]) {
      expect([text, languageNamed(text)]).toEqual([text, language]);
      expect(languageNamed(text.toUpperCase())).toBe(language);
    }
  });

  it('a question is no request for a language', () => {
    for (const texts of Object.values(phrases))
      for (const text of texts[language]) expect([text, languageNamed(text)]).toEqual([text, undefined]);
  });
});

it.each([
  ['1', 'id'],
  ['#2', 'retention'],
  ['5.', 'where'],
  ['6)', 'help'],
  ['?', 'help'],
  ['Bonjour, combien de temps gardez-vous mes photos ? Merci', 'retention'],
  ['Combien de temps gardez-vous les photos ou les messages ?', 'retention'],
  ['Comment supprimer une photo ou un message ?', 'retention'],
  ['Bonjour, où sont mes messages ?', 'where'],
  ['7', undefined],
  ['What is the weather like?', undefined],
  ['', undefined],
] as const)('takes "%s" for %s', (text, topic) => {
  expect(topicOf(text)).toBe(topic);
});

it.each(['de rien', 'I do not speak English', 'English or French?', 'My English teacher says so', 'Langue', ''])(
  'takes no language from "%s"',
  (text) => {
    expect(languageNamed(text)).toBeUndefined();
  },
);

it('takes one by its letters behind the word for it', () => {
  expect(['Langue : pt', 'Sprache de', 'language EN'].map(languageNamed)).toEqual(['pt', 'de', 'en']);
});
