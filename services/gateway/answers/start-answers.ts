import type { Clock } from '@ngome/kernel'
import { untilItStands, type CustodianClient, type Identity, type Logger } from '@ngome/runtime'
import type { Guards } from '../http/guards.ts'
import { AnswerKeys } from './answer-keys.ts'
import { answerSigner } from './sign-answers.ts'

/** Waits until the custodian has stated this process's answer key, however long it is away. */
export async function startAnswers(from: {
  readonly custodian: CustodianClient; readonly identity: Pick<Identity, 'statementKey'>; readonly clock: Clock; readonly logger: Logger
}): Promise<{ readonly askedToSign: Guards['authorize']; readonly keepRenewing: () => () => void }> {
  const keys = new AnswerKeys({ ...from, statementKey: from.identity.statementKey })
  await untilItStands('answer key', from.logger, () => keys.fetch())
  return { askedToSign: answerSigner({ keys, clock: from.clock }), keepRenewing: () => keys.keepRenewing() }
}
