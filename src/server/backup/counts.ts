// What is counted of backups, for the metrics.
import { Outcomes } from '../telemetry/outcomes.ts';

export class BackupCounts extends Outcomes {
  /** Entries that were kept, replaced ones included. */
  entriesPut = 0;
}
