import { Fault } from '@ngome/kernel'
import { CustodianRefusal } from '@ngome/runtime'

/**
 * The custodian tells nobody why it refuses. What an operator may have got wrong is few, so that it can be said here.
 * @returns what `answer` brings
 * @throws Fault `custodian/refused` with the explanation, where the custodian refused
 */
export async function explainRefusal<T>(answer: Promise<T>, explanation: string): Promise<T> {
  return answer.catch((error: unknown) => {
    throw error instanceof CustodianRefusal ? new Fault('custodian/refused', explanation, { cause: error }) : error
  })
}
