// Where the tests of nodes take place.
import type { TestCassandra } from '../../../../../deploy/dev/testing/testing.ts';
import type { ClusterStage } from '../cluster-stage.ts';

export interface Place {
  readonly cassandra: TestCassandra;
  readonly stage: ClusterStage;
}
