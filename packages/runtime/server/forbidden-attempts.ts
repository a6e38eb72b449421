import { connect } from 'node:net'
import type { SelfTestResponse } from '@ngome/contracts'
import { CustodianRefusal } from '../custodian/refusal.ts'

/** A destination that answers neither yes nor no in this time is taken as not reached. */
const connectTimeoutMs = 1_000

/**
 * Makes a call that the custodian should refuse, and tells what came of it. What the call got is thrown away here.
 * @throws whatever is not a refusal: the attempt then says nothing
 */
export async function attemptForbiddenCall(call: () => Promise<unknown>): Promise<SelfTestResponse> {
  try {
    await call()
    return { outcome: 'allowed' }
  } catch (error) {
    if (error instanceof CustodianRefusal) return { outcome: 'refused', refusal: error.refusal ?? null }
    throw error
  }
}

/** Tries to connect outwards, to a listener that the tester has opened on this machine. */
export function attemptForbiddenConnection(port: number): Promise<SelfTestResponse> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: connectTimeoutMs })
    const end = (outcome: SelfTestResponse['outcome'], code?: string): void => {
      socket.destroy()
      resolve({ outcome, ...(code === undefined ? {} : { code }) })
    }
    socket.once('connect', () => end('connected'))
    socket.once('timeout', () => end('refused', 'ETIMEDOUT'))
    socket.once('error', (error: NodeJS.ErrnoException) => end('refused', error.code))
  })
}
