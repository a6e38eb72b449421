import { bansAdd } from './bans-add.ts'
import { bansList } from './bans-list.ts'
import { bansRemove } from './bans-remove.ts'
import { certificatesList } from './certificates-list.ts'
import { certificatesRevoke } from './certificates-revoke.ts'
import type { Command } from './command.ts'
import { demo } from './demo.ts'
import { events } from './events.ts'
import { keysCeremony } from './keys-ceremony.ts'
import { forwardsAllow } from './forwards-allow.ts'
import { forwardsList } from './forwards-list.ts'
import { forwardsRemove } from './forwards-remove.ts'
import { keysIssue } from './keys-issue.ts'
import { keysList } from './keys-list.ts'
import { keysCancel } from './keys-cancel.ts'
import { keysCertificate } from './keys-certificate.ts'
import { keysDestroy } from './keys-destroy.ts'
import { keysInventory } from './keys-inventory.ts'
import { keysRoll } from './keys-roll.ts'
import { keysRotate } from './keys-rotate.ts'
import { keysRotations } from './keys-rotations.ts'
import { keysScan } from './keys-scan.ts'
import { keysRevoke } from './keys-revoke.ts'
import { keysUnrestrict } from './keys-unrestrict.ts'
import { merchantsAdd } from './merchants-add.ts'
import { merchantsFreeze } from './merchants-freeze.ts'
import { merchantsKeysAdd } from './merchants-keys-add.ts'
import { merchantsKeysList } from './merchants-keys-list.ts'
import { merchantsKeysMake } from './merchants-keys-make.ts'
import { merchantsKeysRevoke } from './merchants-keys-revoke.ts'
import { merchantsLimits } from './merchants-limits.ts'
import { merchantsList } from './merchants-list.ts'
import { merchantsOriginsAdd } from './merchants-origins-add.ts'
import { merchantsOriginsList } from './merchants-origins-list.ts'
import { merchantsOriginsRemove } from './merchants-origins-remove.ts'
import { merchantsPolicy } from './merchants-policy.ts'
import { merchantsUnfreeze } from './merchants-unfreeze.ts'
import { revealPayment } from './reveal-payment.ts'
import { staffApprovals } from './staff-approvals.ts'
import { staffApprove } from './staff-approve.ts'
import { staffEnrol } from './staff-enrol.ts'
import { staffExecute } from './staff-execute.ts'
import { staffList } from './staff-list.ts'
import { staffRetire } from './staff-retire.ts'
import { status } from './status.ts'
import { tlsCalendar } from './tls-calendar.ts'
import { tlsCheck } from './tls-check.ts'
import { tlsPinsAdd } from './tls-pins-add.ts'
import { tlsPinsList } from './tls-pins-list.ts'
import { tlsPinsRemove } from './tls-pins-remove.ts'
import { up } from './up.ts'
import { vaultImport } from './vault-import.ts'
import { vaultPin } from './vault-pin.ts'
import { verify } from './verify.ts'

/** Every command, in the order of the help page. */
export const commands: readonly Command[] = [
  up, demo, status, merchantsAdd, merchantsList, merchantsFreeze, merchantsUnfreeze, merchantsPolicy, merchantsLimits,
  merchantsOriginsAdd, merchantsOriginsRemove, merchantsOriginsList,
  merchantsKeysAdd, merchantsKeysMake, merchantsKeysList, merchantsKeysRevoke, keysIssue, keysList, keysRoll, keysScan, keysRevoke,
  keysCeremony, keysRotate, keysRotations, keysInventory, keysDestroy, keysCancel, keysCertificate, keysUnrestrict,
  merchantsKeysAdd, merchantsKeysMake, merchantsKeysList, merchantsKeysRevoke, keysIssue, keysList, keysRoll, keysScan, keysRevoke,
  keysCeremony, keysRotate, keysRotations, keysInventory, keysDestroy, keysCancel, keysCertificate, keysUnrestrict,
  certificatesList, certificatesRevoke, staffEnrol, staffList, staffApprovals, staffApprove, staffExecute, staffRetire,
  revealPayment, events, vaultImport, vaultPin,
  bansList, bansAdd, bansRemove, forwardsAllow, forwardsList, forwardsRemove,
  tlsCheck, tlsCalendar, tlsPinsAdd, tlsPinsRemove, tlsPinsList, verify,
]
