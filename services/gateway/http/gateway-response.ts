import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayRequest } from './gateway-request.ts'

/** A response that counts on its connection until it was sent, without a listener, which costs more than the count. */
export class GatewayResponse extends ServerResponse<GatewayRequest> {
  #requests: { open: number } | undefined

  countOn(requests: { open: number }): void {
    requests.open++
    this.#requests = requests
  }

  /** Node's call when the last byte was handed over, so that the connection's next response may begin. */
  override detachSocket(socket: Socket): void {
    super.detachSocket(socket)
    if (this.#requests !== undefined) this.#requests.open--
    this.#requests = undefined
  }
}
