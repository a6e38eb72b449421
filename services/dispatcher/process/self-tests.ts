import { openingOfNothing } from '@ngome/envelope'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import {
  attemptForbiddenCall, attemptForbiddenConnection, type CustodianClient, type SelfTest,
} from '@ngome/runtime'
import type { EgressGuard } from '../egress/egress-guard.ts'

/** A destination that answers neither yes nor no in this time is taken as not reached. */
const connectTimeoutMs = 1_000
/** What clouds give their secrets out at; nothing else is at this address, ever. */
const metadataAddress = 'https://169.254.169.254/'

type Ports = {
  readonly custodian: Pick<CustodianClient, 'call'>
  readonly egress: Pick<EgressGuard, 'toWebhook'>
  readonly clock: Clock
  readonly random: Random
}

/**
 * Forbidden actions that the operator has this process attempt as itself. What proves a refusal is the custodian's
 * signature over it, not our word. What an attempt gets is thrown away here.
 */
export function selfTests(ports: Ports): Readonly<Record<string, SelfTest>> {
  const open = (purpose: 'dispatch' | 'webhook-secret'): SelfTest => ({ challenge, opening = openingOfNothing(ports) }) =>
    attemptForbiddenCall(() => ports.custodian.call('/v1/open', {
      purpose, dataKeys: [opening.dataKey], records: [{ dataKey: 0, context: opening.context, salt: opening.salt }],
    }, { challenge }))
  return {
    'open': open('dispatch'),
    // A payment for a purpose that is not for payments: the table of purposes must say no.
    'open-wrong-purpose': open('webhook-secret'),
    'secrets': ({ challenge }) => attemptForbiddenCall(() => ports.custodian.call('/v1/secrets', { names: ['api-pepper', 'idempotency'] }, { challenge })),
    // Past the guard, as code that got in would: what stops it is the machine's own rules, if there are any.
    'egress': ({ port }) => port === undefined ? { outcome: 'not_attempted' } : attemptForbiddenConnection(port),
    'egress-guard': ({ port }) => attemptThroughGuard(ports.egress, port === undefined ? metadataAddress : `https://127.0.0.1:${port}/`),
  }
}

async function attemptThroughGuard(egress: Ports['egress'], url: string): Promise<object> {
  try {
    const sent = await egress.toWebhook(url, { method: 'GET', headers: {}, body: new Uint8Array(), timeoutMs: connectTimeoutMs })
    return { outcome: sent.kind === 'unreached' ? 'allowed' : 'connected', code: sent.kind }
  } catch (error) {
    if (error instanceof Fault && error.code === 'egress/refused') return { outcome: 'refused', code: error.code }
    throw error
  }
}
