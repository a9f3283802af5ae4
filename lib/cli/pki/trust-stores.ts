import { quoted } from './paths.ts';

/** How each system comes to trust a root; for a person, besides the certificate itself. */
export const howToTrust = (file: string, fingerprint: string): string => {
  const path = quoted(file);
  return `
SHA-256 ${fingerprint}
Compare it before you trust it. Then, for a copy in ${file}:

  Debian, Ubuntu   sudo cp ${path} /usr/local/share/ca-certificates/portcullis.crt && sudo update-ca-certificates
  Fedora, RHEL     sudo trust anchor ${path}
  macOS            security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ${path}
  Windows          certutil -user -addstore Root ${path}
  Chromium, Linux  certutil -A -d sql:$HOME/.pki/nssdb -n portcullis -t C,, -i ${path}
  Firefox          Settings, Certificates, Authorities, Import
  curl             curl --cacert ${path} https://localhost:8443/
  Node             NODE_EXTRA_CA_CERTS=${path} node app.js

A server that asks its clients for certificates takes ca.pem as clientAuth.ca, and needs none of these.
`;
};
