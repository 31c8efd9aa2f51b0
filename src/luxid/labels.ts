// The words of the pages in five languages, and which language a person reads. Labels follow the steps of the real LuxID.

/** Languages of the pages; the first is taken where none fits. */
export const languages = ['en', 'de', 'fr', 'lb', 'pt'] as const;
/** One of the languages. */
export type Language = (typeof languages)[number];

/** The words of one language. */
export interface Labels {
  readonly title: string;
  readonly standIn: string;
  readonly user: string;
  readonly password: string;
  readonly connect: string;
  readonly codeTitle: string;
  /** Followed by the last two digits of the number. */
  readonly codeSent: string;
  readonly code: string;
  readonly proceed: string;
  readonly cancel: string;
  readonly wrongPassword: string;
  readonly wrongCode: string;
  readonly expired: string;
}

/** The words of all languages. */
export const labels: Readonly<Record<Language, Labels>> = {
  en: {
    title: 'Log in with LuxID',
    standIn: 'This is a stand-in for LuxID, for development only. Never type a real password here.',
    user: 'User name',
    password: 'Password',
    connect: 'Connect',
    codeTitle: 'Code by SMS',
    codeSent: 'A code was sent to the number that ends in',
    code: 'Six-digit code',
    proceed: 'Continue',
    cancel: 'Cancel',
    wrongPassword: 'The user name or the password is wrong.',
    wrongCode: 'This code is wrong. Check it and try again.',
    expired: 'This login has ended. Go back to the app and start again.',
  },
  de: {
    title: 'Anmelden mit LuxID',
    standIn: 'Dies ist ein Ersatz für LuxID, nur für die Entwicklung. Geben Sie hier nie ein echtes Passwort ein.',
    user: 'Benutzername',
    password: 'Passwort',
    connect: 'Verbinden',
    codeTitle: 'Code per SMS',
    codeSent: 'Ein Code wurde an die Nummer gesendet, die so endet:',
    code: 'Sechsstelliger Code',
    proceed: 'Weiter',
    cancel: 'Abbrechen',
    wrongPassword: 'Der Benutzername oder das Passwort ist falsch.',
    wrongCode: 'Dieser Code ist falsch. Prüfen Sie ihn und versuchen Sie es noch einmal.',
    expired: 'Diese Anmeldung ist beendet. Gehen Sie zurück zur App und beginnen Sie von vorn.',
  },
  fr: {
    title: 'Se connecter avec LuxID',
    standIn: 'Ceci remplace LuxID, pour le développement seulement. Ne saisissez jamais un vrai mot de passe ici.',
    user: "Nom d'utilisateur",
    password: 'Mot de passe',
    connect: 'Se connecter',
    codeTitle: 'Code par SMS',
    codeSent: 'Un code a été envoyé au numéro qui se termine par',
    code: 'Code à six chiffres',
    proceed: 'Continuer',
    cancel: 'Annuler',
    wrongPassword: "Le nom d'utilisateur ou le mot de passe est incorrect.",
    wrongCode: 'Ce code est incorrect. Vérifiez-le et réessayez.',
    expired: "Cette connexion est terminée. Retournez à l'application et recommencez.",
  },
  lb: {
    title: 'Mat LuxID aloggen',
    standIn: 'Dëst ass en Ersatz fir LuxID, nëmme fir d’Entwécklung. Gitt hei ni en echt Passwuert an.',
    user: 'Benotzernumm',
    password: 'Passwuert',
    connect: 'Verbannen',
    codeTitle: 'Code per SMS',
    codeSent: 'E Code gouf un d’Nummer geschéckt, déi esou ophält:',
    code: 'Sechsstellege Code',
    proceed: 'Weider',
    cancel: 'Ofbriechen',
    wrongPassword: 'De Benotzernumm oder d’Passwuert ass falsch.',
    wrongCode: 'Dëse Code ass falsch. Kuckt en no a probéiert nach eng Kéier.',
    expired: 'Dësen Login ass eriwwer. Gitt zréck an d’App a fänkt nei un.',
  },
  pt: {
    title: 'Entrar com LuxID',
    standIn: 'Isto substitui o LuxID, só para desenvolvimento. Nunca escreva aqui uma palavra-passe verdadeira.',
    user: 'Nome de utilizador',
    password: 'Palavra-passe',
    connect: 'Ligar',
    codeTitle: 'Código por SMS',
    codeSent: 'Foi enviado um código para o número que termina em',
    code: 'Código de seis dígitos',
    proceed: 'Continuar',
    cancel: 'Cancelar',
    wrongPassword: 'O nome de utilizador ou a palavra-passe está errado.',
    wrongCode: 'Este código está errado. Verifique-o e tente de novo.',
    expired: 'Este início de sessão terminou. Volte à aplicação e comece de novo.',
  },
};

/** The best language: what the client asked for (`ui_locales`, separated by spaces), then Accept-Language by weight, then English. */
export function chooseLanguage(uiLocales: unknown, acceptLanguage: string | undefined): Language {
  const asked = typeof uiLocales === 'string' ? uiLocales.split(' ') : [];
  const accepted = (acceptLanguage ?? '')
    .slice(0, 500)
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.trim().split(';');
      const weight = parameters.map((each) => /^\s*q=([0-9.]+)\s*$/.exec(each)?.[1]).find((each) => each !== undefined);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter((item) => item.weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map((item) => item.tag);
  for (const tag of [...asked, ...accepted]) {
    const primary = tag.toLowerCase().split('-')[0];
    const found = languages.find((language) => language === primary);
    if (found !== undefined) return found;
  }
  return languages[0];
}
