// What people ask the Info bot, in the languages of the service: how they say it, and which of its answers that wants. Accents, capitals and signs do not
// count. Nothing is guessed: a text that holds none of these phrases is not understood.
import { type Language, languages } from '#client/bots/words.ts';

/** What it can be asked by number; the number in the menu is its place, from 1. */
export const topics = ['id', 'retention', 'storage', 'privacy', 'where', 'help'] as const;

/** One of them, or what people say besides. */
export type Topic = (typeof topics)[number] | 'thanks' | 'hello';

/** A phrase: words that follow each other, `…` for whatever stands between, a word with `-` for all that begin so, `^` where the text begins so. */
type Asked = Readonly<Record<Language, readonly string[]>>;

/** What is asked where a text holds one of these, as `folded` leaves it; the first that fits counts: courtesy is none where something is asked behind it. */
const asked: readonly (readonly [Topic, Asked])[] = [
  [
    'where',
    {
      lb: [
        'wou … donnee-',
        'wou … daten',
        'wou … gespaichert',
        'wou … message-',
        'wou … server-',
        'wat fir engem land',
      ],
      // Without its accent it is the word for "or" as well.
      fr: [
        '^ou … donnee-',
        '^ou … stocke-',
        '^ou … message-',
        '^ou … serveur-',
        '^ou … heberge-',
        'ou sont',
        'ou se trouve-',
        'quel pays',
      ],
      de: ['wo … daten', 'wo … gespeichert', 'wo … nachrichten', 'wo … server-', 'welchem land'],
      en: ['where … data', 'where … store-', 'where … messages', 'where … server-', 'which country', 'what country'],
      pt: ['onde … dados', 'onde … guarda-', 'onde … mensagens', 'onde … servidor-', 'onde … armazen-', 'que pais'],
    },
  ],
  [
    'retention',
    {
      lb: ['wei laang', 'wei lang', 'lasch-', 'gelascht', 'opgehuewen', 'opbewahr-'],
      fr: ['combien de temps', 'duree', 'conserv-', 'effac-', 'supprim-', 'gardez', 'gardes'],
      de: ['wie lange', 'wie lang', 'losch-', 'geloscht', 'aufbewahr-', 'speicherdauer'],
      en: ['how long', 'delet-', 'kept', 'retention', 'expire-'],
      pt: ['quanto tempo', 'apaga-', 'conserva-', 'elimin-', 'retencao'],
    },
  ],
  [
    'storage',
    {
      lb: ['plaz', 'spaicher-', 'quota'],
      fr: ['place', 'espace', 'stockage', 'quota'],
      de: ['platz', 'speicher-', 'kontingent', 'quota'],
      en: ['space', 'storage', 'quota'],
      pt: ['espaco', 'armazenamento', 'quota'],
    },
  ],
  [
    'privacy',
    {
      lb: ['dateschutz-', 'privatsphar-', 'wien … liesen', 'weieng donnee-', 'weieng daten', 'gdpr', 'rgpd', 'dsgvo'],
      fr: [
        'confidentialite',
        'vie privee',
        'protection … donnees',
        'donnees personnelles',
        'quelles donnees',
        'qui … lire',
        'rgpd',
      ],
      de: ['datenschutz-', 'privatsphare', 'personenbezogen-', 'welche daten', 'wer … lesen', 'dsgvo'],
      en: ['privacy', 'data protection', 'personal data', 'what data', 'which data', 'who … read', 'gdpr'],
      pt: ['privacidade', 'protecao … dados', 'dados pessoais', 'que dados', 'quem … ler', 'rgpd'],
    },
  ],
  [
    'id',
    {
      lb: ['id', 'wien sinn ech'],
      fr: ['id', 'identifiant-', 'qui suis je'],
      de: ['id', 'kennung', 'wer bin ich'],
      en: ['id', 'who am i'],
      pt: ['id', 'identificador', 'quem sou eu'],
    },
  ],
  [
    'help',
    {
      lb: ['hellef', 'hellefen', 'menu', 'wat kanns du', 'wat kennt dir'],
      fr: ['aide', 'aidez', 'aider', 'menu', 'que peux tu', 'que pouvez vous', 'que sais tu', 'que savez vous'],
      de: ['hilfe', 'helfen', 'menu', 'was kannst du', 'was konnen sie'],
      en: ['help', 'menu', 'start', 'what can you'],
      pt: ['ajuda', 'ajudar', 'menu', 'o que sabe-', 'o que pode-'],
    },
  ],
  [
    'thanks',
    {
      lb: ['merci', 'villmools'],
      fr: ['merci', 'remerci-'],
      de: ['dank', 'danke', 'dankeschon'],
      en: ['thanks', 'thank you', 'thx'],
      pt: ['obrigad-', 'agradec-'],
    },
  ],
  [
    'hello',
    {
      lb: ['moien', 'gudde moien', 'gudden owend', 'gudde metteg'],
      fr: ['bonjour', 'bonsoir', 'salut', 'coucou'],
      de: ['hallo', 'guten tag', 'guten morgen', 'guten abend', 'gruezi', 'servus'],
      en: ['hello', 'hi', 'hey', 'good morning', 'good afternoon', 'good evening'],
      pt: ['ola', 'bom dia', 'boa tarde', 'boa noite'],
    },
  ],
];

