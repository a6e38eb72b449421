import type { CheckoutDetails, CheckoutStatus, FailureCode } from '@ngome/contracts'
import { currencyDigits, formatMoney, type Money } from '@ngome/kernel'
import type { CheckoutOfLink } from '@ngome/store'
import type { Answer } from '../../http/answer.ts'
import { escapeHtml as text } from '../../http/escape-html.ts'
import type { FailureKind, Language, Messages } from '../messages/messages.ts'
import { messages } from '../messages/say.ts'
import type { OfferedNetwork } from '../offered-networks.ts'
import { renderForm, type FormFault } from './render-form.ts'
import { renderNotice, renderPage } from './render-page.ts'

export type SessionView = {
  readonly session: CheckoutOfLink
  readonly details: CheckoutDetails
  readonly status: CheckoutStatus
  readonly networks: readonly OfferedNetwork[]
  /** Whether it has networks, and all of them are closed: that passes. */
  readonly isClosed: boolean
  readonly language: Language
}

/** The page of a session as it stands. */
export function sessionPage(view: SessionView): Answer {
  const { status, language, session: { tenant: { world } } } = view
  const say = messages[language]
  const before = header(view, say)
  const notice = { status: 200, language, state: status, world, before, tone: 'bad' } as const
  switch (status) {
    case 'open':
      return askPage(view)
    case 'processing':
      return renderPage({ ...notice, title: say.waitingTitle, html: before + waiting(view, say) })
    case 'paid':
      return renderNotice({ ...notice, tone: 'good', title: say.paidTitle, text: say.paidText, after: paid(view, say) })
    case 'failed':
      return renderNotice({ ...notice, title: say.failedTitle, text: say.failedText, after: leave(view, say) })
    case 'reversed':
      return renderNotice({ ...notice, title: say.reversedTitle, text: say.reversedText, after: leave(view, say) })
    case 'expired':
      return renderNotice({ ...notice, title: say.expiredTitle, text: say.expiredText, after: leave(view, say) })
    case 'cancelled':
      return renderNotice({ ...notice, title: say.cancelledTitle, text: say.cancelledText, after: leave(view, say) })
    default:
      return status satisfies never
  }
}

/** The page that asks who pays, with what was wrong where something was. */
export function askPage(view: SessionView, fault?: FormFault & { readonly status: number }): Answer {
  const { session, language, networks } = view
  const say = messages[language]
  const { lastTry } = session
  // Its merchant took it back, and left the link as it is.
  const isTakenBack = lastTry?.status === 'cancelled'
  const failed = lastTry === null || fault !== undefined ? ''
    : isTakenBack ? `<p class="notice" role="alert">${text(say.cancelledText)}</p>` : `<p class="notice" role="alert"><strong>${text(say.failedBefore)}</strong> ${text(say.failures[failureKinds[lastTry.failure ?? 'network_refused'] ?? 'other'])}</p>`
  const form = renderForm({ say, language, networks, amount: moneyText(view), nextTry: (lastTry?.number ?? 0) + 1, fault })
  return renderPage({
    status: fault?.status ?? 200, language, state: 'open', world: session.tenant.world, title: `${say.pay(moneyText(view))} · ${session.merchantName}`,
    html: header(view, say) + failed + form + leave(view, say),
  })
}

/** The page of a session that cannot be paid whatever its payer does: its networks are closed, its merchant is frozen, or its key is no more. */
export function unavailablePage(view: SessionView, isClosed = false): Answer {
  const { language, session: { tenant: { world } } } = view
  const say = messages[language]
  const [title, body] = isClosed ? [say.closedTitle, say.closedText] : [say.unavailableTitle, say.unavailableText]
  return renderNotice({ status: 409, language, world, tone: 'bad', title, text: body, before: header(view, say), after: leave(view, say) })
}

/** Money as a language writes it, with the currency's code and all of its digits (ISO 4217, not what a locale leaves out). */
export function formatAmount(money: Money, language: Language): string {
  const digits = currencyDigits[money.currency]
  return new Intl.NumberFormat(language, {
    style: 'currency', currency: money.currency, currencyDisplay: 'code', minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(formatMoney(money) as Intl.StringNumericLiteral)
}

function moneyText({ session: { amountMinor, currency }, language }: SessionView): string {
  return formatAmount({ amountMinor, currency }, language)
}

function header(view: SessionView, say: Messages): string {
  const { session, details } = view
  return `<header>
<p>${text(say.payTo)}</p>
<p class="shop">${text(session.merchantName)}</p>
<h1 class="amount">${text(moneyText(view))}</h1>
${details.description === null || details.description === '' ? '' : `<p class="what">${text(details.description)}</p>\n`}<p class="what">${text(say.reference)}: ${text(session.reference)}</p>
</header>
`
}

function waiting({ session: { lastTry } }: SessionView, say: Messages): string {
  const phone = lastTry?.payerMasked ?? ''
  // The number stands alone in its sentence, so that it can be marked without a message that holds HTML.
  const [start = '', end = ''] = say.waitingText('\n').split('\n')
  return `<section role="status" aria-live="polite">
<span class="mark spin" aria-hidden="true"></span>
<h2>${text(say.waitingTitle)}</h2>
<p>${text(start)}<span class="phone">${text(phone)}</span>${text(end)}</p>
<p class="hint">${text(say.waitingHint)}</p>
<a class="button" href="">${text(say.refresh)}</a>
</section>`
}

function paid({ session: { lastTry }, details }: SessionView, say: Messages): string {
  const id = lastTry === null ? '' : `<p class="hint">${text(say.paymentLabel)}: ${text(lastTry.payment)}</p>\n`
  return details.success_url === null ? id : `${id}${link('button', details.success_url, say.back)}\n`
}

function leave({ details }: SessionView, say: Messages): string {
  return details.cancel_url === null ? '' : `<p class="away">${link('', details.cancel_url, say.leave)}</p>\n`
}

/** Says where it leads: a link of a merchant's own must not look like one of ours. */
function link(kind: string, address: string, say: (shop: string) => string): string {
  return `<a${kind === '' ? '' : ` class="${kind}"`} href="${text(address)}" rel="noopener noreferrer nofollow">${text(say(new URL(address).host))}</a>`
}

const failureKinds: Readonly<Partial<Record<FailureCode, FailureKind>>> = {
  payer_refused: 'refused', payer_timed_out: 'timedOut', payer_unknown: 'wrongNumber', insufficient_funds: 'noMoney', limit_exceeded: 'limit',
}
