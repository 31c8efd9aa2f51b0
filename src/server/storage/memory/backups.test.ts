import { backupsContract } from '../backups.contract.ts';
import { MemoryBackups } from './backups.ts';

backupsContract('memory', async () => ({ store: new MemoryBackups() }));
