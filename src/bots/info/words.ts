// What the Info bot says, in the languages of the service, and the words by which people ask for it.
import { type Language, languages } from '#client/bots/words.ts';

/** What it can be asked. */
export const topics = ['id', 'retention', 'storage', 'privacy', 'help'] as const;

/** One of them; its number in the menu is its place, from 1. */
export type Topic = (typeof topics)[number];

/** What the answers are made of. */
export interface Facts {
  /** Luxchat-ID of the person. */
  readonly user: string;
  readonly provider: string;
  /** Address of the privacy notice; empty = the provider did not say. */
  readonly privacyNotice: string;
}

interface Phrases {
  readonly hello: (facts: Facts) => string;
  readonly id: (facts: Facts) => string;
  readonly retention: string;
  readonly storage: string;
  readonly privacy: (facts: Facts) => string;
  readonly menu: string;
  readonly unknown: string;
}

const change = 'lb · fr · de · en · pt';

const phrases: Readonly<Record<Language, Phrases>> = {
  lb: {
    hello: ({ provider }) => `Moien! Ech sinn den Info-Bot vun ${provider}, e Programm.`,
    id: ({ user }) => `Är Luxchat-ID ass ${user}\nGitt se weider, wann ee mat Iech schreiwe soll.`,
    retention:
      'Texter gi spéitstens 24 Méint no hirem Datum vum Server geläscht, Fichieren (Sproochmessagen, Fotoen, Videoen) spéitstens no 12 Méint. Dat gëllt och, wann de Kont deaktivéiert ass. Op Ären Apparater bleift, wat Dir net selwer läscht.',
    storage:
      'Dir hutt 0,5 GB op eise Serveren, ongeféier 100 Fotoe vu 5 MB. Wann dat voll ass, kënnen déi eelst Messagen a Fichieren ewechgoen.',
    privacy: ({ privacyNotice, provider }) =>
      privacyNotice === ''
        ? `D’Informatioun iwwer den Dateschutz kritt Dir bei Ärem Provider, ${provider}. Wat Dir schreift, kënnen nëmme liesen, mat deenen Dir schreift.`
        : `D’Informatioun iwwer den Dateschutz: ${privacyNotice}\nWat Dir schreift, kënnen nëmme liesen, mat deenen Dir schreift.`,
    menu: `Frot mech mat enger Nummer:\n1  Meng Luxchat-ID\n2  Wéi laang bleiwen Messagen?\n3  Wéi vill Plaz hunn ech?\n4  Dateschutz\n5  Hëllef\nSprooch: ${change}`,
    unknown: 'Ech si just e Programm a kennen nëmmen dës Froen.',
  },
  fr: {
    hello: ({ provider }) => `Bonjour ! Je suis le bot Info de ${provider}, un programme.`,
    id: ({ user }) => `Votre Luxchat-ID est ${user}\nDonnez-le à qui doit pouvoir vous écrire.`,
    retention:
      'Les textes sont effacés du serveur au plus tard 24 mois après leur envoi, les fichiers joints (messages vocaux, photos, vidéos) au plus tard après 12 mois, que le compte soit actif ou désactivé. Sur vos appareils reste ce que vous n’effacez pas vous-même.',
    storage:
      'Vous disposez de 0,5 Go sur nos serveurs, soit environ 100 photos de 5 Mo. Au-delà, les messages et fichiers les plus anciens peuvent être effacés.',
    privacy: ({ privacyNotice, provider }) =>
      privacyNotice === ''
        ? `La notice de confidentialité s’obtient auprès de votre fournisseur, ${provider}. Seules les personnes avec qui vous écrivez peuvent vous lire.`
        : `La notice de confidentialité : ${privacyNotice}\nSeules les personnes avec qui vous écrivez peuvent vous lire.`,
    menu: `Posez-moi une question par son numéro :\n1  Mon Luxchat-ID\n2  Combien de temps les messages restent-ils ?\n3  De combien de place est-ce que je dispose ?\n4  Confidentialité\n5  Aide\nLangue : ${change}`,
    unknown: 'Je ne suis qu’un programme et ne connais que ces questions.',
  },
  de: {
    hello: ({ provider }) => `Guten Tag! Ich bin der Info-Bot von ${provider}, ein Programm.`,
    id: ({ user }) => `Ihre Luxchat-ID ist ${user}\nGeben Sie sie weiter, wenn Ihnen jemand schreiben soll.`,
    retention:
      'Texte werden spätestens 24 Monate nach dem Senden vom Server gelöscht, Anhänge (Sprachnachrichten, Fotos, Videos) spätestens nach 12 Monaten, auch wenn das Konto deaktiviert ist. Auf Ihren Geräten bleibt, was Sie nicht selbst löschen.',
    storage:
      'Sie haben 0,5 GB auf unseren Servern, etwa 100 Fotos zu 5 MB. Ist das überschritten, können die ältesten Nachrichten und Anhänge gelöscht werden.',
    privacy: ({ privacyNotice, provider }) =>
      privacyNotice === ''
        ? `Die Datenschutzhinweise gibt Ihnen Ihr Anbieter, ${provider}. Was Sie schreiben, können nur die lesen, mit denen Sie schreiben.`
        : `Die Datenschutzhinweise: ${privacyNotice}\nWas Sie schreiben, können nur die lesen, mit denen Sie schreiben.`,
    menu: `Fragen Sie mich mit einer Nummer:\n1  Meine Luxchat-ID\n2  Wie lange bleiben Nachrichten?\n3  Wie viel Platz habe ich?\n4  Datenschutz\n5  Hilfe\nSprache: ${change}`,
    unknown: 'Ich bin nur ein Programm und kenne nur diese Fragen.',
  },
  en: {
    hello: ({ provider }) => `Hello! I am the Info bot of ${provider}, a program.`,
    id: ({ user }) => `Your Luxchat-ID is ${user}\nGive it to whoever should be able to write to you.`,
    retention:
      'Texts are deleted from the server at the latest 24 months after they were sent, attached files (voice messages, photos, videos) at the latest after 12 months, whether the account is active or deactivated. What you do not delete yourself stays on your devices.',
    storage:
      'You have 0.5 GB on our servers, about 100 photos of 5 MB. Above that the oldest messages and attachments may be deleted.',
    privacy: ({ privacyNotice, provider }) =>
      privacyNotice === ''
        ? `Ask your provider, ${provider}, for the privacy notice. Only the people you write with can read what you write.`
        : `The privacy notice: ${privacyNotice}\nOnly the people you write with can read what you write.`,
    menu: `Ask me by a number:\n1  My Luxchat-ID\n2  How long are messages kept?\n3  How much storage do I have?\n4  Privacy\n5  Help\nLanguage: ${change}`,
    unknown: 'I am only a program, and these are the questions that I know.',
  },
  pt: {
    hello: ({ provider }) => `Olá! Sou o bot Info de ${provider}, um programa.`,
    id: ({ user }) => `O seu Luxchat-ID é ${user}\nDê-o a quem lhe deva poder escrever.`,
    retention:
      'Os textos são apagados do servidor o mais tardar 24 meses após o envio, os ficheiros anexados (mensagens de voz, fotos, vídeos) o mais tardar após 12 meses, esteja a conta ativa ou desativada. Nos seus aparelhos fica o que não apagar.',
    storage:
      'Tem 0,5 GB nos nossos servidores, cerca de 100 fotos de 5 MB. Acima disso, as mensagens e os ficheiros mais antigos podem ser apagados.',
    privacy: ({ privacyNotice, provider }) =>
      privacyNotice === ''
        ? `Peça o aviso de privacidade ao seu fornecedor, ${provider}. Só as pessoas com quem escreve podem ler o que escreve.`
        : `O aviso de privacidade: ${privacyNotice}\nSó as pessoas com quem escreve podem ler o que escreve.`,
    menu: `Pergunte-me por um número:\n1  O meu Luxchat-ID\n2  Quanto tempo ficam as mensagens?\n3  Quanto espaço tenho?\n4  Privacidade\n5  Ajuda\nIdioma: ${change}`,
    unknown: 'Sou apenas um programa e só conheço estas perguntas.',
  },
};

