const fileEnding = /\.(?:pem|crt|cer|der|key|csr|req|p12|pfx|pub|json|[cm]?[jt]s|conf|txt)$/i;

/** Whether a word that names nothing here was meant to be a file, and no host. */
export const looksLikeFile = (text: string): boolean =>
  (/[\\/]/.test(text) && !text.includes('://')) || fileEnding.test(text);