const patterns = asked.map(([topic, phrases]) => [topic, Object.values(phrases).flat().map(patternOf)] as const);

/** What a text asks for. */
export function topicOf(text: string): Topic | undefined {
  if (/^\s*\?+\s*$/.test(text)) return 'help';
  const said = folded(text);
  if (/^[1-9]$/.test(said)) return topics[Number(said) - 1];
  return patterns.find(([, phrases]) => phrases.some((phrase) => phrase.test(said)))?.[0];
}

function patternOf(phrase: string): RegExp {
  const parts = phrase.split(' … ').map((part) => (part.endsWith('-') ? `${part.slice(0, -1)}[^ ]*` : part));
  const words = parts.join(' (?:.* )?');
  return new RegExp(`${words.startsWith('^') ? '' : '(?:^| )'}${words}(?: |$)`);
}

const names: Asked = {
  lb: ['letzebuergesch', 'luxembourgeois', 'luxemburgisch', 'luxembourgish', 'luxemburgues'],
  fr: ['franseisch', 'francais', 'franzosisch', 'french', 'frances'],
  de: ['daitsch', 'allemand', 'deutsch', 'german', 'alemao'],
  en: ['englesch', 'anglais', 'englisch', 'english', 'ingles'],
  pt: ['portugisesch', 'portugais', 'portugiesisch', 'portuguese', 'portugues'],
};

/** Words in which the name of a language is a wish, and nothing besides. */
const wishes: Asked = {
  lb: [
    'op',
    'wann',
    'ech',
    'gelift',
    'w',
    'e',
    'g',
    'schwatz',
    'schwatzt',
    'dir',
    'du',
    'kenns',
    'kennt',
    'mir',
    'moien',
    'merci',
    'sprooch',
  ],
  fr: [
    'en',
    's',
    'il',
    'vous',
    'te',
    'plait',
    'svp',
    'stp',
    'parle',
    'parlez',
    'parlons',
    'parler',
    'tu',
    'pouvez',
    'peux',
    'bonjour',
    'langue',
  ],
  de: [
    'auf',
    'in',
    'bitte',
    'sprich',
    'sprechen',
    'sie',
    'kannst',
    'konnen',
    'wir',
    'antworten',
    'hallo',
    'danke',
    'sprache',
  ],
  en: [
    'please',
    'speak',
    'talk',
    'can',
    'could',
    'do',
    'you',
    'we',
    'i',
    'd',
    'would',
    'like',
    'switch',
    'to',
    'hello',
    'hi',
    'thanks',
    'language',
  ],
  pt: [
    'em',
    'por',
    'favor',
    'fala',
    'fale',
    'falar',
    'pode',
    'podemos',
    'o',
    'a',
    'ola',
    'obrigado',
    'obrigada',
    'lingua',
    'idioma',
  ],
};
const words = {
  language: ['sprooch', 'langue', 'sprache', 'language', 'lingua', 'idioma'],
  wish: Object.values(wishes).flat(),
};

/** The language that a text asks for: by its name or its two letters alone, or by its name in a plain request and nothing besides. */
export function languageNamed(text: string): Language | undefined {
  const said = folded(text).split(' ');
  const [first = '', second] = said;
  const code = second === undefined ? first : words.language.includes(first) && said.length === 2 ? second : '';
  const named = languages.filter((each) => each === code || names[each].some((name) => said.includes(name)));
  const isNameOf = (word: string) => named.some((each) => each === code || names[each].includes(word));
  return named.length === 1 && said.every((word) => isNameOf(word) || words.wish.includes(word)) ? named[0] : undefined;
}

/** Small letters and digits without accents, with one space between words. */
function folded(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
}
