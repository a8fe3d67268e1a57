package queue

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
)

// applicationID marks our files: "posa" in the header that file(1) reads.
const applicationID = 0x706f7361

// schemaShelves is the schema with which payments are put away.
const schemaShelves = 2

//go:embed schema/*.sql
var schema embed.FS

// versionOf returns the schema's version, 0 for a file that is still empty.
func versionOf(ctx context.Context, db *sql.DB) (int, error) {
	var id, version, tables int
	for query, n := range map[string]*int{
		"pragma application_id":              &id,
		"pragma user_version":                &version,
		"select count(*) from sqlite_schema": &tables,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(n); err != nil {
			return 0, err
		}
	}
	empty := id == 0 && version == 0 && tables == 0
	if !empty && id != applicationID {
		return 0, errForeign
	}
	return version, nil
}

// errForeign says that a database was not made by posagent.
var errForeign = errors.New("this is another program's database; set store.path to a file of posagent's own")

// migrate applies the schema files after version, each in one commit with its
// number.
func (s *Store) migrate(ctx context.Context, version int) error {
	files, err := schema.ReadDir("schema")
	if err != nil {
		return err
	}
	if version > len(files) {
		return newerSchema(version, len(files))
	}
	for n := version + 1; n <= len(files); n++ {
		text, err := schema.ReadFile("schema/" + files[n-1].Name())
		if err != nil {
			return err
		}
		if err := s.applySchema(ctx, n, string(text)); err != nil {
			return fmt.Errorf("schema %d: %w", n, err)
		}
	}
	return nil
}

// schemaVersion is the newest schema that this program knows.
func schemaVersion() (int, error) {
	files, err := schema.ReadDir("schema")
	return len(files), err
}

// newerSchema refuses a store of a version that this program does not know.
func newerSchema(version, known int) error {
	return fmt.Errorf("%w (schema %d, this one knows %d); install that version again, nothing was changed", errNewer, version, known)
}

// errNewer says that this program is too old for a store.
var errNewer = errors.New("written by a newer posagent")

func (s *Store) applySchema(ctx context.Context, n int, text string) error {
	return s.inOneCommit(ctx, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, fmt.Sprintf("%s;\npragma user_version = %d;\npragma application_id = %d;",
			text, n, applicationID))
		if err == nil && n == schemaShelves {
			err = takeOutUnclosed(ctx, db)
		}
		return err
	})
}
