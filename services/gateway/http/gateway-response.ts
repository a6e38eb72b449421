import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayRequest } from './gateway-request.ts'
import type { Requests } from './slow-connections.ts'

/** A response that counts on its connection until it was sent, without a listener, which costs more than the count. */
export class GatewayResponse extends ServerResponse<GatewayRequest> {
  #requests: Requests | undefined

  countOn(requests: Requests): void {
    requests.open++
    this.#requests = requests
  }

  /** Node's call when the last byte was handed over, so that the connection's next response may begin. */
  override detachSocket(socket: Socket): void {
    super.detachSocket(socket)
    const requests = this.#requests
    if (requests === undefined) return
    this.#requests = undefined
    requests.open--
    const next = requests.waiting.shift()
    // Behind what others have asked meanwhile: whoever sends many at once has no more turns than who sends one.
    if (next !== undefined) setImmediate(next)
  }
}
