import type { ServerResponse } from 'node:http'
import { Fault, type FaultCode } from '@ngome/kernel'
import { faultOf } from '@ngome/runtime'
import { sendAnswer, type Answer } from '../http/answer.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import { groupBits, groupsOf, type HeaderGroup } from '../http/header-table.ts'
import { problemAnswer } from '../http/problem-answer.ts'
import { readBody } from '../http/read-body.ts'
import type { CheckoutPages } from './checkout-pages.ts'
import { chooseLanguage } from './choose-language.ts'
import { holdVisit } from './hold-visit.ts'
import type { Language } from './messages/messages.ts'
import { messages } from './messages/say.ts'
import { renderNotice } from './page/render-page.ts'
import { formBytesMax, readForm } from './read-form.ts'

/** What a request of a page is to limits and shedding: what it costs, and which operation it is as urgent as. */
export type PageKind = { readonly cost: number; readonly like: 'createPayment' | 'getPayment' }

export type CheckoutSitePorts = {
  /** As the browser writes it: scheme, name and port. */
  readonly origin: string
  readonly pages: CheckoutPages
  /** Room, and what its address pays. @throws Fault `access/limit_exceeded`, `gateway/overloaded` */
  readonly admit: (request: GatewayRequest, kind: PageKind) => void
  readonly begin: (request: GatewayRequest, kind: PageKind) => void
  readonly end: (request: GatewayRequest, kind: PageKind) => void
  readonly isDraining: () => boolean
  readonly onAnswer: (status: number, request: GatewayRequest) => void
  readonly onFailure: (fault: Fault, request: GatewayRequest) => void
}

type Route = { readonly token: string; readonly page: 'show' | 'state' | 'ask'; readonly kind: PageKind }

const kinds = {
  show: { cost: 3, like: 'getPayment' }, state: { cost: 1, like: 'getPayment' }, ask: { cost: 20, like: 'createPayment' },
} as const satisfies Record<Route['page'], PageKind>
const visiting: readonly HeaderGroup[] = ['every', 'fetch', 'browser', 'visit']
const allowed = { get: groupBits(visiting), post: groupBits([...visiting, 'body']) }
const targetPattern = /^\/c\/([A-Za-z0-9_-]{1,128})(\/state)?$/

/**
 * The pages of the checkout's origin, and all that is there: no operation of the API is reachable under its name, nor any of its
 * pages under the API's.
 */
export class CheckoutSite {
  readonly #ports: CheckoutSitePorts
  readonly #host: string

  constructor(ports: CheckoutSitePorts) {
    this.#ports = ports
    this.#host = new URL(ports.origin).hostname
  }

  /** Whether a request is for this site; header control has let its host through. */
  isFor({ headers: { host = '' } }: GatewayRequest): boolean {
    return host.replace(/:[0-9]{1,5}$/, '').toLowerCase() === this.#host
  }

  handle(request: GatewayRequest, response: ServerResponse): void {
    void this.#answer(request, response).then((answer) => this.#send(request, response, answer))
  }

  /** Never throws: whatever went wrong is a page. */
  async #answer(request: GatewayRequest, response: ServerResponse): Promise<Answer> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    const language = chooseLanguage(new URLSearchParams(query).get('lang'), request.headers['accept-language'])
    try {
      const route = readRoute(request.method, path)
      const foreign = groupsOf(request.headerBits & ~(route.page === 'ask' ? allowed.post : allowed.get))
      if (foreign !== '') throw new Fault('request/header_refused', `headers of the kinds ${foreign}`)
      holdVisit(this.#ports.origin, route.page, request.headers)
      this.#ports.admit(request, route.kind)
      return await this.#page(route, language, request, response)
    } catch (error) {
      return this.#refuse(faultOf(error), language, { request, response, isForScript: path.endsWith('/state') })
    }
  }

  async #page({ page, token, kind }: Route, language: Language, request: GatewayRequest, response: ServerResponse): Promise<Answer> {
    const { pages, begin, end } = this.#ports
    const form = page === 'ask' ? readForm(request.headers['content-type'], await bodyOf(request, response)) : undefined
    begin(request, kind)
    try {
      if (form !== undefined) return await pages.ask(token, form, request.socket)
      return await (page === 'state' ? pages.state(token) : pages.show(token, language))
    } finally {
      end(request, kind)
    }
  }

  #refuse(
    fault: Fault, language: Language,
    { request, response, isForScript }: { readonly request: GatewayRequest; readonly response: ServerResponse; readonly isForScript: boolean },
  ): Answer {
    request.faultCode = fault.code
    const { status } = fault.row
    // A client that left in the middle of its form is no failure of ours, and nobody reads the answer.
    if (status >= 500 && fault.code !== 'gateway/overloaded' && !response.destroyed) this.#ports.onFailure(fault, request)
    // What follows a request that goes against the rules is not a next one of the same page.
    if (status !== 404 && status !== 429 && status !== 503) request.isLastOnConnection = true
    const problem = problemAnswer(fault, request.requestId, request.answerHeaders ?? [])
    request.answerHeaders = undefined
    if (isForScript) return problem
    const page = renderNotice({ status, language, tone: 'bad', ...sentences(fault.code, language) })
    return { ...page, headers: [...page.headers ?? [], ...problem.headers ?? []] }
  }

  #send(request: GatewayRequest, response: ServerResponse, answer: Answer): void {
    // The client is gone, perhaps in the middle of its form.
    if (response.headersSent || response.destroyed) return
    const hasUnreadBody = (request.headers['content-length'] ?? '0') !== '0' && !request.complete
    const isLast = request.isLastOnConnection || hasUnreadBody || this.#ports.isDraining()
    sendAnswer(response, answer, request.requestId, isLast)
    this.#ports.onAnswer(answer.status, request)
  }
}

function readRoute(method: string | undefined, path: string): Route {
  const [, token, state] = targetPattern.exec(path) ?? []
  if (token === undefined) throw new Fault('request/not_found', 'no such page')
  if (method === 'GET') return state === undefined ? { token, page: 'show', kind: kinds.show } : { token, page: 'state', kind: kinds.state }
  if (method === 'POST' && state === undefined) return { token, page: 'ask', kind: kinds.ask }
  throw new Fault('request/method_refused', 'method')
}

function bodyOf(request: GatewayRequest, response: ServerResponse): Promise<Uint8Array> {
  if (request.headers['content-length'] === undefined) throw new Fault('request/invalid', 'a form without a body')
  return readBody(request, response, formBytesMax)
}

function sentences(code: FaultCode, language: Language): { readonly title: string; readonly text: string } {
  const say = messages[language]
  if (code === 'checkout/link_unknown' || code === 'request/not_found') return { title: say.unknownTitle, text: say.unknownText }
  if (code === 'access/limit_exceeded') return { title: say.tooManyTitle, text: say.tooManyText }
  return { title: say.brokenTitle, text: say.brokenText }
}
