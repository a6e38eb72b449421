import { checkoutDetailsSchema, emit, type CheckoutDetails } from '@ngome/contracts'
import { Fault, formatMoney, type ApiKeyId, type Secret } from '@ngome/kernel'
import { decryptCheckoutDetails, parseCheckoutLink, type CheckoutLink } from '@ngome/signatures'
import { findCheckout, type CheckoutOfLink, type Database } from '@ngome/store'
import { refuseSuspended } from '../access/refuse-suspended.ts'
import { jsonType, type Answer } from '../http/answer.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { isPayablePhone } from '../networks/is-payable-phone.ts'
import { refusesNow } from '../networks/route-order.ts'
import { collect, type CollectPorts } from '../payments/collect.ts'
import { checkoutStatus } from './checkout-status.ts'
import { languages, type Language } from './messages/messages.ts'
import { messages } from './messages/say.ts'
import { offeredNetworks } from './offered-networks.ts'
import { askPage, sessionPage, unavailablePage, type SessionView } from './page/session-page.ts'
import type { PromptLimits } from './prompt-limits.ts'
import type { CheckoutForm } from './read-form.ts'
import { readPhone } from './read-phone.ts'

export type CheckoutPagesPorts = CollectPorts & {
  readonly database: Database
  readonly linkSecret: Secret<Uint8Array>
  readonly prompts: PromptLimits
  /** Whom the key that made a session stands for now. @throws Fault where its own requests would be refused */
  readonly standsFor: (id: ApiKeyId) => Promise<AuthenticatedCaller>
}

/** What each page of a link answers; who may ask at all was decided before. */
export class CheckoutPages {
  readonly #ports: CheckoutPagesPorts

  constructor(ports: CheckoutPagesPorts) {
    this.#ports = ports
  }

  /** The session as it stands. @throws Fault `checkout/link_unknown` */
  async show(token: string, language: Language): Promise<Answer> {
    const { view } = await this.#find(token, language)
    if (view.status !== 'open') return sessionPage(view)
    const merchant = await this.#merchantOf(view.session)
    if (merchant === undefined) return unavailablePage(view)
    return view.networks.length === 0 ? unavailablePage(view, view.isClosed) : sessionPage(view)
  }

  /** For the page's script: where things stand, and nothing else. @throws Fault `checkout/link_unknown` */
  async state(token: string): Promise<Answer> {
    const { view } = await this.#find(token, 'en')
    return { status: 200, contentType: jsonType, body: JSON.stringify({ state: view.status }) }
  }

  /**
   * Has the payer asked, and leads back to the page. A form that comes again, in another window or from another phone, asks
   * nobody: whatever came of the first is what the page shows.
   * @throws Fault `checkout/link_unknown`, `access/lease_lost`, `custodian/unavailable`, `store/unavailable`
   */
  async ask(token: string, form: CheckoutForm, from: { readonly remoteAddress: string | undefined }): Promise<Answer> {
    const language = languages.find((one) => one === form.lang) ?? 'en'
    const { link, view } = await this.#find(token, language)
    const back = backTo(link, language)
    if (view.status !== 'open' || form.nextTry !== (view.session.lastTry?.number ?? 0) + 1) return back
    const merchant = await this.#merchantOf(view.session)
    if (merchant === undefined) return unavailablePage(view)
    if (view.networks.length === 0) return unavailablePage(view, view.isClosed)
    const say = messages[language]
    const typed = { phone: form.phone, network: form.network }
    const network = view.networks.find(({ name }) => name === form.network)
    if (network === undefined) return askPage(view, { status: 422, about: 'network', message: say.networkWrong, phone: form.phone })
    const phone = readPhone(form.phone, network.callingCode)
    if (phone === undefined || !isPayablePhone(phone, network)) return askPage(view, { status: 422, about: 'phone', message: say.phoneWrong, ...typed })
    const waitS = this.#ports.prompts.take(phone, from.remoteAddress)
    if (waitS > 0) {
      const refused = askPage(view, { status: 429, about: 'form', message: `${say.tooManyTitle}. ${say.tooManyText}`, ...typed })
      return { ...refused, headers: [...refused.headers ?? [], 'retry-after', String(waitS)] }
    }
    return await this.#collect(view, merchant, { network: network.name, phone, nextTry: form.nextTry }) ? back : unavailablePage(view)
  }

