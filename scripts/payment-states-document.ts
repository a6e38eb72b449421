import { paymentDirections } from '@ngome/contracts'
import { documentTransferRules, initialStatuses, paymentStates, paymentTransitions, transferRules } from '@ngome/payments'

/** docs/payment-states.md, made of the tables that code and database obey. */
export function paymentStatesDocument(): string {
  const begins = paymentDirections.flatMap((direction) => initialStatuses[direction].map((status) => `  [*] --> ${status}: ${direction}`))
  const changes = new Map<string, string[]>()
  for (const { from, to, by } of paymentTransitions) {
    const name = `  ${from} --> ${to}`
    changes.set(name, [...changes.get(name) ?? [], by])
  }
  return `# The states of a payment

Made by \`npm run generate:docs\` from the tables in [packages/payments](../packages/payments/README.md), which the code obeys and of which
the database has a copy; tests compare all three. A payment is a movement of money in one of three directions:
${paymentDirections.join(', ')}.

\`\`\`mermaid
stateDiagram-v2
${begins.join('\n')}
${[...changes].map(([name, by]) => `${name}: ${by.join(', ')}`).join('\n')}
\`\`\`

Beside an arrow stands the process that makes the change; the database refuses it to any other.

| state | its transfers | meaning |
|---|---|---|
${Object.entries(paymentStates).map(([status, { transfers, meaning }]) => `| \`${status}\` | ${transfers} | ${meaning} |`).join('\n')}

## Transfers
Each payment begins with the transfers of its direction, as \`pending\`; they end with it. A share of nothing is no transfer.
Those that end in \`_reversal\` are mirrors, which begin and end when the network takes the payment back: then it comes to nothing in the books,
the fee too. What a collection had brought is a debt from then on, whatever is left of it ([ADR 45](adr/0045-what-is-taken-back-is-owed.md)).

| kind | of a | from | into | share | must be there |
|---|---|---|---|---|---|
${Object.entries(transferRules).map(([kind, rule]) =>
  `| \`${kind}\` | ${rule.direction} | ${rule.debit} | ${rule.credit} | ${rule.share} | ${rule.needsCover ? 'yes' : 'no'} |`).join('\n')}

What is of no payment moves the whole amount of its document at once: a settlement to the merchant's bank (\`stl_\`), or an adjustment
(\`adj_\`) by which the operator corrects what a network's books and ours differ by, or by which the platform repays what a merchant owes of what
is available.

| kind | of | from | into | must be there |
|---|---|---|---|---|
${Object.entries(documentTransferRules).map(([kind, rule]) =>
  `| \`${kind}\` | ${rule.document} | ${rule.debit} | ${rule.credit} | ${[...rule.needsCover ? ['yes'] : [], ...rule.needsDebt ? ['the debt'] : []].join(', and ') || 'no'} |`).join('\n')}
`
}
