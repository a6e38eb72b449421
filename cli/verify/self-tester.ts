import { selfTestResponseSchema } from '@ngome/contracts'
import type { Config, Identity } from '@ngome/runtime'
import { NotReached, type SelfTester } from '@ngome/verify'
import { postToProcess } from '../operator/post-to-process.ts'
import { processAgent } from '../operator/process-agent.ts'

/** A self-test is one call to the custodian or one connection; a process that needs longer does not answer. */
const answerMsMax = 10_000

/** Asks a process, as the operator, to attempt what it must not do. */
export function selfTester(identity: () => Promise<Identity>, config: Config): SelfTester {
  return {
    selfTest: async (process, name, body) => {
      const { host, port } = internalPlace(config, process)
      const agent = processAgent(await identity(), process)
      const { status, text } = await postToProcess({ agent, host, port, path: `/self-test/${name}` }, body, answerMsMax).catch((error: unknown) => {
        throw new NotReached(`a process does not answer its self-test (${error instanceof Error ? error.message : 'unknown'})`)
      })
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
