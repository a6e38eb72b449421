import { connect } from 'node:net'
import type { SelfTestRequest, SelfTestResponse } from '@ngome/contracts'
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
    open: ({ challenge, opening }) =>
      attemptCall(() => ports.custodian.call('/v1/open', openRequest(opening ?? madeUp(ports)), { challenge })),
    index: ({ challenge }) => attemptCall(() => ports.custodian.call('/v1/index', {
      merchant: newId('merchant', ports), world: 'test', blinded: [toBase64Url(ports.random.bytes(32))],
    }, { challenge })),
    egress: ({ port }) => port === undefined ? { outcome: 'not_attempted' } : attemptConnection(port),
  }
}

type Opening = NonNullable<SelfTestRequest['opening']>

function openRequest({ dataKey, context, salt }: Opening) {
  return { purpose: 'dispatch' as const, dataKeys: [dataKey], records: [{ dataKey: 0, context, salt }] }
}

/** An opening in its right form, of a record that does not exist. */
function madeUp({ clock, random }: Ports): Opening {
  const from = { clock, random }
  const context = encodeRecordContext({
    tenant: { merchant: newId('merchant', from), world: 'test' },
    table: 'payments', recordId: newId('payment', from), dataClass: 'restricted', version: 1,
  })
  return { dataKey: toBase64Url(random.bytes(64)), context: toBase64Url(context), salt: toBase64Url(random.bytes(32)) }
}

async function attemptCall(call: () => Promise<unknown>): Promise<SelfTestResponse> {
  try {
    await call()
    return { outcome: 'allowed' }
  } catch (error) {
    if (error instanceof CustodianRefusal) return { outcome: 'refused', refusal: error.refusal ?? null }
    throw error
  }
}

function attemptConnection(port: number): Promise<SelfTestResponse> {
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
