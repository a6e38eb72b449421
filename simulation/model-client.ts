import { Fault, type ApiKeyId, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import { signRequest } from '@ngome/signatures'
import type { KeyObject } from 'node:crypto'
import type { Answer } from '../services/gateway/http/answer.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import { host, type MerchantRequest, type ModelGateway } from './model-gateway.ts'
import type { Life, Scheduler } from './scheduler.ts'
import type { Seen } from './seen.ts'

export type MerchantKeys = { readonly tenant: Tenant; readonly apiKey: ApiKeyId; readonly signing: { readonly id: MerchantSigningKeyId; readonly privateKey: KeyObject } }

/** A gateway that is up, and its life; none where all are down. */
export type FindGateway = () => { readonly gateway: ModelGateway; readonly life: Life } | undefined

export type ClientPorts = { readonly scheduler: Scheduler; readonly chance: Chance; readonly faults: Faults; readonly find: FindGateway; readonly seen: Seen }

/** `idempotencyKey`: of an order; what decides about one has none. */
export type ClientRequest = { readonly path: string; readonly body: object | undefined; readonly isSigned: boolean; readonly idempotencyKey?: string; readonly query?: object }

/** An answer that decides, or a fault that does. */
export type Reply = { readonly answer: Answer } | { readonly fault: Fault }

const answerTimeoutMs = 30_000
export const pauseMsMax = 20_000
/** What a client comes again for: nothing is decided yet. A signature is made anew for each try. */
const passing: ReadonlySet<string> = new Set(['store/unavailable', 'custodian/unavailable', 'idempotency/in_flight', 'access/signature_refused'])

/** Whoever calls with one API key and signs with one key: sends each request until it has an answer, as the documentation says. */
export class ModelClient {
  readonly #from: ClientPorts
  readonly keys: MerchantKeys
  readonly #world: Life = { isOver: false }

  constructor(from: ClientPorts, keys: MerchantKeys) {
    this.#from = from
    this.keys = keys
  }

  async insist(request: ClientRequest): Promise<Reply> {
    const { scheduler, chance } = this.#from
    for (;;) {
      const reply = await this.#send(request)
      if (reply !== 'lost' && !('fault' in reply && passing.has(reply.fault.code))) return reply
      await scheduler.pause(chance.between(100, pauseMsMax), this.#world)
    }
  }

  /** Sends a request once, which may be lost on its way there or back, or come twice. */
  #send(asked: ClientRequest): Promise<Reply | 'lost'> {
    const { scheduler, chance, faults, find, seen } = this.#from
    const request = this.#sign(asked)
    const reply = scheduler.waiting<Reply | 'lost'>(this.#world)
    const deliver = (): void => {
      const found = find()
      if (found === undefined) return
      seen.requests++
      scheduler.start(0, found.life, async () => {
        const answered = await found.gateway.take(request).then((answer): Reply => ({ answer }), (error: unknown): Reply => {
          if (error instanceof Fault) return { fault: error }
          throw error
        })
        if (!chance.happens(faults.requestLost)) reply.bring(answered, chance.between(1, 50))
      })
    }
    scheduler.after(answerTimeoutMs, this.#world, () => reply.bring('lost', 0))
    if (!chance.happens(faults.requestLost)) scheduler.after(chance.between(1, 50), this.#world, deliver)
    if (chance.happens(faults.requestTwice)) scheduler.after(chance.between(1, 2_000), this.#world, deliver)
    return reply.take()
  }

  #sign({ path, body, isSigned, idempotencyKey, query }: ClientRequest): MerchantRequest {
    const { tenant, apiKey, signing: { id, privateKey } } = this.keys
    const { scheduler, chance } = this.#from
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body), 'utf8')
    const request = { tenant, apiKey, path, body, bytes, idempotencyKey, query }
    if (!isSigned) return request
    const clock = { nowMs: () => scheduler.nowMs }
    const headers = signRequest({ method: 'POST', host, target: path, body: bytes, ...idempotencyKey === undefined ? {} : { idempotencyKey } }, { keyId: id, privateKey, clock, random: chance.random })
    return { ...request, signed: new Map<string, string | undefined>([...Object.entries(headers), ['idempotency-key', idempotencyKey]]) }
  }
}
