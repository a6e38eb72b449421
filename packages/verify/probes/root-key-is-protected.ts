import type { Random } from '@ngome/kernel'
import { newChallenge } from '../custodian/judge-refusal.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import type { MachineView } from '../isolation/machine-view.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, partial } from '../verdict.ts'

type Target = SelfTester & { readonly machine: () => Promise<MachineView>; readonly random: Random }

const rootKeyFile = 'custodian/root.key'
/** Tokens that are programs: they keep a key from the custodian's folder, and are no hardware. */
const inSoftware = /^softhsm/i
/** A root key that its holders bring: no file has it, and no hardware. */
const ofShares = 'software-shares'
const shareSetFile = 'custodian/root-shares.json'

export const rootKeyIsProtected: Probe<Target> = {
  id: 'root-key-is-protected',
  source: import.meta.filename,
  does: 'Looks into the custodian\'s folder for a root key, and has the custodian ask for the root key\'s value where it is kept, as a thief inside of it would: a token must refuse. A file with the key, or a token that gives it out, is a failure. A token that says that it is SoftHSM is partial, being no hardware; so is a root key of shares, which lies in no file and is in the custodian\'s memory.',
  run: async ({ selfTest, machine, random }) => {
    const { secretFiles } = await machine()
    if (!secretFiles.some(({ path }) => path === 'custodian/custodian.sqlite')) throw new NotReached('the custodian\'s folder cannot be seen')
    const { outcome, code } = await selfTest('custodian', 'root-key', { challenge: newChallenge(random) })
    if (secretFiles.some(({ path }) => path === rootKeyFile)) {
      return fails(`the root key is a file in the custodian's folder (${rootKeyFile}), unprotected: a copy of the disk is a copy of every key, and live API keys refuse to exist on it`)
    }
    const by = code ?? 'no word of what refused'
    if (outcome === 'allowed') return fails(`the root key can be taken out of where it is kept (${by})`)
    if (outcome !== 'refused') throw new NotReached(`the custodian did not try to take the root key out (${outcome})`)
    if (by === ofShares) {
      return secretFiles.some(({ path }) => path === shareSetFile)
        ? partial('missing: hardware, the root key is in the custodian\'s memory; in its folder there is none, and a quorum of holders brings it with their shares after each start')
        : fails(`the custodian says that its root key is of shares, and no set of shares is in its folder (${shareSetFile})`)
    }
    const evidence = `no root key in the custodian's folder; its own attempt to take the key out was refused (${by})`
    return inSoftware.test(by) ? partial(`missing: hardware, the token is a program; ${evidence}`) : holds(evidence)
  },
}
