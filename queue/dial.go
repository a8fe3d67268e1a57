package queue

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// pragma is one setting that must hold on every connection, in the value in
// which SQLite reads it back.
type pragma struct{ name, value string }

// pragmas are the settings that make a commit survive a power cut, read back on every
// connection: SQLite falls back silently where a filesystem can't do WAL, and the
// driver ignores a misspelt key of the DSN.
func pragmas(writer bool) []pragma {
	// The system caches the file already; a page of SQLite's own is memory of ours,
	// and a sale needs some ten. What a commit of many changes must fit.
	queryOnly, cacheKiB := "1", "-128"
	if writer {
		queryOnly, cacheKiB = "0", "-512"
	}
	return []pragma{
		{"journal_mode", "wal"},
		{"synchronous", "3"},        // extra: holds even if WAL were lost to a rollback journal
		{"wal_autocheckpoint", "0"}, // see shorten
		{"cell_size_check", "1"},
		{"mmap_size", "0"},
		{"trusted_schema", "0"},
		{"busy_timeout", "5000"},
		{"query_only", queryOnly},
		{"cache_size", cacheKiB},
	}
}

// connector opens connections to one store file with every pragma set and read back.
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// dial returns a pool of size connections to path. Writers begin their commits
// with the lock already held, so that no commit fails half-way for a rival.
func dial(path string, writer bool, size int) *sql.DB {
	hook := func(conn *sqlite3.SQLiteConn) error { return applyPragmas(conn, pragmas(writer)) }
	db := sql.OpenDB(connector{
		driver: &sqlite3.SQLiteDriver{ConnectHook: hook},
		dsn:    dsn(path),
	})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

// dsn names a database file, whatever characters its path has. psow=0: SQLite is not to
// take it for granted that a power cut leaves what lies beside a write as it was, so no
// two commits share a block of 4 KiB in its log.
func dsn(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?psow=0&_txlock=immediate&_synchronous=EXTRA"
}

func applyPragmas(conn *sqlite3.SQLiteConn, want []pragma) error {
	for _, p := range want {
		if _, err := conn.Exec("pragma "+p.name+" = "+p.value, nil); err != nil {
			return fmt.Errorf("pragma %s: %w", p.name, err)
		}
		got, err := readPragma(conn, p.name)
		if err != nil {
			return fmt.Errorf("pragma %s: %w", p.name, err)
		}
		if got != p.value {
			return fmt.Errorf("pragma %s is %s after setting it to %s: payments would not be safe here; "+
				"put the store on a local disk with an ordinary filesystem (store.path)", p.name, got, p.value)
		}
	}
	return nil
}

func readPragma(conn *sqlite3.SQLiteConn, name string) (string, error) {
	rows, err := conn.Query("pragma "+name, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }() // nothing of a pragma is left to lose
	value := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(value); err != nil {
		return "", err
	}
	return strings.ToLower(fmt.Sprint(value[0])), nil
}
