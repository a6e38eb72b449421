import type { Problem } from './api/answers.ts'
import { fromUtf8 } from './bytes.ts'
import { AnswerError, errorOf } from './errors.ts'
import { parseRetryAfter } from './rate-limit-fields.ts'
import type { TransportAnswer } from './transport.ts'

/**
 * What an answer says.
 * @returns the parsed body of a success, `undefined` where it has none
 * @throws NgomeError the error of a problem document, or `AnswerError` for what is no answer of the API
 */
export function readAnswer(answer: TransportAnswer, context: { readonly origin: string; readonly nowMs: number }): unknown {
  const { status, header } = answer
  if (status >= 200 && status < 300) return answer.body.length === 0 ? undefined : parse(answer)
  const requestId = header('request-id')
  const retryAfterS = parseRetryAfter(header('retry-after'), context.nowMs)
  if (header('content-type')?.startsWith('application/problem+json') === true) {
    const problem = parse(answer)
    if (isProblem(problem)) throw errorOf({ ...problem, status }, { docsBase: context.origin, retryAfterS })
  }
  // A proxy in between answers so: what it says is not ours, its status still says whether to come back.
  const request_id = (requestId ?? 'no request id') as Problem['request_id']
  const code = status >= 300 && status < 400 ? 'sdk/redirect_refused' : 'sdk/no_problem_document'
  if (status < 400) throw new AnswerError({ code, message: `the answer has status ${status}, which the API does not use (${request_id})`, status, requestId })
  throw errorOf({ type: 'about:blank', title: `Answered with ${status} and no problem document.`, status, code, request_id }, { docsBase: context.origin, retryAfterS })
}

function parse(answer: TransportAnswer): unknown {
  try {
    return JSON.parse(fromUtf8(answer.body)) as unknown
  } catch {
    // The parser's own message quotes the body.
    throw new AnswerError({
      code: 'sdk/answer_malformed', message: `the answer of status ${answer.status} is not JSON`, status: answer.status,
      requestId: answer.header('request-id'),
    })
  }
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  const { code, title, request_id: requestId, errors } = value as Readonly<Record<string, unknown>>
  return typeof code === 'string' && typeof title === 'string' && typeof requestId === 'string' &&
    (errors === undefined || (Array.isArray(errors) && errors.every((one: unknown) => typeof one === 'object' && one !== null)))
}
