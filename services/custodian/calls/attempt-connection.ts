import { connect } from 'node:net'
import type { SelfTestResponse } from '@ngome/contracts'

/** A destination that answers neither yes nor no in this time is taken as not reached. */
const timeoutMs = 1_000

/**
 * Attempts what the custodian must not be able to do: to connect to anybody. The operator asks for it, with a listener
 * of his own that waits; only the system around this process can make it fail.
 */
export function attemptConnection(port: number): Promise<SelfTestResponse> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: timeoutMs })
    const end = (response: SelfTestResponse): void => {
      socket.destroy()
      resolve(response)
    }
    socket.once('connect', () => end({ outcome: 'connected' }))
    socket.once('timeout', () => end({ outcome: 'refused', code: 'ETIMEDOUT' }))
    socket.once('error', (error: NodeJS.ErrnoException) => end({ outcome: 'refused', code: error.code ?? error.name }))
  })
}
