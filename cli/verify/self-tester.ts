import { request, type Agent } from 'node:https'
import { selfTestResponseSchema } from '@ngome/contracts'
import type { Config, Identity } from '@ngome/runtime'
import { NotReached, type SelfTester } from '@ngome/verify'
import { processAgent } from '../operator/process-agent.ts'

/** A self-test is one call to the custodian or one connection; a process that needs longer does not answer. */
const answerMsMax = 10_000

/** Asks a process, as the operator, to attempt what it must not do. */
export function selfTester(identity: () => Promise<Identity>, config: Config): SelfTester {
  return {
    selfTest: async (process, name, body) => {
      const { host, port } = internalPlace(config, process)
      const agent = processAgent(await identity(), process)
      const { status, text } = await post({ agent, host, port, path: `/self-test/${name}` }, body)
      if (status !== 200) throw new NotReached(`the ${process} answered its self-test ${name} with ${status}`)
      return selfTestResponseSchema.parse(JSON.parse(text))
    },
  }
}

/** The custodian has no public side: all that it serves is internal. */
function internalPlace(config: Config, process: 'gateway' | 'custodian' | 'dispatcher'): { host: string; port: number } {
  if (process === 'custodian') return config.custodian
  const { internalHost, internalPort } = config[process]
  return { host: internalHost, port: internalPort }
}

type Where = { readonly agent: Agent; readonly host: string; readonly port: number; readonly path: string }

function post({ agent, host, port, path }: Where, body: unknown): Promise<{ status: number; text: string }> {
  const bytes = Buffer.from(JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent, host, port, path, method: 'POST', timeout: answerMsMax,
      headers: { 'content-type': 'application/json', 'content-length': bytes.length },
    }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', (error) => reject(new NotReached(`a process does not answer its self-test (${error.message})`)))
    outgoing.end(bytes)
  })
}