  /** @returns whether the page has something new to show: `false` where a cap of the key refuses the payment */
  async #collect(
    { session, details }: SessionView, merchant: AuthenticatedCaller, asked: { readonly network: string; readonly phone: string; readonly nextTry: number },
  ): Promise<boolean> {
    const ports = this.#ports
    const { id, tenant } = session
    const order = {
      amount: formatMoney(session), currency: session.currency, network: asked.network, payer: { phone: asked.phone }, reference: session.reference,
      ...details.description === null ? {} : { description: details.description },
    }
    // The space keeps it apart from every key that a merchant can send.
    const marks = idempotencyMarks(ports.idempotencySecret, tenant, {
      key: `checkout ${id} ${asked.nextTry}`, method: 'POST', path: `/c/${id}`, bytes: Buffer.from(JSON.stringify(order), 'utf8'),
    })
    try {
      await collect(ports, merchant, order, marks, (payment) => ({
        session: id, number: asked.nextTry,
        event: emit({ ...ports, process: 'gateway' }, 'checkout_session.tried', tenant, { session: id, payment }),
      }))
      return true
    } catch (error) {
      if (error instanceof Fault && (error.code === 'access/cap_exceeded' || error.code === 'request/invalid' || error.code === 'networks/in_maintenance')) return false
      throw error
    }
  }

  async #find(token: string, language: Language): Promise<{ readonly link: CheckoutLink; readonly view: SessionView }> {
    const link = parseCheckoutLink(this.#ports.linkSecret, token)
    const session = link === undefined ? undefined : await findCheckout(this.#ports.database, link.hash)
    if (link === undefined || session === undefined) throw new Fault('checkout/link_unknown', 'a link that leads nowhere')
    const { networks, board } = this.#ports
    const [look, { world }] = [await board.look(), session.tenant]
    const offered = offeredNetworks(networks, { names: session.networks, world, currency: session.currency })
    const open = offered.filter(({ name }) => refusesNow(look, networks, world, name) === undefined)
    return {
      link,
      view: {
        session, details: detailsOf(link, session), status: checkoutStatus(session, this.#ports.clock.nowMs()), language,
        networks: open, isClosed: offered.length > 0 && open.length === 0,
      },
    }
  }

  /** @returns `undefined` where the session's key may not act now: who looks at a page learns no more than that */
  async #merchantOf(session: CheckoutOfLink): Promise<AuthenticatedCaller | undefined> {
    try {
      const caller = await this.#ports.standsFor(session.apiKey)
      refuseSuspended(this.#ports.clock)(caller)
      return caller.tenant.merchant === session.tenant.merchant && caller.tenant.world === session.tenant.world ? caller : undefined
    } catch (error) {
      if (error instanceof Fault && refusals.has(error.code)) return undefined
      throw error
    }
  }
}

const refusals: ReadonlySet<string> = new Set(['access/unauthenticated', 'access/merchant_frozen', 'access/key_suspended'])

/** The form's answer is the page anew, so that reloading it sends nothing (RFC 9110 §15.4.4). */
function backTo(link: CheckoutLink, language: Language): Answer {
  return { status: 303, headers: ['location', link.token.expose((token) => `/c/${token}?lang=${language}`)] }
}

const nothing: CheckoutDetails = { description: null, success_url: null, cancel_url: null }

/** @throws TypeError where they are not this session's: somebody wrote into the database, and nobody is led by what it says */
function detailsOf(link: CheckoutLink, session: CheckoutOfLink): CheckoutDetails {
  if (session.details === null) return nothing
  const plaintext = decryptCheckoutDetails(link, session, session.details)
  if (plaintext === undefined) throw new TypeError(`the details of ${session.id} are not its own`)
  return checkoutDetailsSchema.parse(JSON.parse(Buffer.from(plaintext).toString('utf8')))
}
