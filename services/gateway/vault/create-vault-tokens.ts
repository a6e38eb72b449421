import { createVaultTokenSchema, type VaultBatch } from '@ngome/contracts'
import { Fault, type FaultCode, type FieldFault } from '@ngome/kernel'
import { insertVaultTokens, type VaultTokenEntry } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { hold } from '../http/read-call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { checkToken } from './check-token.ts'
import type { CreateVaultTokenPorts } from './create-vault-token.ts'
import { refusePlaintext } from './refuse-plaintext.ts'
import { sealToken } from './seal-token.ts'

/**
 * Keeps a batch of values: those that are in order, all in one transaction with the claim of the batch's key, so that a
 * repetition gets the same tokens and doubles none. Each item has its own result.
 * @throws Fault `vault/plaintext_refused` where one of them holds a value in clear and the merchant's policy allows none,
 * `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function createVaultTokens(ports: CreateVaultTokenPorts, call: Call<'createVaultTokens'>): Promise<Answer> {
  const { tenant } = call.caller
  refusePlaintext(call.caller, call.body.tokens.flatMap((item, at) => ('value' in item ? [`/tokens/${at}/value`] : [])))
  const atMs = ports.clock.nowMs()
  const entries: VaultTokenEntry[] = []
  const results: VaultBatch['results'] = []
  for (const item of call.body.tokens) {
    try {
      const checked = await checkToken(ports, tenant, hold(createVaultTokenSchema, item), atMs)
      const { entry } = await sealToken(ports, call.caller, checked)
      entries.push(entry)
      results.push({ id: entry.token.id, error: null })
    } catch (error) {
      if (!(error instanceof Fault) || !aboutItem.has(error.code)) throw error
      results.push({ id: null, error: error.fields[0] ?? whole })
    }
  }
  const answer = { status: 200, body: JSON.stringify({ object: 'vault_batch', results } satisfies VaultBatch) }
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  const outcome = await insertVaultTokens(ports.database, { tenant, entries, idempotency: { ...marks, answer }, atMs })
  return answerOutcome(outcome, { ...answer, contentType: jsonType })
}

/** What is wrong with one item and keeps no other out. */
const aboutItem: ReadonlySet<FaultCode> = new Set(['request/invalid', 'vault/key_refused'])
const whole: FieldFault = { pointer: '', detail: 'This is not valid.' }
