import { fromUtf8 } from './bytes.ts'
import { decryptJwe } from './decrypt-jwe.ts'
import { AnswerError } from './errors.ts'
import type { PrivateKey } from './private-key.ts'
import type { TransportAnswer } from './transport.ts'

/**
 * Opens an answer that came encrypted, as those with an API key in them do; any other stays as it is.
 * @throws DecryptionError where it is not for this key, AnswerError where there is no key
 */
export async function openAnswer(answer: TransportAnswer, key: PrivateKey | undefined): Promise<TransportAnswer> {
  if (answer.header('content-type') !== 'application/jose') return answer
  if (key !== undefined) return { ...answer, body: await decryptJwe(fromUtf8(answer.body), key) as TransportAnswer['body'] }
  throw new AnswerError({
    code: 'sdk/decryption_key_missing', message: 'the answer came encrypted: pass decryptionKey, the private half of your key of use encrypt',
    status: answer.status, requestId: answer.header('request-id'),
  })
}
