import { IncomingMessage } from 'node:http'
import type { RequestId } from '@ngome/kernel'

/** A request with what the gateway learned of it before routing. */
export class GatewayRequest extends IncomingMessage {
  /** The bits of the header groups that came, from header control. */
  headerBits = 0
  startedAtMs = 0
  /** Whether its connection ends with the answer, whatever the client would like. */
  isLastOnConnection = false
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
