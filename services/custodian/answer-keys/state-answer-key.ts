import { answerKeyLifeMs, type CustodianResponse } from '@ngome/contracts'
import { parseBase64Url } from '@ngome/kernel'
import { signAnswerKey } from '@ngome/runtime'
import { clockSkewMs } from '../authority/authority.ts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'

/**
 * States that the gateway which calls signs its answers with this key, recorded before it is answered: whoever holds the
 * statement key's public half can then tell an answer of ours from anybody's. How long is the custodian's to say.
 * @throws Refusal `custodian/refused` where the key is not in its one spelling
 */
export async function stateAnswerKey(
  { store, clock, statementKey }: Custodian, caller: ProvenCaller, { key }: ParsedRequest<'/v1/answer-key'>,
): Promise<CustodianResponse<'/v1/answer-key'>> {
  if (parseBase64Url(key) === undefined) throw new Refusal('request_invalid', '/key')
  const nowMs = clock.nowMs()
  const statement = signAnswerKey({
    // A reader's clock may be behind ours by so much.
    key, issued_at: new Date(nowMs - clockSkewMs).toISOString(), expires_at: new Date(nowMs + answerKeyLifeMs).toISOString(),
  }, statementKey.privateKey)
  await store.commits.run((transaction) => appendLog(transaction, clock, {
    caller: callerName(caller), operation: '/v1/answer-key', outcome: 'allowed', reason: '', subject: `answer-key/${key}`,
  }))
  return { statement }
}
