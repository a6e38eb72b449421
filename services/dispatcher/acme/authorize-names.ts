import { parseBase64Url } from '@ngome/kernel'
import { putAcmeChallenge, type AcmeOrderRow, type Database } from '@ngome/store'
import type { Account } from './account.ts'
import { AcmeFailure, own } from './acme-failure.ts'
import type { AcmeSession } from './acme-session.ts'
import { authorizationSchema, readAnswer, type AcmeOrder, type Authorization } from './answers.ts'

/** RFC 8555 §8.3: base64url alone, of 128 bits or more; it becomes a part of a path. */
const tokenPattern = /^[A-Za-z0-9_-]{22,128}$/

/**
 * Has the gateways answer what the authority asks of each name, and tells it to ask.
 * @returns how long to wait before looking again, `undefined` where all names are authorized
 * @throws AcmeFailure, Fault `store/unavailable`
 */
export async function authorizeNames(
  from: { readonly db: Database; readonly session: AcmeSession; readonly account: Account }, row: AcmeOrderRow, order: AcmeOrder,
): Promise<{ readonly waitMs: number | undefined } | undefined> {
  let wait: { readonly waitMs: number | undefined } | undefined
  for (const url of order.authorizations) {
    const answer = await from.session.post(url, null, from.account)
    const authorization = readAnswer(answer.body, authorizationSchema, 'the authorization')
    if (authorization.status === 'valid') continue
    await answerChallenge(from, row, authorization)
    wait = { waitMs: answer.retryAfterMs }
  }
  return wait
}

async function answerChallenge(
  { db, session, account }: { readonly db: Database; readonly session: AcmeSession; readonly account: Account },
  { id, names }: AcmeOrderRow, { identifier, status, wildcard, challenges }: Authorization,
): Promise<void> {
  const name = identifier.value.toLowerCase()
  if (!names.includes(name) || wildcard === true) throw new AcmeFailure(own('order_changed'), `an authorization of ${name}, which was not ordered`, { isOrderLost: true })
  const challenge = challenges.find(({ type }) => type === 'http-01')
  const failed = challenges.find(({ error }) => error !== undefined)?.error
  if (status !== 'pending' || challenge?.status === 'invalid') {
    throw new AcmeFailure(failed?.type ?? own('authorization_invalid'), `${name}: ${failed?.detail ?? `the authorization is ${status}`}`, { isOrderLost: true })
  }
  if (challenge?.token === undefined) throw new AcmeFailure(own('no_http_challenge'), `${name}: the authority offers no http-01`, { isOrderLost: true })
  const { token } = challenge
  if (!tokenPattern.test(token) || parseBase64Url(token) === undefined) {
    throw new AcmeFailure(own('unreadable_answer'), `${name}: a token that is no base64url of 128 bits`, { isOrderLost: true })
  }
  // Before it is told to ask, and again after a restart: the row may not have been written.
  await putAcmeChallenge(db, id, { token, name, keyAuthorization: `${token}.${account.thumbprint}` })
  if (challenge.status === 'pending') await session.post(challenge.url, {}, account)
}
