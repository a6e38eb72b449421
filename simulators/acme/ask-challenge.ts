import { request } from 'node:http'

const answerBytesMax = 1_024
const timeoutMs = 5_000

/**
 * Asks for a key authorization as RFC 8555 §8.3 says, over plain HTTP; nothing is followed.
 * @param at `host:port` to ask in the place of the name's own port 80
 */
export function askChallenge(name: string, token: string, at: string | undefined): Promise<string> {
  const [host, port] = at === undefined ? [name, 80] as const : [at.slice(0, at.lastIndexOf(':')), Number(at.slice(at.lastIndexOf(':') + 1))] as const
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, path: `/.well-known/acme-challenge/${token}`, headers: { host: name }, agent: false, timeout: timeoutMs }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        if (Buffer.concat(chunks).length > answerBytesMax) answer.destroy(new Error('an answer past the bound'))
      })
      answer.once('error', reject)
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8').trimEnd())
        else reject(new Error(`${answer.statusCode ?? 0}`))
      })
    })
    asking.once('timeout', () => { asking.destroy(new Error('no answer in time')) })
    asking.once('error', reject)
    asking.end()
  })
}
