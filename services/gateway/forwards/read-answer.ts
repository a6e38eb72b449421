import { forwardAnswerSchema, type ForwardAnswer } from '@ngome/contracts'
import { Fault, parseStrictJson, type ForwardId, type Secret, type Tenant } from '@ngome/kernel'
import { decryptForwardAnswer, forwardAnswerKey } from '@ngome/signatures'

/** An answer is flat, but for its headers. */
const answerBounds = { depthMax: 2, nodesMax: 64 }

/** @throws Fault `forwards/answer_unreadable` where the row holds another answer than this forward's */
export function readAnswer(secret: Secret<Uint8Array>, tenant: Tenant, id: ForwardId, blob: Uint8Array): ForwardAnswer {
  const plaintext = decryptForwardAnswer(forwardAnswerKey(secret, tenant, id), tenant, id, blob)
  const json = plaintext === undefined ? undefined : parseStrictJson(plaintext, answerBounds)
  const parsed = forwardAnswerSchema.safeParse(json?.ok === true ? json.value : undefined)
  if (!parsed.success) throw new Fault('forwards/answer_unreadable', `the answer of ${id} is not its own`)
  return parsed.data
}
