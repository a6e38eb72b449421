import { formatMoney, Secret, type Clock } from '@ngome/kernel'
import type { EgressGuard } from '../../egress/egress-guard.ts'
import type { Outgoing, Transmission } from '../../egress/transmit.ts'
import { Pacer } from '../pacer.ts'
import { parseMessage } from '../parse-message.ts'
import type { AskedPayment, EnquiryOutcome, PaymentNetwork, PaymentRequest, RequestOutcome } from '../payment-network.ts'
import { TokenCache, type Token } from '../token-cache.ts'
import { failureOf, refusalOf } from './failures.ts'
import { callbackSchema, differencesOf, errorSchema, noteOf, statusSchema, tokenSchema } from './messages.ts'

export type MtnMomoSettings = {
  /** The name of the network in the configuration, by which the egress guard knows its address. */
  readonly network: string
  readonly targetEnvironment: string
  readonly requestTimeoutMs: number
  readonly enquiriesPerSecondMax: number
}
export type MtnMomoCredentials = {
  readonly apiUser: Secret<string>
  readonly apiKey: Secret<string>
  readonly subscriptionKey: Secret<string>
}

/** MTN: refresh ten minutes before the hour is over. */
const refreshEarlyS = 600
/** How long an enquiry waits for its turn under the cap; past it the job comes back later. */
const enquiryPatienceMs = 5_000
const nothing = new Uint8Array()

type Answered = Extract<Transmission, { kind: 'answered' }>
type Call = Pick<Outgoing, 'method' | 'headers' | 'body' | 'beforeFirstByte'> & { readonly path: string }

/** Speaks MTN MoMo's collection API. Callbacks are hints: only the answer to an enquiry is believed. */
export function connectMtnMomo(
  settings: MtnMomoSettings, credentials: MtnMomoCredentials, egress: EgressGuard, clock: Clock,
): PaymentNetwork {
  /** Whether the last call found nobody: then only a new token shows that somebody is there again. */
  let isDoubtful = false
  const send = async ({ path, ...call }: Call): Promise<Transmission> => {
    const transmission = await egress.toProvider(settings.network, path, { ...call, timeoutMs: settings.requestTimeoutMs })
    isDoubtful = transmission.kind === 'unreached'
    return transmission
  }
  const tokens = new TokenCache(async () => tokenFrom(await send(tokenCall(credentials))), clock, refreshEarlyS)
  const pacer = new Pacer(settings.enquiriesPerSecondMax, clock)

  /** A call with a token; a 401 means that it ran out, and is worth one more try with a new one. */
  const sendWithToken = async (call: Call): Promise<Transmission> => {
    for (let isLast = false; ; isLast = true) {
      const token = await tokens.get()
      if (token === undefined) return { kind: 'unreached', reason: 'no token' }
      const transmission = await send({ ...call, headers: { ...call.headers, ...authorisation(settings, credentials, token) } })
      if (transmission.kind !== 'answered' || transmission.status !== 401) return transmission
      tokens.forget(token)
      if (isLast) return transmission
    }
  }

  return {
    directions: ['collection'],
    async prepare() {
      const token = isDoubtful ? await tokens.renew() : await tokens.get()
      return token === undefined ? 'unavailable' : 'ready'
    },
    async request(request) {
      const transmission = await sendWithToken(requestCall(request))
      switch (transmission.kind) {
        case 'unreached': return { kind: 'not_sent', reason: transmission.reason }
        case 'lost': return { kind: 'unknown', reason: transmission.reason }
        case 'answered': return requestOutcome(transmission)
        default: return transmission satisfies never
      }
    },
    async enquire(asked) {
      if (!await pacer.turn(enquiryPatienceMs)) return { kind: 'unknown', reason: 'too many enquiries wait' }
      const path = `/collection/v1_0/requesttopay/${asked.reference}`
      const transmission = await sendWithToken({ method: 'GET', path, headers: {}, body: nothing })
      if (transmission.kind !== 'answered') return { kind: 'unknown', reason: transmission.reason }
      return enquiryOutcome(transmission, asked)
    },
    readCallback(body) {
      const status = parseMessage(callbackSchema, body)?.status
      return status === 'SUCCESSFUL' ? 'succeeded' : status === 'FAILED' ? 'failed' : undefined
    },
  }
}

