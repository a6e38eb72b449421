import type { Secret } from '@ngome/kernel'
import { insertVaultTokens, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { checkToken, type CheckTokenPorts } from './check-token.ts'
import { refusePlaintext } from './refuse-plaintext.ts'
import { sealToken, type SealTokenPorts } from './seal-token.ts'
import { vaultTokenView } from './vault-token-view.ts'

export type CreateVaultTokenPorts = SealTokenPorts & CheckTokenPorts & {
  readonly database: Database
  readonly idempotencySecret: Secret<Uint8Array>
}

/**
 * Keeps a value and answers its token. The fingerprint comes later: the dispatcher computes it, and of what a client sealed
 * also mask and network.
 * @throws Fault `request/invalid`, `vault/key_refused`, `vault/plaintext_refused`, `access/scope_missing`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`,
 * `store/unavailable`
 */
export async function createVaultToken(ports: CreateVaultTokenPorts, call: Call<'createVaultToken'>): Promise<Answer> {
  const { tenant } = call.caller
  refusePlaintext(call.caller, call.body.value === undefined ? [] : ['/value'])
  const atMs = ports.clock.nowMs()
  const { entry, row } = await sealToken(ports, call.caller, await checkToken(ports, tenant, call.body, atMs))
  const answer = { status: 201, body: JSON.stringify(vaultTokenView(row)) }
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  const outcome = await insertVaultTokens(ports.database, { tenant, entries: [entry], idempotency: { ...marks, answer }, atMs })
  return answerOutcome(outcome, { ...answer, contentType: jsonType, headers: ['location', `/v1/vault/tokens/${row.id}`] })
}
