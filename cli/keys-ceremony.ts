import { sharesMax } from '@ngome/contracts'
import { ceremonySocketPath, successorSocketPath } from '@ngome/runtime'
import { makeShares } from './ceremony/make-shares.ts'
import { Terminal } from './ceremony/terminal.ts'
import { unseal } from './ceremony/unseal.ts'
import { exitCodes, Misuse, type Command, type Given } from './command.ts'
import { configOf } from './operator/load.ts'

export const keysCeremony: Command = {
  name: 'keys ceremony',
  summary: 'Bring a custodian that waits for its root key the shares of its holders, each entered alone; or make them; or replace them.',
  operands: [],
  options: {
    init: { type: 'boolean', about: 'make the root key and its shares, on first run; each is shown to one holder' },
    rotate: { type: 'boolean', about: 'replace the root key of a running custodian: with --shares and --threshold a new set is made, then a quorum of it is entered' },
    shares: { type: 'string', value: 'N', about: `with --init or --rotate: how many holders, 2 to ${sharesMax}` },
    threshold: { type: 'string', value: 'K', about: 'with --init or --rotate: how many of them bring the root key back' },
  },
  async run(context, given) {
    const wish = wishOf(given)
    const config = configOf(context)
    if (config.custodian.rootKey.kind !== 'shares') throw new Misuse('the root key of this configuration is not of shares: NGOME_ROOT_KEY=shares')
    const isRotation = given.options['rotate'] === true
    const path = isRotation ? successorSocketPath(config) : ceremonySocketPath(config)
    // What is said to holders is no result: with --json, standard output has the outcome alone.
    const terminal = new Terminal(context.err, context.isTerminal)
    try {
      if (wish !== undefined) await makeShares(path, wish, { terminal, isRotation })
      // A set becomes the root's when its holders have shown that they have it.
      if (wish === undefined || isRotation) await unseal(path, { terminal, isRotation })
    } finally {
      terminal.close()
    }
    if (given.isJson) context.out(JSON.stringify({ state: 'unsealed' }))
    return exitCodes.done
  },
}

function wishOf({ options, isJson }: Given): { readonly shares: number; readonly threshold: number } | undefined {
  const { init, rotate, shares, threshold } = options
  if (init === true && rotate === true) throw new Misuse('--init is for the first set, --rotate for every later one')
  const isCounted = shares !== undefined || threshold !== undefined
  if (init !== true && (rotate !== true || !isCounted)) {
    if (isCounted) throw new Misuse('--shares and --threshold belong to --init or --rotate')
    return undefined
  }
  const option = init === true ? '--init' : '--rotate'
  if (isJson) throw new Misuse(`${option} shows each share to its holder alone, and has no --json`)
  const wish = { shares: Number(shares), threshold: Number(threshold) }
  const isCount = (count: number): boolean => Number.isInteger(count) && count >= 2 && count <= sharesMax
  if (!isCount(wish.shares) || !isCount(wish.threshold) || wish.threshold > wish.shares) {
    throw new Misuse(`${option} needs --shares N and --threshold K, of 2 to ${sharesMax}, K not above N`)
  }
  return wish
}
