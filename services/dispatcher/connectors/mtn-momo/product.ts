import { Secret, type Clock } from '@ngome/kernel'
import type { EgressGuard } from '../../egress/egress-guard.ts'
import type { Outgoing, Transmission } from '../../egress/transmit.ts'
import { checkToken } from '../check-token.ts'
import { Pacer, tooManyEnquiries } from '../pacer.ts'
import { parseMessage } from '../parse-message.ts'
import type { CredentialCheck } from '../payment-network.ts'
import { sendWithToken, tokenPattern } from '../send-with-token.ts'
import { TokenCache, type Token } from '../token-cache.ts'
import { tokenSchema } from './messages.ts'

/** What a product's subscription is called by; MTN gives each product its own. */
export type ProductCredentials = {
  readonly apiUser: Secret<string>
  readonly apiKey: Secret<string>
  readonly subscriptionKey: Secret<string>
}
export type ProductSettings = {
  /** The name of the network in the configuration, by which the egress guard knows its address. */
  readonly network: string
  readonly targetEnvironment: string
  readonly requestTimeoutMs: number
  /** MTN caps them for each API user. */
  readonly enquiriesPerSecondMax: number
}
export type Call = Pick<Outgoing, 'method' | 'headers' | 'body' | 'beforeFirstByte'> & {
  /** Below the product. */
  readonly path: string
}

/** How long an enquiry waits for its turn under the cap; past it the job comes back later. */
const enquiryPatienceMs = 5_000
/** MTN: refresh ten minutes before the hour is over. */
const refreshEarlyS = 600
const nothing = new Uint8Array()

/** One of MTN's products: its token, its cap, its calls. */
export class Product {
  readonly #name: 'collection' | 'disbursement'
  readonly #settings: ProductSettings
  readonly #credentials: ProductCredentials
  readonly #egress: EgressGuard
  readonly #tokens: TokenCache
  readonly #pacer: Pacer
  /** Whether the last call found nobody: then only a new token shows that somebody is there again. */
  #isDoubtful = false

  constructor(
    name: 'collection' | 'disbursement', settings: ProductSettings, credentials: ProductCredentials, egress: EgressGuard, clock: Clock,
  ) {
    this.#name = name
    this.#settings = settings
    this.#credentials = credentials
    this.#egress = egress
    this.#tokens = new TokenCache(async () => tokenFrom(await this.#transmit(tokenCall(credentials))), clock, refreshEarlyS)
    this.#pacer = new Pacer(settings.enquiriesPerSecondMax, clock)
  }

  async prepare(): Promise<'ready' | 'unavailable'> {
    const token = this.#isDoubtful ? await this.#tokens.renew() : await this.#tokens.get()
    return token === undefined ? 'unavailable' : 'ready'
  }

  /** Asks for a token that nothing is done with. */
  async check(): Promise<CredentialCheck> {
    const transmission = await this.#transmit(tokenCall(this.#credentials))
    return checkToken(this.#name, transmission, tokenFrom(transmission) !== undefined)
  }

  /** A call with a token. */
  send(call: Call): Promise<Transmission> {
    const { targetEnvironment } = this.#settings
    const subscription = this.#credentials.subscriptionKey.expose((key) => key)
    return sendWithToken(this.#tokens, (authorization) => this.#transmit({
      ...call,
      headers: { ...call.headers, authorization, 'ocp-apim-subscription-key': subscription, 'x-target-environment': targetEnvironment },
    }))
  }

  /** A question, in its turn under the product's cap. */
  async ask(path: string): Promise<Transmission> {
    if (!await this.#pacer.turn(enquiryPatienceMs)) return { kind: 'unreached', reason: tooManyEnquiries }
    return this.send({ method: 'GET', path, headers: {}, body: nothing })
  }

  async #transmit({ path, ...call }: Call): Promise<Transmission> {
    const { network, requestTimeoutMs } = this.#settings
    const transmission = await this.#egress.toProvider(network, `/${this.#name}${path}`, { ...call, timeoutMs: requestTimeoutMs })
    this.#isDoubtful = transmission.kind === 'unreached'
    return transmission
  }
}

function tokenCall({ apiUser, apiKey, subscriptionKey }: ProductCredentials): Call {
  const basic = apiUser.expose((user) => apiKey.expose((key) => Buffer.from(`${user}:${key}`, 'utf8').toString('base64')))
  return {
    method: 'POST',
    path: '/token/',
    headers: { authorization: `Basic ${basic}`, 'ocp-apim-subscription-key': subscriptionKey.expose((key) => key) },
    body: nothing,
  }
}

function tokenFrom(transmission: Transmission): Token | undefined {
  if (transmission.kind !== 'answered' || transmission.status !== 200) return undefined
  const token = parseMessage(tokenSchema, transmission.body)
  if (token === undefined || !tokenPattern.test(token.access_token)) return undefined
  return { text: new Secret(token.access_token), lifeS: token.expires_in }
}
