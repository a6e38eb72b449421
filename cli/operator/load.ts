import type { KeyObject } from 'node:crypto'
import { loadConfig, type Config, type CustodianClient, type Identity } from '@ngome/runtime'
import type { Database } from '@ngome/store'
import type { Context } from '../command.ts'
import { auditorDatabase, operatorDatabase, operatorIdentity } from './operator-access.ts'
import type { StaffRole } from '../staff/mint-staff-token.ts'
import type { Person } from '../staff/staff-key.ts'
import type { OperatorAccess } from './create-merchant.ts'

/** The configuration, with paths relative to the clone wherever the command was typed. */
export function configOf({ env, root }: Pick<Context, 'env' | 'root'>): Config {
  return loadConfig(env, { workingDir: root })
}

/** Runs `use` with the database in the operator's role, and closes it. */
export async function withDatabase<R>(context: Context, use: (db: Database, config: Config) => Promise<R>): Promise<R> {
  const config = configOf(context)
  const db = operatorDatabase(config)
  try {
    return await use(db, config)
  } finally {
    await db.close()
  }
}

/** Runs `use` with the database in the auditor's role, which reads all and writes nothing, and closes it. */
export async function withAuditor<R>(context: Context, use: (db: Database) => Promise<R>): Promise<R> {
  const db = auditorDatabase(configOf(context))
  try {
    return await use(db)
  } finally {
    await db.close()
  }
}

/** Runs `use` with the custodian, as the operator, or as the person whose key it is; as the auditor where that is enough. */
export async function withCustodian<R>(
  context: Context, use: (custodian: CustodianClient) => Promise<R>,
  as: { readonly person?: Person | undefined; readonly role?: StaffRole } = {},
): Promise<R> {
  const { clock, random } = context
  const operator = await operatorIdentity(configOf(context), { clock, random, ...as })
  try {
    return await use(operator.custodian)
  } finally {
    operator.close()
  }
}

/** As an operator has it who also checks what the custodian signed. */
type ProvingAccess = OperatorAccess & { readonly identity: Identity; readonly statementKey: KeyObject }

/** Runs `use` with the database and the custodian, as the operator, or as the person whose key it is. */
export async function withOperator<R>(
  context: Context, use: (access: ProvingAccess, config: Config) => Promise<R>, person?: Person,
): Promise<R> {
  return withDatabase(context, async (db, config) => {
    const { clock, random } = context
    const operator = await operatorIdentity(config, { clock, random, person })
    try {
      return await use({ db, custodian: operator.custodian, clock, random, identity: operator.identity, statementKey: operator.identity.statementKey }, config)
    } finally {
      operator.close()
    }
  })
}
