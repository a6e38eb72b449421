import { custodianOperations, problemSchema } from '@ngome/contracts'
import { parseStrictJson, type Random } from '@ngome/kernel'
import { addressOf, type Endpoint } from '@ngome/runtime'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, notPermitted, problemOfRefusal } from '../custodian/judge-refusal.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import { exchangeTls, statusOf } from '../wire/exchange.ts'
import { ask, requestBytes, type ApiAnswer } from '../wire/request.ts'

type Target = { readonly authority: string; readonly custodian: CustodianView; readonly random: Random }

/** Every operation of the custodian; none may be answered to somebody without a certificate, nor enrol him without a token. */
const paths = Object.keys(custodianOperations)
/** A question in its right form, so that the custodian gets as far as looking at who asks. */
const question = { names: ['api-pepper', 'callback'] } as const
const problemBounds = { depthMax: 4, nodesMax: 64 }

export const strangerCannotOpen: Probe<Target> = {
  id: 'stranger-cannot-open',
  source: import.meta.filename,
  does: 'Calls every operation of the custodian without a client certificate. On its own port none may give an HTTP answer: the handshake itself must fail. On the enrolment port, which asks for none, each must be refused with a problem and nothing else. The operator\'s certificate must then reach the custodian at the same place with the same question, or the silence would mean nothing.',
  timeMsMax: 60_000,
  run: async ({ authority, custodian, random }) => {
    const problem = await askWithoutCertificate(custodian.endpoint, authority)
      ?? await askWhereEnrolled(custodian.enrolment, authority)
      ?? await askAsOperator(custodian, random)
    if (problem !== undefined) return fails(problem)
    return holds(`${paths.length} operations closed to a client without a certificate, and refused at the enrolment port; the operator's certificate is heard`)
  },
}

async function askWithoutCertificate(endpoint: Endpoint, authority: string): Promise<string | undefined> {
  for (const path of paths) {
    const answer = await exchangeTls(endpoint, authority, requestBytes({ method: 'POST', path, body: question }))
    const status = statusOf(answer)
    if (status !== undefined) return `${addressOf(endpoint)} answers ${path} with ${status} to a client without a certificate`
    if (!answer.isClosed) return `${addressOf(endpoint)} keeps a connection without a certificate open`
  }
  return undefined
}

async function askWhereEnrolled(endpoint: Endpoint, authority: string): Promise<string | undefined> {
  for (const path of paths) {
    const answer = await ask(endpoint, authority, { method: 'POST', path, body: question })
    if (answer.status < 400 || answer.status > 499) return `${addressOf(endpoint)} answers ${path} with ${answer.status} to a client without a certificate`
    if (!isProblemOnly(answer)) return `${addressOf(endpoint)} hands out more than a problem with its ${answer.status} to ${path}`
  }
  return undefined
}

/** A refusal's body is the problem document and has no room for anything else. */
function isProblemOnly({ text }: ApiAnswer): boolean {
  const json = parseStrictJson(Buffer.from(text), problemBounds)
  return json.ok && problemSchema.safeParse(json.value).success
}

/** The positive control: the custodian's signature over our challenge shows that it is there, and that a certificate counts. */
async function askAsOperator({ attempt, statementKey }: CustodianView, random: Random): Promise<string | undefined> {
  const challenge = newChallenge(random)
  const attempted = await attempt('/v1/secrets', { names: [...question.names] }, challenge)
  const problem = problemOfRefusal(attempted, { challenge, caller: 'operator', reasons: notPermitted, statementKey: await statementKey() })
  return problem === undefined ? undefined : `the refusals mean nothing, for a certificate changes nothing: ${problem}`
}
