import type { TlsState } from 'portcullis';
import type { Door, Entry } from './doors.ts';
import { clientFacts, connectionFacts } from './facts.ts';
import { type Content, html, type Html } from './html.ts';

/** Who you are on this connection, and which doors that opens. */
export const overviewPage = (doors: readonly Door[], entries: readonly Entry[], tls: TlsState): Html =>
  page(
    doors,
    '/',
    'Your connection',
    html`<p class="lead">What this server knows of you by TLS alone, and where that lets you in.</p>
      <section>
        <h2>Where you may go</h2>
        <ul class="doors">
          ${entries.map(entryItem)}
        </ul>
      </section>
      ${sections(tls)}`,
  );

/** What lies behind a door. */
export const roomPage = (doors: readonly Door[], door: Door, tls: TlsState): Html =>
  page(
    doors,
    door.path,
    door.name,
    html`<p class="lead">You are in. This route wants ${door.wants}, and yours was verified.</p>
      ${sections(tls)}`,
  );

/** A refusal, or another error, in words that a client may read. */
export const errorPage = (doors: readonly Door[], status: number, title: string, code?: string): Html =>
  page(
    doors,
    undefined,
    title,
    html`<p class="lead">The server answered ${status}${code && html` <code>${code}</code>`}.</p>
      ${
        status === 403
          ? html`<p>
              A client certificate is shown when a connection opens. If you have just imported one, restart
              the browser, or it goes on with the connection that it has.
            </p>`
          : undefined
      }
      <p><a href="/">See what the server knows of your connection</a></p>`,
  );

const entryItem = ({ path, wants, allowed, code, reason }: Entry): Html =>
  html`<li>
    <a href="${path}">${path}</a>
    <span class="wants">wants ${wants}</span>
    <span class="verdict ${allowed ? 'open' : 'closed'}">${allowed ? 'open to you' : 'closed'}</span>
    ${reason && html`<span class="reason">${reason} <code>${code}</code></span>`}
  </li>`;

const sections = (tls: TlsState): Html =>
  html`<section>
      <h2>Connection</h2>
      ${connectionFacts(tls)}
    </section>
    <section>
      <h2>Client certificate</h2>
      ${clientFacts(tls)}
    </section>`;

const page = (doors: readonly Door[], current: string | undefined, title: string, content: Content): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} – Portcullis example</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header>
          <span class="brand"><img src="/icon.svg" alt="" width="24" height="24" />Portcullis example</span>
          <nav aria-label="Routes">
            ${doors.map(
              ({ path, name }) =>
                html`<a href="${path}" ${path === current ? html` aria-current="page"` : undefined}
                  >${name}</a
                >`,
            )}
          </nav>
        </header>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
        <footer>The same as JSON: send <code>Accept: application/json</code>, or use curl.</footer>
      </body>
    </html> `;
