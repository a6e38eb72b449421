import { systemRandom } from '@ngome/kernel'
import { createRoles, migrate } from '@ngome/store'
import { describeDatabase, type TestDatabase, type TestServer } from '@ngome/testkit'

/** A migrated database on a server of the benchmark's own, which commits to disk as the tests' common one does not. */
export async function durableDatabase(server: TestServer, name: string): Promise<TestDatabase> {
  const database = describeDatabase(server, name)
  await createRoles(server.postgres.admin, name, server.passwords, systemRandom)
  await migrate(database.connection('ngome_migrator'))
  return database
}
