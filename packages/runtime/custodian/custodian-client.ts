import {
  challengeHeader, custodianOperations, problemSchema, signedRefusalSchema,
  type CustodianPath, type CustodianRequest, type CustodianResponse,
} from '@ngome/contracts'
import { Fault, systemClock, type Clock } from '@ngome/kernel'
import type { Config } from '../config/schema.ts'
import type { Identity } from '../identity/identity.ts'
import { PeerAgent } from './peer-agent.ts'
import type { JsonAnswer } from './post-json.ts'
import { placesOf, postToCustodian } from './post-to-custodian.ts'
import { CustodianRefusal } from './refusal.ts'

/** An opening of 64 records is some 50 ms of the custodian; past this it is not slow but away. */
const timeoutDefaultMs = 5000

export type CallOptions = {
  /** base64url of 16 to 64 bytes: asks that a refusal be signed. */
  readonly challenge?: string
  readonly timeoutMs?: number
}

export type CustodianClient = {
  /**
   * @throws Fault `custodian/unavailable` where there is no (intelligible) answer
   * @throws CustodianRefusal (`custodian/refused`) where the custodian said no
   * @throws Fault `identity/expired`
   */
  call<P extends CustodianPath>(
    path: P, body: CustodianRequest<P>, options?: CallOptions,
  ): Promise<CustodianResponse<P>>
  close(): void
}

type Where = { readonly custodian: Pick<Config['custodian'], 'host' | 'port' | 'twin'> }

/**
 * Calls the custodian over kept connections, with whatever certificate the identity has at the time. Of a pair it stays
 * with the one that answered last.
 */
export function custodianClient(
  identity: Pick<Identity, 'secureContext' | 'onRenewal' | 'isExpired' | 'hearAuthorities'>, config: Where,
  clock: Clock = systemClock,
): CustodianClient {
  let places = placesOf(config)
  let agent = new PeerAgent(identity.secureContext(), 'custodian')
  const stopListening = identity.onRenewal(() => {
    const former = agent
    agent = new PeerAgent(identity.secureContext(), 'custodian')
    former.retire()
  })
  return {
    async call(path, body, options = {}) {
      if (identity.isExpired()) identity.secureContext()
      agent.closeExpired(clock.nowMs())
      const { answer, place } = await postToCustodian({
        agent, path, body, places,
        timeoutMs: options.timeoutMs ?? timeoutDefaultMs,
        headers: options.challenge === undefined ? {} : { [challengeHeader]: options.challenge },
      })
      if (place !== places[0]) places = [place, ...places.filter((one) => one !== place)]
      if (answer.authorities !== undefined) identity.hearAuthorities(answer.authorities)
      return parseAnswer(path, answer)
    },
    close() {
      stopListening()
      agent.retire()
    },
  }
}

/** Reads an answer by the contract of its operation. */
export function parseAnswer<P extends CustodianPath>(path: P, answer: JsonAnswer): CustodianResponse<P> {
  if (answer.status !== 200) throw faultOf(path, answer)
  const parsed = custodianOperations[path].response.safeParse(answer.body)
  // The schema of this path gives this path's response, which the index type cannot say.
  if (parsed.success) return parsed.data as CustodianResponse<P>
  const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')
  throw new Fault('custodian/unavailable', `${path}: the answer breaks the contract at ${fields}`)
}

const refusalProblem = problemSchema.extend({ refusal: signedRefusalSchema.optional() })

function faultOf(path: CustodianPath, answer: JsonAnswer): Fault {
  const problem = refusalProblem.safeParse(answer.body)
  const said = problem.success ? `${answer.status} ${problem.data.code}` : `${answer.status}`
  if (answer.status < 400 || answer.status >= 500 || !problem.success) {
    return new Fault('custodian/unavailable', `${path}: the custodian answered ${said}`)
  }
  if (path === '/v1/enrol') return new Fault('custodian/enrolment_refused', `${path}: the custodian answered ${said}`)
  return new CustodianRefusal(`${path}: the custodian answered ${said}`, { refusal: problem.data.refusal })
}
