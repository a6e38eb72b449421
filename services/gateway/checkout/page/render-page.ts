import { createHash } from 'node:crypto'
import type { CheckoutStatus } from '@ngome/contracts'
import type { World } from '@ngome/kernel'
import { pageHeaders, type Answer } from '../../http/answer.ts'
import { escapeHtml as text } from '../../http/escape-html.ts'
import { languages, type Language } from '../messages/messages.ts'
import { messages } from '../messages/say.ts'
import { pageScript } from './page-script.ts'
import { pageStyle } from './page-style.ts'

/** How often a page without its script asks again. */
const refreshS = 6

/** What a page is made of; `html` is ours, whatever others wrote in it was escaped. */
export type PageParts = {
  readonly status: number
  readonly language: Language
  readonly title: string
  readonly html: string
  /** Where things stand with its session; none on a page of no session. */
  readonly state?: CheckoutStatus
  readonly world?: World
}

const hashOf = (code: string): string => `'sha256-${createHash('sha256').update(code).digest('base64')}'`

/**
 * Nothing is loaded, and nothing runs but the one script: whatever somebody gets into the page stays text. Forms go to this origin, the
 * script asks this origin, no page frames it.
 */
export const checkoutPolicy = [
  "default-src 'none'", `style-src ${hashOf(pageStyle)}`, `script-src ${hashOf(pageScript)}`, "connect-src 'self'", "form-action 'self'",
  "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ')

/** Puts a page together: one document with its style and script, which fetches nothing more. */
export function renderPage({ status, language, title, html, state, world }: PageParts): Answer {
  const say = messages[language]
  const isWaiting = state === 'processing'
  const body = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${text(title)}</title>
${isWaiting ? `<noscript><meta http-equiv="refresh" content="${refreshS}"></noscript>\n` : ''}<style>${pageStyle}</style>
</head>
<body${state === undefined ? '' : ` data-state="${state}"`}>
${world === 'test' ? `<p class="test"><strong>${text(say.testMode)}</strong> · ${text(say.testModeHint)}</p>\n` : ''}<main>
<div class="card">
${html}
</div>
<nav aria-label="${text(say.languageLabel)}"><ul>
${languages.map((one) => `<li>${languageLink(one, one === language)}</li>`).join('\n')}
</ul></nav>
</main>
<script>${pageScript}</script>
</body>
</html>
`
  return {
    status, body, contentType: 'text/html; charset=utf-8', contentSecurityPolicy: checkoutPolicy,
    headers: [...pageHeaders, 'content-language', language, 'vary', 'accept-language', 'x-robots-tag', 'noindex, nofollow'],
  }
}

function languageLink(language: Language, isCurrent: boolean): string {
  const name = text(messages[language].name)
  return isCurrent ? `<b lang="${language}" aria-current="true">${name}</b>` : `<a href="?lang=${language}" lang="${language}" hreflang="${language}">${name}</a>`
}

/** A page that says one thing. */
export function renderNotice(
  of: Omit<PageParts, 'html'> & { readonly text: string; readonly tone: 'good' | 'bad'; readonly before?: string; readonly after?: string },
): Answer {
  const html = `${of.before ?? ''}${of.before === undefined ? '<div' : '<section'} role="status">
${marks[of.tone]}
<h2>${text(of.title)}</h2>
<p>${text(of.text)}</p>
${of.after ?? ''}${of.before === undefined ? '</div>' : '</section>'}`
  return renderPage({ ...of, html })
}

const marks = {
  good: '<svg class="mark good" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="m7.5 12.5 3 3 6-6.5"/></svg>',
  bad: '<svg class="mark bad" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="M12 7v6m0 3.6v.1"/></svg>',
} as const
