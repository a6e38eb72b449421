import { createHash } from 'node:crypto'

const style = 'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}'
  + 'button{font:inherit;padding:.7rem 1.2rem;margin:0 .7rem .7rem 0;border:2px solid #111;background:#fff;color:#111;cursor:pointer}'
  + 'button:focus-visible{outline:3px solid #0645ad;outline-offset:2px}'

export type ChallengePage = { readonly html: string; readonly contentSecurityPolicy: string }

/**
 * The page of a bank that asks a card's holder. No script; the form leads to itself and, after it, to the one address that the payment
 * was ordered with.
 */
export function challengePage(asked: { readonly session: string; readonly amount: string; readonly lastFour: string; readonly returnUrl: string }): ChallengePage {
  const { session, amount, lastFour, returnUrl } = asked
  return page('Confirm your payment', `<p>A test bank asks: do you pay <strong>${escaped(amount)}</strong> with the card that ends in <strong>${escaped(lastFour)}</strong>?</p>
<form method="post" action="/challenge/${escaped(session)}">
<button name="answer" value="pass">Yes, it is me</button>
<button name="answer" value="fail">No</button>
</form>
<p>Nobody's money moves here. Leave this page without an answer to try what happens then.</p>`, `'self' ${new URL(returnUrl).origin}`)
}

export function overPage(): ChallengePage {
  return page('This is over', '<p>This question was answered before, or nobody answered it in time.</p>', '\'none\'')
}

function page(title: string, body: string, formAction: string): ChallengePage {
  return {
    html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${style}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body></html>
`,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style, 'utf8').digest('base64')}'; `
      + `form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