function tokenCall({ apiUser, apiKey, subscriptionKey }: MtnMomoCredentials): Call {
  const basic = apiUser.expose((user) => apiKey.expose((key) => Buffer.from(`${user}:${key}`, 'utf8').toString('base64')))
  return {
    method: 'POST',
    path: '/collection/token/',
    headers: { authorization: `Basic ${basic}`, 'ocp-apim-subscription-key': subscriptionKey.expose((key) => key) },
    body: nothing,
  }
}

function tokenFrom(transmission: Transmission): Token | undefined {
  if (transmission.kind !== 'answered' || transmission.status !== 200) return undefined
  const token = parseMessage(tokenSchema, transmission.body)
  // A token goes into a header, where only these characters are safe (RFC 6750 §2.1).
  if (token === undefined || !/^[A-Za-z0-9._~+/-]+=*$/.test(token.access_token)) return undefined
  return { text: new Secret(token.access_token), lifeS: token.expires_in }
}

function authorisation(
  settings: MtnMomoSettings, { subscriptionKey }: MtnMomoCredentials, token: Secret<string>,
): Readonly<Record<string, string>> {
  return {
    authorization: token.expose((text) => `Bearer ${text}`),
    'ocp-apim-subscription-key': subscriptionKey.expose((key) => key),
    'x-target-environment': settings.targetEnvironment,
  }
}

function requestCall(request: PaymentRequest): Call {
  const body = request.phone.expose((phone) => JSON.stringify({
    amount: formatMoney(request.money),
    currency: request.money.currency,
    externalId: request.payment,
    payer: { partyIdType: 'MSISDN', partyId: phone.replace(/^\+/, '') },
    payerMessage: noteOf(request.description ?? ''),
    payeeNote: request.payment,
  }))
  return {
    method: 'POST',
    path: '/collection/v1_0/requesttopay',
    headers: {
      'content-type': 'application/json',
      'x-reference-id': request.reference,
      'x-callback-url': request.callbackUrl,
    },
    body: Buffer.from(body, 'utf8'),
    beforeFirstByte: request.beforeFirstByte,
  }
}

function requestOutcome({ status, body }: Answered): RequestOutcome {
  const code = parseMessage(errorSchema, body)?.code ?? 'NONE'
  const reason = `${status} ${code}`
  if (status === 202) return { kind: 'taken' }
  // The reference is ours alone, so whoever has it already is an earlier try of ours.
  if (status === 409 && code === 'RESOURCE_ALREADY_EXIST') return { kind: 'taken' }
  const failure = refusalOf(code)
  if (failure !== undefined) return { kind: 'refused', failure, reason }
  // MTN answers 400 to what it cannot read, and 401, 403 and 429 before it looks at the request.
  if (status === 400 || status === 403) return { kind: 'refused', failure: 'network_refused', reason }
  return { kind: 'unknown', reason }
}

function enquiryOutcome({ status, body }: Answered, asked: AskedPayment): EnquiryOutcome {
  if (status === 404) return { kind: 'not_found' }
  const answer = status === 200 ? parseMessage(statusSchema, body) : undefined
  if (answer === undefined) return { kind: 'unknown', reason: `${status}` }
  const fields = differencesOf(answer, asked)
  if (fields.length > 0) return { kind: 'differs', fields }
  switch (answer.status) {
    case 'PENDING': return { kind: 'pending' }
    case 'SUCCESSFUL': return { kind: 'succeeded', networkReference: answer.financialTransactionId ?? null }
    case 'FAILED': {
      const reason = answer.reason ?? 'NONE'
      return { kind: 'failed', failure: failureOf(reason), reason }
    }
    default: return answer.status satisfies never
  }
}
