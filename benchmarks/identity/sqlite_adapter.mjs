// What the peer keeps, in SQLite on disk: every write is one durable commit (WAL, synchronous=FULL),
// as ours is. One table; the payload is JSON as the provider hands it over.
import Database from 'better-sqlite3';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS kept (
  key TEXT PRIMARY KEY, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, user_code TEXT,
  expires_at INTEGER, consumed_at INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_grant ON kept (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS kept_uid ON kept (uid) WHERE uid IS NOT NULL;
CREATE INDEX IF NOT EXISTS kept_user_code ON kept (user_code) WHERE user_code IS NOT NULL;
`;

const now = () => Math.floor(Date.now() / 1000);

// The adapter class of one database file (oidc-provider, "adapter").
export function sqliteAdapter(file) {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(SCHEMA);
  const columns = 'SELECT payload, expires_at, consumed_at FROM kept WHERE';
  const put = db.prepare(
    `INSERT INTO kept (key, payload, grant_id, uid, user_code, expires_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
       uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`,
  );
  const byKey = db.prepare(`${columns} key = ?`);
  const byUid = db.prepare(`${columns} uid = ?`);
  const byUserCode = db.prepare(`${columns} user_code = ?`);
  const consume = db.prepare('UPDATE kept SET consumed_at = ? WHERE key = ?');
  const remove = db.prepare('DELETE FROM kept WHERE key = ?');
  const removeGrant = db.prepare('DELETE FROM kept WHERE grant_id = ?');

  const read = (row) => {
    if (!row || (row.expires_at && row.expires_at <= now())) return undefined;
    const payload = JSON.parse(row.payload);
    return row.consumed_at ? { ...payload, consumed: row.consumed_at } : payload;
  };

  return class SQLiteAdapter {
    constructor(model) {
      this.key = (id) => `${model}:${id}`;
    }

    async upsert(id, payload, expiresIn) {
      put.run(
        this.key(id), JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null,
        payload.userCode ?? null, expiresIn ? now() + expiresIn : null,
      );
    }

    async find(id) {
      return read(byKey.get(this.key(id)));
    }

    async findByUid(uid) {
      return read(byUid.get(uid));
    }

    async findByUserCode(userCode) {
      return read(byUserCode.get(userCode));
    }

    async consume(id) {
      consume.run(now(), this.key(id));
    }

    async destroy(id) {
      remove.run(this.key(id));
    }

    async revokeByGrantId(grantId) {
      removeGrant.run(grantId);
    }
  };
}
