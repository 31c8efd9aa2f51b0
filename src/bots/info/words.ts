// What the Info bot says, in the languages of the service.
import { type Language, languages } from '#client/bots/words.ts';
import type { Topic } from './asked.ts';

/** What the answers are made of. */
export interface Facts {
  /** Luxchat-ID of the person. */
  readonly user: string;
  readonly provider: string;
  /** Address of the privacy notice; empty = the provider did not say. */
  readonly privacyNotice: string;
  /** Is it a provider for development? Then it has none, and nobody to ask for it. */
  readonly isDevelopment?: boolean;
}

/** Where the privacy notice is; what is true without one besides. */
interface PrivacyWords {
  readonly at: (address: string) => string;
  readonly ask: (provider: string) => string;
  readonly none: (provider: string) => string;
  readonly always: string;
}

interface Phrases {
  readonly hello: (facts: Facts) => string;
  readonly id: (facts: Facts) => string;
  readonly retention: string;
  readonly storage: string;
  readonly privacy: PrivacyWords;
  readonly where: (facts: Facts) => string;
  readonly thanks: string;
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
    privacy: {
      at: (address) => `D’Informatioun iwwer den Dateschutz: ${address}`,
      ask: (provider) => `D’Informatioun iwwer den Dateschutz kritt Dir bei Ärem Provider, ${provider}.`,
      none: (provider) =>
        `Dëse Provider, ${provider}, ass fir d’Entwécklung: eng Informatioun iwwer den Dateschutz huet hien net.`,
      always: 'Wat Dir schreift, kënnen nëmme liesen, mat deenen Dir schreift.',
    },
    where: ({ provider }) =>
      `Messagen a Fichiere leie verschlësselt op de Servere vun ${provider}; schreift Dir mat Leit vun engem anere Provider, läit eng verschlësselt Kopie och do. Liese kënne se just Är Apparater an déi vun deenen, mat deenen Dir schreift. Wou d’Servere stinn, seet Iech ${provider}.`,
    thanks: 'Gär geschitt! Wann Dir nach eng Fro hutt, frot mech roueg.',
    menu: `Frot mech mat enger Nummer:\n1  Meng Luxchat-ID\n2  Wéi laang bleiwen Messagen?\n3  Wéi vill Plaz hunn ech?\n4  Dateschutz\n5  Wou leie meng Messagen a Fichieren?\n6  Hëllef\nSprooch: ${change}`,
    unknown: 'Ech si just e Programm a kennen nëmmen dës Froen.',
  },
  fr: {
    hello: ({ provider }) => `Bonjour ! Je suis le bot Info de ${provider}, un programme.`,
    id: ({ user }) => `Votre Luxchat-ID est ${user}\nDonnez-le à qui doit pouvoir vous écrire.`,
    retention:
      'Les textes sont effacés du serveur au plus tard 24 mois après leur envoi, les fichiers joints (messages vocaux, photos, vidéos) au plus tard après 12 mois, que le compte soit actif ou désactivé. Sur vos appareils reste ce que vous n’effacez pas vous-même.',
    storage:
      'Vous disposez de 0,5 Go sur nos serveurs, soit environ 100 photos de 5 Mo. Au-delà, les messages et fichiers les plus anciens peuvent être effacés.',
    privacy: {
      at: (address) => `La notice de confidentialité : ${address}`,
      ask: (provider) => `La notice de confidentialité s’obtient auprès de votre fournisseur, ${provider}.`,
      none: (provider) =>
        `Ce fournisseur, ${provider}, sert au développement : il n’a pas de notice de confidentialité.`,
      always: 'Seules les personnes avec qui vous écrivez peuvent vous lire.',
    },
    where: ({ provider }) =>
      `Messages et fichiers sont stockés, chiffrés, sur les serveurs de ${provider} ; si vous écrivez à des personnes d’un autre fournisseur, une copie chiffrée se trouve aussi chez lui. Seuls vos appareils et ceux des personnes avec qui vous écrivez peuvent les lire. Où se trouvent les serveurs, ${provider} vous le dira.`,
    thanks: 'Avec plaisir ! Si vous avez une autre question, posez-la-moi.',
    menu: `Posez-moi une question par son numéro :\n1  Mon Luxchat-ID\n2  Combien de temps les messages restent-ils ?\n3  De combien de place est-ce que je dispose ?\n4  Confidentialité\n5  Où sont stockées mes données ?\n6  Aide\nLangue : ${change}`,
    unknown: 'Je ne suis qu’un programme et ne connais que ces questions.',
  },
  de: {
    hello: ({ provider }) => `Guten Tag! Ich bin der Info-Bot von ${provider}, ein Programm.`,
    id: ({ user }) => `Ihre Luxchat-ID ist ${user}\nGeben Sie sie weiter, wenn Ihnen jemand schreiben soll.`,
    retention:
      'Texte werden spätestens 24 Monate nach dem Senden vom Server gelöscht, Anhänge (Sprachnachrichten, Fotos, Videos) spätestens nach 12 Monaten, auch wenn das Konto deaktiviert ist. Auf Ihren Geräten bleibt, was Sie nicht selbst löschen.',
    storage:
      'Sie haben 0,5 GB auf unseren Servern, etwa 100 Fotos zu 5 MB. Ist das überschritten, können die ältesten Nachrichten und Anhänge gelöscht werden.',
    privacy: {
      at: (address) => `Die Datenschutzhinweise: ${address}`,
      ask: (provider) => `Die Datenschutzhinweise gibt Ihnen Ihr Anbieter, ${provider}.`,
      none: (provider) => `Dieser Anbieter, ${provider}, ist zum Entwickeln da: Datenschutzhinweise hat er nicht.`,
      always: 'Was Sie schreiben, können nur die lesen, mit denen Sie schreiben.',
    },
    where: ({ provider }) =>
      `Nachrichten und Dateien liegen verschlüsselt auf den Servern von ${provider}; schreiben Sie mit Personen eines anderen Anbieters, liegt eine verschlüsselte Kopie auch dort. Lesen können sie nur Ihre Geräte und die derer, mit denen Sie schreiben. Wo die Server stehen, sagt Ihnen ${provider}.`,
    thanks: 'Gern geschehen! Wenn Sie noch eine Frage haben, fragen Sie mich.',
    menu: `Fragen Sie mich mit einer Nummer:\n1  Meine Luxchat-ID\n2  Wie lange bleiben Nachrichten?\n3  Wie viel Platz habe ich?\n4  Datenschutz\n5  Wo liegen meine Daten?\n6  Hilfe\nSprache: ${change}`,
    unknown: 'Ich bin nur ein Programm und kenne nur diese Fragen.',
  },
  en: {
    hello: ({ provider }) => `Hello! I am the Info bot of ${provider}, a program.`,
    id: ({ user }) => `Your Luxchat-ID is ${user}\nGive it to whoever should be able to write to you.`,
    retention:
      'Texts are deleted from the server at the latest 24 months after they were sent, attached files (voice messages, photos, videos) at the latest after 12 months, whether the account is active or deactivated. What you do not delete yourself stays on your devices.',
    storage:
      'You have 0.5 GB on our servers, about 100 photos of 5 MB. Above that the oldest messages and attachments may be deleted.',
    privacy: {
      at: (address) => `The privacy notice: ${address}`,
      ask: (provider) => `Ask your provider, ${provider}, for the privacy notice.`,
      none: (provider) => `This provider, ${provider}, is for development: it has no privacy notice.`,
      always: 'Only the people you write with can read what you write.',
    },
    where: ({ provider }) =>
      `Messages and files lie encrypted on the servers of ${provider}; where you write with people of another provider, an encrypted copy lies there as well. Only your devices and those of the people you write with can read them. Where the servers stand, ${provider} tells you.`,
    thanks: 'You are welcome! If you have another question, just ask me.',
    menu: `Ask me by a number:\n1  My Luxchat-ID\n2  How long are messages kept?\n3  How much storage do I have?\n4  Privacy\n5  Where is my data stored?\n6  Help\nLanguage: ${change}`,
    unknown: 'I am only a program, and these are the questions that I know.',
  },
  pt: {
    hello: ({ provider }) => `Olá! Sou o bot Info de ${provider}, um programa.`,
    id: ({ user }) => `O seu Luxchat-ID é ${user}\nDê-o a quem lhe deva poder escrever.`,
    retention:
      'Os textos são apagados do servidor o mais tardar 24 meses após o envio, os ficheiros anexados (mensagens de voz, fotos, vídeos) o mais tardar após 12 meses, esteja a conta ativa ou desativada. Nos seus aparelhos fica o que não apagar.',
    storage:
      'Tem 0,5 GB nos nossos servidores, cerca de 100 fotos de 5 MB. Acima disso, as mensagens e os ficheiros mais antigos podem ser apagados.',
    privacy: {
      at: (address) => `O aviso de privacidade: ${address}`,
      ask: (provider) => `Peça o aviso de privacidade ao seu fornecedor, ${provider}.`,
      none: (provider) => `Este fornecedor, ${provider}, serve para desenvolvimento: não tem aviso de privacidade.`,
      always: 'Só as pessoas com quem escreve podem ler o que escreve.',
    },
    where: ({ provider }) =>
      `Mensagens e ficheiros ficam cifrados nos servidores de ${provider}; se escrever com pessoas de outro fornecedor, há também aí uma cópia cifrada. Só os seus aparelhos e os das pessoas com quem escreve os podem ler. Onde ficam os servidores, diz-lho ${provider}.`,
    thanks: 'De nada! Se tiver outra pergunta, é só dizer.',
    menu: `Pergunte-me por um número:\n1  O meu Luxchat-ID\n2  Quanto tempo ficam as mensagens?\n3  Quanto espaço tenho?\n4  Privacidade\n5  Onde ficam os meus dados?\n6  Ajuda\nIdioma: ${change}`,
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
      return `${privacySentence(said.privacy, facts)}\n${said.privacy.always}`;
    case 'where':
      return said.where(facts);
    case 'thanks':
      return said.thanks;
    case 'hello':
      return `${said.hello(facts)}\n\n${said.menu}`;
    case 'help':
      return said.menu;
    default:
      return `${said.unknown}\n\n${said.menu}`;
  }
}

function privacySentence({ at, ask, none }: PrivacyWords, { privacyNotice, provider, isDevelopment }: Facts): string {
  if (privacyNotice !== '') return at(privacyNotice);
  return isDevelopment === true ? none(provider) : ask(provider);
}
