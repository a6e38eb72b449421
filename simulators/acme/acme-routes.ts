import { createHash, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { askChallenge } from './ask-challenge.ts'
import type { Authority } from './authority.ts'
import type { Authorization, Books, Order } from './books.ts'
import type { Manner, Moment } from './manners.ts'
import { Problem } from './problem.ts'
import { checkBinding, type SignedRequest } from './signed-request.ts'

export type AcmeSettings = {
  /** `host:port` that challenges are asked at; the name's own port 80 without. */
  readonly validateAt: string | undefined
  readonly externalAccount: { readonly keyId: string; readonly macKey: Uint8Array } | undefined
  readonly hasRenewalInfo: boolean
}
export type Given = { readonly status: number; readonly body?: object | string; readonly location?: string; readonly retryAfter?: string }
export type World = { readonly books: Books; readonly authority: Authority; readonly settings: AcmeSettings; readonly nowMs: () => number; readonly base: () => string }

const accountSchema = z.object({
  termsOfServiceAgreed: z.boolean().optional(), onlyReturnExisting: z.boolean().optional(), contact: z.array(z.string()).default([]),
  externalAccountBinding: z.unknown().optional(),
})
const orderSchema = z.object({
  identifiers: z.array(z.object({ type: z.enum(['dns', 'ip']), value: z.string().min(1).max(253) })).min(1).max(100), replaces: z.string().optional(),
})
const finalizeSchema = z.object({ csr: z.string() })
/** How soon a client may ask again (RFC 9773 section 4.3). */
const askAgainS = 3_600

export function directory({ base, settings }: World, manner: Manner | undefined): Given {
  const at = (path: string): string => (manner?.kind === 'elsewhere' ? manner.url : base() + path)
  return { status: 200, body: {
    newNonce: base() + '/new-nonce', newAccount: at('/new-account'), newOrder: at('/new-order'), revokeCert: at('/revoke'), keyChange: at('/key-change'),
    ...settings.hasRenewalInfo ? { renewalInfo: at('/renewal-info') } : {}, meta: { termsOfService: base() + '/terms', externalAccountRequired: settings.externalAccount !== undefined },
  } }
}

export async function newAccount({ books, base, settings }: World, { payload, jwk, thumbprint }: SignedRequest): Promise<Given> {
  const wish = parse(accountSchema, payload)
  const known = books.accountOf(thumbprint)
  if (known !== undefined) return { status: 200, body: { status: 'valid', contact: known.contact }, location: `${base()}/account/${known.id}` }
  if (wish.onlyReturnExisting === true) throw new Problem(400, 'accountDoesNotExist', 'no such account')
  if (wish.termsOfServiceAgreed !== true) throw new Problem(403, 'userActionRequired', 'agree to the terms')
  if (settings.externalAccount !== undefined) await checkBinding(wish.externalAccountBinding, settings.externalAccount, jwk, base() + '/new-account')
  const account = books.keep(books.accounts, { id: books.newName(), jwk, thumbprint, contact: wish.contact })
  return { status: 201, body: { status: 'valid', contact: account.contact }, location: `${base()}/account/${account.id}` }
}

export function newOrder(world: World, account: string, payload: unknown): Given {
  const { books, base } = world
  const { identifiers, replaces } = parse(orderSchema, payload)
  if (replaces !== undefined && [...books.orders.values()].some((order) => order.replaces === replaces && order.status !== 'invalid')) {
    throw new Problem(409, 'alreadyReplaced', 'that certificate is being replaced')
  }
  const authorizations = identifiers.map((identifier) => books.keep(books.authorizations, {
    id: books.newName(), account, identifier, token: books.newToken(), status: 'pending', challenge: 'pending',
  }).id)
  const order: Order = books.keep(books.orders, { id: books.newName(), account, identifiers, authorizations, replaces, status: 'pending' })
  return { ...viewOf(world, order, undefined), status: 201, location: `${base()}/order/${order.id}` }
}

export function viewOf({ books, base }: World, order: Order, manner: Manner | undefined): Given {
  const at = (path: string): string => (manner?.kind === 'elsewhere' ? manner.url : base() + path)
  const status = manner?.kind === 'processing' ? 'processing' : books.stateOf(order)
  const error = order.authorizations.map((id) => books.authorizations.get(id)?.error).find((one) => one !== undefined)
  return { status: 200, ...status === 'processing' ? { retryAfter: '1' } : {}, body: {
    status, identifiers: manner?.kind === 'other_order' ? [{ type: 'dns', value: 'other.example' }] : order.identifiers,
    authorizations: order.authorizations.map((id) => at(`/authorization/${id}`)), finalize: at(`/finalize/${order.id}`),
    ...order.status === 'valid' ? { certificate: at(`/certificate/${order.id}`) } : {}, ...status === 'invalid' && error !== undefined ? { error } : {},
  } }
}

export function authorizationView({ base }: World, authorization: Authorization, manner: Manner | undefined): Given {
  const { id, identifier, status, challenge, error } = authorization
  if (manner?.kind === 'token') authorization.token = manner.token
  const http = { type: 'http-01', url: `${base()}/challenge/${id}`, status: challenge, token: authorization.token, ...error === undefined ? {} : { error } }
  return { status: 200, body: { identifier, status, challenges: [{ type: 'dns-01', url: `${base()}/challenge/${id}`, status: 'pending', token: authorization.token }, http] } }
}

/** Asks the name, as an authority does, after it has answered. */
export function takeChallenge(world: World, authorization: Authorization, thumbprint: string, manner: Manner | undefined): Given {
  const { settings, base } = world
  const { id, identifier, token } = authorization
  if (authorization.challenge === 'pending') {
    authorization.challenge = 'processing'
    const asked = manner?.kind === 'invalid' ? Promise.reject(new Error('as the script says')) : askChallenge(identifier.value, token, settings.validateAt)
    void asked.then((answer) => {
      if (answer !== `${token}.${thumbprint}`) throw new Error('another answer than the key authorization')
      authorization.status = authorization.challenge = 'valid'
    }).catch((error: unknown) => {
      authorization.error = { type: 'urn:ietf:params:acme:error:unauthorized', detail: `${identifier.value}: ${error instanceof Error ? error.message : 'no'}` }
      authorization.status = authorization.challenge = 'invalid'
    })
  }
  return { status: 200, body: { type: 'http-01', url: `${base()}/challenge/${id}`, status: authorization.challenge, token } }
}

export async function finalize(world: World, order: Order, payload: unknown, manner: Manner | undefined): Promise<Given> {
  const { books, authority, nowMs } = world
  if (books.stateOf(order) !== 'ready') throw new Problem(403, 'orderNotReady', `the order is ${order.status}`)
  const csr = Buffer.from(parse(finalizeSchema, payload).csr, 'base64url')
  const names = order.identifiers.map(({ value }) => value)
  order.chain = await authority.issue(csr, names, nowMs(), manner?.kind === 'issue' ? manner.flaw : undefined)
    .catch(() => { throw new Problem(400, 'badCSR', 'the request is not one') })
  order.status = 'valid'
  return viewOf(world, order, undefined)
}

export function renewalInfo({ nowMs }: World, manner: Manner | undefined): Given {
  const window = manner?.kind === 'window' ? manner : { startS: 30 * 86_400, endS: 31 * 86_400 }
  const at = (seconds: number): string => new Date(nowMs() + seconds * 1_000).toISOString()
  return { status: 200, retryAfter: String(askAgainS), body: { suggestedWindow: { start: at(window.startS), end: at(window.endS) } } }
}

export function revoke({ books }: World, account: string, payload: unknown): Given {
  const certificate = new X509Certificate(Buffer.from(parse(z.object({ certificate: z.string() }), payload).certificate, 'base64url'))
  const isIssued = [...books.orders.values()].some((order) => order.account === account && order.chain?.startsWith(certificate.toString().trimEnd()) === true)
  if (!isIssued) throw new Problem(403, 'unauthorized', 'a certificate of another account')
  const mark = createHash('sha256').update(certificate.raw).digest('hex')
  if (books.revoked.has(mark)) throw new Problem(400, 'alreadyRevoked', 'it is revoked')
  books.revoked.add(mark)
  return { status: 200 }
}

export type Handler = (world: World, signed: SignedRequest, id: string, manner: Manner | undefined) => Given | Promise<Given>

/** Requests that need an account, by the first part of their path. */
export const accountRoutes: Readonly<Record<string, readonly [moment: Moment | undefined, handle: Handler]>> = {
  'new-order': ['newOrder', (world, signed) => newOrder(world, accountId(signed), signed.payload)],
  'order': ['order', (world, signed, id, manner) => viewOf(world, own(world.books.orders.get(id), signed), manner)],
  'authorization': ['authorization', (world, signed, id, manner) => authorizationView(world, own(world.books.authorizations.get(id), signed), manner)],
  'challenge': ['challenge', (world, signed, id, manner) => takeChallenge(world, own(world.books.authorizations.get(id), signed), signed.thumbprint, manner)],
  'finalize': ['finalize', (world, signed, id, manner) => finalize(world, own(world.books.orders.get(id), signed), signed.payload, manner)],
  'certificate': ['certificate', (world, signed, id) => ({ status: 200, body: own(world.books.orders.get(id), signed).chain ?? '' })],
  'revoke': [undefined, (world, signed) => revoke(world, accountId(signed), signed.payload)],
}

function accountId({ account }: SignedRequest): string {
  if (account === undefined) throw new Problem(400, 'malformed', 'sign as an account')
  return account.id
}

function own<T extends { readonly account: string }>(found: T | undefined, signed: SignedRequest): T {
  if (found === undefined || found.account !== accountId(signed)) throw new Problem(404, 'malformed', 'no such thing of yours')
  return found
}

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Problem(400, 'malformed', parsed.error.message.slice(0, 500))
  return parsed.data
}
