import { connect } from 'node:net'
import { encodeRecordContext } from '@ngome/envelope'
import { newId, toBase64Url, type Clock, type Random } from '@ngome/kernel'
import { CustodianRefusal, type CustodianClient, type SelfTest } from '@ngome/runtime'

/** A destination that answers neither yes nor no in this time is taken as not reached. */
const connectTimeoutMs = 1_000

type Ports = { readonly custodian: CustodianClient; readonly clock: Clock; readonly random: Random }

/**
 * Forbidden actions that the operator has this process attempt as itself. What proves a refusal is the custodian's
 * signature over it, not our word.
 */
export function selfTests(ports: Ports): Readonly<Record<string, SelfTest>> {
  return {
    open: ({ challenge }) => attemptCall(() => ports.custodian.call('/v1/open', someOpening(ports), { challenge })),
    index: ({ challenge }) => attemptCall(() => ports.custodian.call('/v1/index', {
      merchant: newId('merchant', ports), world: 'test', blinded: [toBase64Url(ports.random.bytes(32))],
    }, { challenge })),
    egress: ({ port }) => port === undefined ? { outcome: 'not_attempted' } : attemptConnection(port),
  }
}

/** An opening in its right form, of a record that does not exist: the refusal must come from who asks, not from what. */
function someOpening({ random, ...from }: Ports) {
  const tenant = { merchant: newId('merchant', { ...from, random }), world: 'test' } as const
  const context = encodeRecordContext({
    tenant, table: 'payments', recordId: newId('payment', { ...from, random }), dataClass: 'restricted', version: 1,
  })
  return {
    purpose: 'dispatch' as const,
    dataKeys: [toBase64Url(random.bytes(64))],
    records: [{ dataKey: 0, context: toBase64Url(context), salt: toBase64Url(random.bytes(32)) }],
  }
}

async function attemptCall(call: () => Promise<unknown>): Promise<object> {
  try {
    await call()
    return { outcome: 'allowed' }
  } catch (error) {
    if (error instanceof CustodianRefusal) return { outcome: 'refused', refusal: error.refusal ?? null }
    throw error
  }
}

function attemptConnection(port: number): Promise<object> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: connectTimeoutMs })
    const end = (outcome: string, code?: string): void => {
      socket.destroy()
      resolve({ outcome, ...(code === undefined ? {} : { code }) })
    }
    socket.once('connect', () => end('connected'))
    socket.once('timeout', () => end('refused', 'ETIMEDOUT'))
    socket.once('error', (error: NodeJS.ErrnoException) => end('refused', error.code))
  })
}
