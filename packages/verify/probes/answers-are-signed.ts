import type { KeyObject } from 'node:crypto'
import { toBase64Url, type Clock, type Random } from '@ngome/kernel'
import { provenAnswerKey, type Endpoint } from '@ngome/runtime'
import { answerSignatureHeaders, askForSignature, isAnswerSigned, type HttpMessage } from '@ngome/signatures'
import type { Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds } from '../verdict.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'

type Target = ProbeMerchants & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly clock: Clock
  readonly random: Random
  readonly custodian: { readonly statementKey: () => Promise<KeyObject> }
}

const path = '/v1/payments?limit=1'
/** What `requestBytes` sends. */
const host = 'localhost'
/** 144 bits. */
const nonceBytes = 18

/** @param isSigned what tells a signed answer from a changed one; a saboteur's in the tests */
export const answersAreSignedBy = (isSigned: typeof isAnswerSigned): Probe<Target> => ({
  id: 'answers-are-signed',
  source: import.meta.filename,
  does: 'Asks for signed answers with the key of a merchant of the probes, and holds them against the custodian\'s statement key: an answer and a refusal must be proven; with another status, body or type, for another request or under another statement key they must not be, nor again. Without a key, and unasked, nothing may be signed.',
  run: async (target) => {
    const { apiKey } = await target.merchant('first')
    const statementKey = await target.custodian.statementKey()
    const newNonce = (): string => toBase64Url(target.random.bytes(nonceBytes))
    const request = (from: string): HttpMessage => ({ method: 'GET', target: from, host, field: () => undefined })
    const read = (nonce: string, from = path): Promise<ApiAnswer> =>
      ask(target.gateway, target.authority, { method: 'GET', path: from, apiKey, headers: { 'accept-signature': askForSignature(() => undefined, nonce) } })
    const isProven = ({ status, text, header }: ApiAnswer, nonce: string, from = path): Promise<boolean> => isSigned(
      { status, body: Buffer.from(text), request: request(from), field: header },
      { nonce, nowMs: target.clock.nowMs(), proveKey: (statement) => provenAnswerKey(statement, statementKey, target.clock.nowMs()) },
    )
    const [nonce, otherNonce] = [newNonce(), newNonce()]
    const answer = await read(nonce)
    if (answer.status !== 200) return fails(`who asked for a signed answer was answered ${answer.status}`)
    if (!await isProven(answer, nonce)) return fails('an answer that was asked for signed is not proven by the custodian\'s statement key')
    const other = '/v1/payments?limit=no'
    if (!await isProven(await read(otherNonce, other), otherNonce, other)) return fails('a refusal that was asked for signed is not proven')
    const taken: readonly (readonly [string, boolean])[] = [
      ['with another status', await isProven({ ...answer, status: 201 }, nonce)],
      ['with another body', await isProven({ ...answer, text: `${answer.text} ` }, nonce)],
      ['with another type', await isProven({ ...answer, header: (name) => name === 'content-type' ? 'text/html' : answer.header(name) }, nonce)],
      ['for another request', await isProven(answer, nonce, '/v1/payments?limit=2')],
      ['for the next request of the same kind', await isProven(answer, otherNonce)],
    ]
    const forged = taken.find(([, isTaken]) => isTaken)
    if (forged !== undefined) return fails(`an answer is proven ${forged[0]}`)
    const bare = await Promise.all([
      ask(target.gateway, target.authority, { method: 'GET', path, apiKey }),
      ask(target.gateway, target.authority, { method: 'GET', path, headers: { 'accept-signature': askForSignature(() => undefined, newNonce()) } }),
    ])
    if (bare.some(({ header }) => answerSignatureHeaders.some((name) => header(name) !== undefined))) return fails('an answer was signed for nobody, or unasked')
    return holds('an answer and a refusal, asked for signed, were proven by the custodian\'s statement key; changed, or for another request, they were not; nobody without a key had one signed')
  },
})

export const answersAreSigned = answersAreSignedBy(isAnswerSigned)
