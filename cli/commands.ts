import type { Command } from './command.ts'
import { nameIn } from './parse-command-line.ts'

/** Every command, in the order of the help page. All of them load as much again as the one that is typed. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  'up': async () => (await import('./up.ts')).up,
  'demo': async () => (await import('./demo.ts')).demo,
  'status': async () => (await import('./status.ts')).status,
  'merchants add': async () => (await import('./merchants-add.ts')).merchantsAdd,
  'merchants list': async () => (await import('./merchants-list.ts')).merchantsList,
  'merchants freeze': async () => (await import('./merchants-freeze.ts')).merchantsFreeze,
  'merchants unfreeze': async () => (await import('./merchants-unfreeze.ts')).merchantsUnfreeze,
  'merchants policy': async () => (await import('./merchants-policy.ts')).merchantsPolicy,
  'merchants limits': async () => (await import('./merchants-limits.ts')).merchantsLimits,
  'merchants origins add': async () => (await import('./merchants-origins-add.ts')).merchantsOriginsAdd,
  'merchants origins remove': async () => (await import('./merchants-origins-remove.ts')).merchantsOriginsRemove,
  'merchants origins list': async () => (await import('./merchants-origins-list.ts')).merchantsOriginsList,
  'merchants keys add': async () => (await import('./merchants-keys-add.ts')).merchantsKeysAdd,
  'merchants keys make': async () => (await import('./merchants-keys-make.ts')).merchantsKeysMake,
  'merchants keys list': async () => (await import('./merchants-keys-list.ts')).merchantsKeysList,
  'merchants keys revoke': async () => (await import('./merchants-keys-revoke.ts')).merchantsKeysRevoke,
  'keys issue': async () => (await import('./keys-issue.ts')).keysIssue,
  'keys list': async () => (await import('./keys-list.ts')).keysList,
  'keys roll': async () => (await import('./keys-roll.ts')).keysRoll,
  'keys scan': async () => (await import('./keys-scan.ts')).keysScan,
  'keys revoke': async () => (await import('./keys-revoke.ts')).keysRevoke,
  'keys ceremony': async () => (await import('./keys-ceremony.ts')).keysCeremony,
  'keys rotate': async () => (await import('./keys-rotate.ts')).keysRotate,
  'keys rotations': async () => (await import('./keys-rotations.ts')).keysRotations,
  'keys inventory': async () => (await import('./keys-inventory.ts')).keysInventory,
  'keys destroy': async () => (await import('./keys-destroy.ts')).keysDestroy,
  'keys cancel': async () => (await import('./keys-cancel.ts')).keysCancel,
  'keys certificate': async () => (await import('./keys-certificate.ts')).keysCertificate,
  'keys unrestrict': async () => (await import('./keys-unrestrict.ts')).keysUnrestrict,
  'certificates list': async () => (await import('./certificates-list.ts')).certificatesList,
  'certificates revoke': async () => (await import('./certificates-revoke.ts')).certificatesRevoke,
  'staff enrol': async () => (await import('./staff-enrol.ts')).staffEnrol,
  'staff list': async () => (await import('./staff-list.ts')).staffList,
  'staff approvals': async () => (await import('./staff-approvals.ts')).staffApprovals,
  'staff approve': async () => (await import('./staff-approve.ts')).staffApprove,
  'staff execute': async () => (await import('./staff-execute.ts')).staffExecute,
  'staff retire': async () => (await import('./staff-retire.ts')).staffRetire,
  'reveal payment': async () => (await import('./reveal-payment.ts')).revealPayment,
  'events': async () => (await import('./events.ts')).events,
  'ledger check': async () => (await import('./ledger-check.ts')).ledgerCheck,
  'ledger rebuild-sums': async () => (await import('./ledger-rebuild-sums.ts')).ledgerRebuildSums,
  'settle run': async () => (await import('./settle-run.ts')).settleRun,
  'settle list': async () => (await import('./settle-list.ts')).settleList,
  'settle paid': async () => (await import('./settle-paid.ts')).settlePaid,
  'settle failed': async () => (await import('./settle-failed.ts')).settleFailed,
  'reconcile import': async () => (await import('./reconcile-import.ts')).reconcileImport,
  'reconcile match': async () => (await import('./reconcile-match.ts')).reconcileMatch,
  'reconcile status': async () => (await import('./reconcile-status.ts')).reconcileStatus,
  'reconcile differences': async () => (await import('./reconcile-differences.ts')).reconcileDifferences,
  'reconcile show': async () => (await import('./reconcile-show.ts')).reconcileShow,
  'reconcile resolve': async () => (await import('./reconcile-resolve.ts')).reconcileResolve,
  'reconcile release': async () => (await import('./reconcile-release.ts')).reconcileRelease,
  'statements export': async () => (await import('./statements-export.ts')).statementsExport,
  'vault import': async () => (await import('./vault-import.ts')).vaultImport,
  'vault pin': async () => (await import('./vault-pin.ts')).vaultPin,
  'payments recheck': async () => (await import('./payments-recheck.ts')).paymentsRecheck,
  'payments stuck': async () => (await import('./payments-stuck.ts')).paymentsStuck,
  'providers check': async () => (await import('./providers-check.ts')).providersCheck,
  'networks list': async () => (await import('./networks-list.ts')).networksList,
  'networks maintenance add': async () => (await import('./networks-maintenance-add.ts')).networksMaintenanceAdd,
  'networks maintenance remove': async () => (await import('./networks-maintenance-remove.ts')).networksMaintenanceRemove,
  'networks maintenance list': async () => (await import('./networks-maintenance-list.ts')).networksMaintenanceList,
  'bans list': async () => (await import('./bans-list.ts')).bansList,
  'bans add': async () => (await import('./bans-add.ts')).bansAdd,
  'bans remove': async () => (await import('./bans-remove.ts')).bansRemove,
  'forwards allow': async () => (await import('./forwards-allow.ts')).forwardsAllow,
  'forwards list': async () => (await import('./forwards-list.ts')).forwardsList,
  'forwards remove': async () => (await import('./forwards-remove.ts')).forwardsRemove,
  'tls check': async () => (await import('./tls-check.ts')).tlsCheck,
  'tls calendar': async () => (await import('./tls-calendar.ts')).tlsCalendar,
  'tls acme status': async () => (await import('./tls-acme-status.ts')).tlsAcmeStatus,
  'tls acme renew': async () => (await import('./tls-acme-renew.ts')).tlsAcmeRenew,
  'tls pins add': async () => (await import('./tls-pins-add.ts')).tlsPinsAdd,
  'tls pins remove': async () => (await import('./tls-pins-remove.ts')).tlsPinsRemove,
  'tls pins list': async () => (await import('./tls-pins-list.ts')).tlsPinsList,
  'verify': async () => (await import('./verify.ts')).verify,
}

/** The names by which commands are found. */
export const commandNames: readonly string[] = Object.keys(loaders)

/** What has to be loaded to answer this command line: the command that it names, or else all. */
export async function commandsFor(args: readonly string[]): Promise<readonly Command[]> {
  const load = loaders[nameIn(commandNames, args) ?? '']
  return load === undefined ? allCommands() : [await load()]
}

export function allCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(loaders).map((load) => load()))
}
