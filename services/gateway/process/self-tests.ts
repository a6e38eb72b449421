import type { SelfTestRequest } from '@ngome/contracts'
import { openingOfNothing } from '@ngome/envelope'
import { newId, toBase64Url, type Clock, type Random } from '@ngome/kernel'
import {
  attemptForbiddenCall, attemptForbiddenConnection, type CustodianClient, type SelfTest,
} from '@ngome/runtime'

type Ports = { readonly custodian: CustodianClient; readonly clock: Clock; readonly random: Random }

/**
 * Forbidden actions that the operator has this process attempt as itself. What proves a refusal is the custodian's
 * signature over it, not our word.
 */
export function selfTests(ports: Ports): Readonly<Record<string, SelfTest>> {
  return {
    open: ({ challenge, opening }) =>
      attemptForbiddenCall(() => ports.custodian.call('/v1/open', openRequest(opening ?? openingOfNothing(ports)), { challenge })),
    index: ({ challenge }) => attemptForbiddenCall(() => ports.custodian.call('/v1/index', {
      merchant: newId('merchant', ports), world: 'test', blinded: [toBase64Url(ports.random.bytes(32))],
    }, { challenge })),
    egress: ({ port }) => port === undefined ? { outcome: 'not_attempted' } : attemptForbiddenConnection(port),
  }
}

type Opening = NonNullable<SelfTestRequest['opening']>

function openRequest({ dataKey, context, salt }: Opening) {
  return { purpose: 'dispatch' as const, dataKeys: [dataKey], records: [{ dataKey: 0, context, salt }] }
}
