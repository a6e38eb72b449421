import { request, type RequestOptions } from 'node:https'

/**
 * What a server answers to one request, for the bare server to answer byte for byte, but for its date and what Node adds
 * to every connection.
 */
export async function answerOf(
  options: RequestOptions, body?: string,
): Promise<{ readonly headers: readonly string[]; readonly body: string }> {
  const answer = await new Promise<{ rawHeaders: readonly string[]; text: string }>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', servername: 'localhost', agent: false, ...options }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => text += chunk)
      incoming.once('end', () => resolve({ rawHeaders: incoming.rawHeaders, text }))
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
  const headers: string[] = []
  for (let at = 0; at < answer.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = answer.rawHeaders.slice(at, at + 2)
    if (!['date', 'connection', 'keep-alive'].includes(name.toLowerCase())) headers.push(name, value)
  }
  return { headers, body: answer.text }
}
