import { Secret } from '@ngome/kernel'
import type { Outgoing, Transmission } from '../../egress/transmit.ts'
import { checkToken } from '../check-token.ts'
import { parseMessage } from '../parse-message.ts'
import type { CredentialCheck } from '../payment-network.ts'
import { sendWithToken, tokenPattern } from '../send-with-token.ts'
import { TokenCache, type Token } from '../token-cache.ts'
import { MessageKey } from './message-key.ts'
import { tokenSchema } from './messages.ts'
import { isSignatureRefused } from './outcomes.ts'
import type { AirtelMoneyCredentials, AirtelMoneyPorts, AirtelMoneySettings } from './settings.ts'
import { signMessage } from './sign-message.ts'

/** Tokens were seen to live three minutes. */
const refreshEarlyS = 30
const nothing = new Uint8Array()

type Call = Pick<Outgoing, 'method' | 'body' | 'beforeFirstByte'> & { readonly path: string; readonly headers?: Readonly<Record<string, string>> }

/** Calls with a token and in a country, signed where they move money and the country wants that. */
export class AirtelCaller {
  readonly #settings: AirtelMoneySettings
  readonly #credentials: AirtelMoneyCredentials
  readonly #ports: AirtelMoneyPorts
  readonly #tokens: TokenCache
  readonly #messageKey: MessageKey
  /** Whether the last call found nobody: then only a new token shows that somebody is there again. */
  #isDoubtful = false

  constructor(settings: AirtelMoneySettings, credentials: AirtelMoneyCredentials, ports: AirtelMoneyPorts) {
    this.#settings = settings
    this.#credentials = credentials
    this.#ports = ports
    this.#tokens = new TokenCache(async () => tokenFrom(await this.#send(tokenCall(credentials))), ports.clock, refreshEarlyS)
    this.#messageKey = new MessageKey(async () => {
      const transmission = await this.ask('/v1/rsa/encryption-keys')
      return isOk(transmission) ? transmission.body : undefined
    }, settings.messageKeySha256, ports.clock)
  }

  async isReady(): Promise<boolean> {
    const token = this.#isDoubtful ? await this.#tokens.renew() : await this.#tokens.get()
    if (token === undefined) return false
    return !this.#settings.signsMessages || await this.#messageKey.get() !== undefined
  }

  /** Asks for a token that nothing is done with. */
  async check(): Promise<CredentialCheck> {
    const transmission = await this.#send(tokenCall(this.#credentials))
    return checkToken('open-api', transmission, tokenFrom(transmission) !== undefined)
  }

  ask(path: string): Promise<Transmission> {
    return this.#sendHere({ method: 'GET', path, body: nothing })
  }

  /** A signature that is refused may be one under a key of yesterday, and is worth one more try under today's. */
  async move(call: Omit<Call, 'method'>): Promise<Transmission> {
    if (!this.#settings.signsMessages) return this.#sendHere({ ...call, method: 'POST' })
    for (let isLast = false; ; isLast = true) {
      const key = await this.#messageKey.get()
      if (key === undefined) return { kind: 'unreached', reason: 'no key for messages' }
      const signature = signMessage(call.body, key, this.#ports.random)
      const transmission = await this.#sendHere({ ...call, method: 'POST', headers: { ...call.headers, ...signature } })
      if (transmission.kind !== 'answered' || !isSignatureRefused(transmission)) return transmission
      this.#messageKey.forget(key)
      if (isLast) return transmission
    }
  }

  #sendHere(call: Call): Promise<Transmission> {
    const { country, currency } = this.#settings
    const type = call.method === 'POST' ? { 'content-type': 'application/json' } : {}
    return sendWithToken(this.#tokens, (authorization) => this.#send({
      ...call, headers: { ...type, ...call.headers, authorization, 'x-country': country, 'x-currency': currency },
    }))
  }

  async #send({ path, headers = {}, ...call }: Call): Promise<Transmission> {
    const { network, requestTimeoutMs } = this.#settings
    const transmission = await this.#ports.egress.toProvider(network, path, { ...call, headers, timeoutMs: requestTimeoutMs })
    this.#isDoubtful = transmission.kind === 'unreached'
    return transmission
  }
}

function tokenCall({ clientId, clientSecret }: AirtelMoneyCredentials): Call {
  const body = clientId.expose((id) => clientSecret.expose((secret) => (
    JSON.stringify({ client_id: id, client_secret: secret, grant_type: 'client_credentials' })
  )))
  return { method: 'POST', path: '/auth/oauth2/token', headers: { 'content-type': 'application/json' }, body: Buffer.from(body, 'utf8') }
}

function tokenFrom(transmission: Transmission): Token | undefined {
  const token = isOk(transmission) ? parseMessage(tokenSchema, transmission.body) : undefined
  if (token === undefined || !tokenPattern.test(token.access_token)) return undefined
  return { text: new Secret(token.access_token), lifeS: token.expires_in }
}

export function isOk(transmission: Transmission): transmission is Extract<Transmission, { kind: 'answered' }> {
  return transmission.kind === 'answered' && transmission.status === 200
}
