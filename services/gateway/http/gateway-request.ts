import { IncomingMessage } from 'node:http'
import type { FaultCode, RequestId } from '@ngome/kernel'
import type { ProvenMerchantKey } from '@ngome/signatures'
import type { NetworkBucket } from '../limits/address-limits.ts'
import type { PaymentNote } from '../usage/recorder.ts'
import type { Answer } from './answer.ts'
import type { AuthenticatedCaller, VerifiedSignature } from './call.ts'
import type { Requests } from './slow-connections.ts'

/** A request with what the gateway learned of it before routing. */
export class GatewayRequest extends IncomingMessage {
  /** The bits of the header groups that came, from header control. */
  headerBits = 0
  startedAtMs = 0
  /** When its handler began, while that runs. */
  begunAtMs: number | undefined
  /** Whether its connection ends with the answer, whatever the client would like. */
  isLastOnConnection = false
  /** Who was proven to call; `null` until then, and where nobody was. */
  caller: AuthenticatedCaller | null = null
  /** That it was signed, and by which key; `null` until that was verified, and where it was not signed. */
  signature: VerifiedSignature | null = null
  /** Whose key its answer is encrypted to, where it asked for that. */
  encryptTo: ProvenMerchantKey | null = null
  /** Signs its answer, where a known caller asked for that. */
  signAnswer: ((answer: Answer) => Answer) | null = null
  /** Why it was refused, where it was. */
  faultCode: FaultCode | null = null
  /** The payment that came of it, for the counts of its key. */
  payment: PaymentNote | undefined
  /** What its address pays from; `undefined` until somebody asked. */
  addressBucket: NetworkBucket | undefined
  /** What was asked on its connection; `undefined` where it did not come through the public server. */
  requests: Requests | undefined
  /** Names and values in turn that guards add to the answer, whatever it will be. */
  answerHeaders: string[] | undefined
  #id: RequestId | undefined

  get requestId(): RequestId {
    if (this.#id === undefined) throw new TypeError('a request that did not come through the public server')
    return this.#id
  }

  set requestId(id: RequestId) {
    this.#id = id
  }

  /** @throws TypeError where a request of another server got here: the wiring has a bug */
  static of(raw: IncomingMessage): GatewayRequest {
    if (raw instanceof GatewayRequest) return raw
    throw new TypeError('a request of another server')
  }
}
