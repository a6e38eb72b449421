import { ambientFetch } from './ambient.ts'
import { concat, type Bytes } from './bytes.ts'
import { AnswerError, ConnectionError, misconfigured, NgomeError } from './errors.ts'
import { tooLarge, type Transport, type TransportAnswer, type TransportOptions, type TransportRequest } from './transport.ts'

/**
 * The transport of browsers and of other runtimes with `fetch`. It cannot look at certificates.
 * @throws ConfigurationError where pins or authorities are asked for
 */
export function fetchTransport({ ca, pins }: TransportOptions): Transport {
  if (pins !== undefined || ca !== undefined) throw misconfigured('pins and ca are not possible here: this runtime shows no certificates')
  return { send, close: () => undefined }
}

async function send(request: TransportRequest): Promise<TransportAnswer> {
  const { method, url, headers, body, signal } = request
  try {
    const answer = await ambientFetch(url, {
      method, headers, signal, redirect: 'manual', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer',
      ...(body === undefined ? {} : { body }),
    })
    if (answer.type === 'opaqueredirect') throw new AnswerError({ code: 'sdk/redirect_refused', message: 'the answer redirects, which the API does not' })
    return { status: answer.status, header: (name) => answer.headers.get(name) ?? undefined, body: await readBody(answer, request) }
  } catch (error) {
    if (error instanceof NgomeError) throw error
    throw new ConnectionError({ code: 'sdk/connection_failed', message: 'no whole answer came', cause: error })
  }
}

async function readBody({ body }: Response, { answerBytesMax }: TransportRequest): Promise<Bytes> {
  const reader = (body as ReadableStream<Uint8Array> | null)?.getReader()
  const chunks: Uint8Array[] = []
  for (let length = 0; reader !== undefined;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > answerBytesMax) {
      await reader.cancel()
      throw tooLarge(answerBytesMax)
    }
    chunks.push(value)
  }
  return concat(...chunks)
}