/** First words to a person who started the bot; in all languages, shortly, where theirs is not known. */
export function greeting(language: Language | undefined, facts: Facts): string {
  if (language !== undefined) {
    const { hello, id, menu } = phrases[language];
    return `${hello(facts)}\n\n${id(facts)}\n\n${menu}`;
  }
  const each = languages.map((one) => phrases[one].id(facts).split('\n')[0]);
  return `Info: ${facts.provider}\n\n${each.join('\n')}\n\n${languages.map((one) => phrases[one].menu.split('\n').at(-1)).join('\n')}`;
}

/** The answer about a topic; undefined = the question was not understood. */
export function answer(language: Language, topic: Topic | undefined, facts: Facts): string {
  const said = phrases[language];
  switch (topic) {
    case 'id':
      return said.id(facts);
    case 'retention':
      return said.retention;
    case 'storage':
      return said.storage;
    case 'privacy':
      return said.privacy(facts);
    case 'help':
      return said.menu;
    default:
      return `${said.unknown}\n\n${said.menu}`;
  }
}

/** Beginnings of words that name a topic, as `folded` leaves them. */
const topicWords: readonly (readonly [Topic, RegExp])[] = [
  [
    'retention',
    /\b(how long|delete|kept|retention|combien de temps|conserv|effac|wie lange|losch|aufbewahr|wei laang|quanto tempo|apaga)/,
  ],
  ['storage', /\b(storage|space|quota|stockage|place|espace|speicher|platz|plaz|espaco|armazen)/],
  ['privacy', /\b(privacy|confidentialite|vie privee|datenschutz|dateschutz|privacidade)/],
  ['id', /\b(id|luxchat-id|identifiant)\b/],
  ['help', /\b(help|aide|hilfe|hellef|ajuda|menu)\b|^\?+$|^\/(help|start)$/],
];

/** What a text asks for. */
export function topicOf(text: string): Topic | undefined {
  const said = folded(text);
  const number = /^#?([1-9])[.)]?$/.exec(said)?.[1];
  if (number !== undefined) return topics[Number(number) - 1];
  return topicWords.find(([, words]) => words.test(said))?.[0];
}

const names: Readonly<Record<Language, readonly string[]>> = {
  lb: ['lb', 'letzebuergesch', 'luxembourgeois', 'luxemburgisch', 'luxembourgish'],
  fr: ['fr', 'francais', 'franzosisch', 'franseisch', 'french'],
  de: ['de', 'deutsch', 'daitsch', 'allemand', 'german'],
  en: ['en', 'english', 'anglais', 'englisch', 'engleich'],
  pt: ['pt', 'portugues', 'portugais', 'portugiesisch', 'portuguese'],
};

/** The language that a text names, and nothing besides. */
export function languageNamed(text: string): Language | undefined {
  const said = folded(text);
  return languages.find((each) => names[each].includes(said));
}

/** Small letters without accents. */
function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim();
}
