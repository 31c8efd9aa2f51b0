import { storeContract } from '../contract.ts';
import { InMemoryStore } from './store.ts';

storeContract({ name: 'memory', open: async (now) => ({ store: new InMemoryStore(now) }) });
