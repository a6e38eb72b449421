import type { SuccessorAwaited } from '@ngome/contracts'

/** What a destruction waits for besides its date, and how it is brought. */
export const awaitedTexts: Readonly<Record<SuccessorAwaited, string>> = {
  ceremony: 'It awaits a ceremony, in which the root key is replaced: nothing is deleted before. ngome keys ceremony --rotate --shares N --threshold K',
  operator: 'It awaits a root key that can be replaced here: nothing is deleted before. See the runbook "keys are replaced and destroyed"',
}
