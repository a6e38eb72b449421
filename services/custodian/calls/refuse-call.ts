import { sign } from 'node:crypto'
import { refusalStatementSchema } from '@ngome/contracts'
import { Fault, parseBase64Url, toBase64Url } from '@ngome/kernel'
import { CustodianRefusal, type RefusalStatement, type SignedRefusal } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { callerName, type Caller } from './caller.ts'
import { refusalReasons, type Refusal } from './refusal.ts'

export type RefusedCall = {
  readonly caller: Caller
  readonly operation: string
  /** What the caller sent to have the refusal signed. */
  readonly challenge: string | undefined
}

/** A caller's challenge: enough that nobody has signed it before, little enough to sign. */
const challengeBytesMin = 16
const challengeBytesMax = 64

/**
 * Records a refusal and makes what is answered: the same for every reason, and signed where the caller asked for that.
 * @throws Fault `custodian/unavailable` where it could not be recorded
 */
export async function refuseCall(custodian: Custodian, call: RefusedCall, refusal: Refusal): Promise<Fault> {
  const { alarm, clock, refusals, store: { commits } } = custodian
  const caller = callerName(call.caller)
  const recorded = refusals.count(caller, clock.nowMs())
  const what = recorded === 'whole'
    ? { reason: refusal.reason, subject: refusal.subject }
    : { reason: 'refusals_unrecorded', subject: 'further refusals of this caller in this minute stand for themselves' }
  if (recorded !== 'not') {
    const entry = { caller, operation: call.operation, outcome: 'refused', ...what } as const
    await commits.run((transaction) => appendLog(transaction, clock, entry))
    // An approval that does not hold is a forgery, a replay or a person who errs: somebody should ask which.
    if (what.reason.startsWith('approval_')) alarm({ what: what.reason, caller, subject: what.subject })
  }
  const message = `${call.operation} of ${caller}: ${refusal.message}`
  const options = { cause: refusal.cause }
  if (refusal.code !== 'custodian/refused') return new Fault(refusal.code, message, options)
  const { challenge } = call
  const signed = isChallenge(challenge) ? signRefusal(custodian, { ...call, challenge }, refusal) : undefined
  return new CustodianRefusal(message, { ...options, refusal: signed })
}

export function isChallenge(text: string | undefined): text is string {
  const length = text === undefined ? 0 : parseBase64Url(text)?.length ?? 0
  return length >= challengeBytesMin && length <= challengeBytesMax
}

function signRefusal(
  { clock, statementKey }: Custodian, call: RefusedCall & { readonly challenge: string }, refusal: Refusal,
): SignedRefusal {
  const said: RefusalStatement = {
    challenge: call.challenge,
    caller: callerName(call.caller),
    operation: call.operation,
    reason: refusalReasons[refusal.reason],
    at: new Date(clock.nowMs()).toISOString(),
  }
  // JSON begins with a brace, a merchant key's statement with a length: neither signature can stand for the other.
  const statement = JSON.stringify(refusalStatementSchema.parse(said))
  return { statement, signature: toBase64Url(sign(null, Buffer.from(statement, 'utf8'), statementKey.privateKey)) }
}
