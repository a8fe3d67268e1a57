package queue

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"database/sql"
)

// The first page is written by us; that it is one is SQLite's to say.
func TestAnEmptyDatabaseIsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(path, emptyDatabase(), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, want := range map[string]string{
		"pragma integrity_check":             "ok",
		"pragma journal_mode":                "wal", // as it stands in the file: no one has asked for it
		"pragma page_size":                   "2048",
		"pragma page_count":                  "1",
		"pragma encoding":                    "UTF-8",
		"select count(*) from sqlite_schema": "0",
		"select cast(application_id as text) from pragma_application_id": "1886352225",
		"pragma user_version": "0",
	} {
		var got string
		if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
}

// Whatever a power cut or a person has left where the store is to be, short of a
// database, becomes one; and nothing is left beside it.
func TestTheFirstFileIsMadeAnew(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"nothing":           func(string) error { return nil },
		"an empty file":     func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"half of a new one": func(path string) error { return os.WriteFile(path+suffixNew, emptyDatabase()[:512], 0o600) },
		"a new one, and a name": func(path string) error {
			return errors.Join(os.WriteFile(path+suffixNew, emptyDatabase(), 0o600), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "posagent.db")
			if err := prepare(path); err != nil {
				t.Fatal(err)
			}
			s := openStore(t, path)
			if _, salvaged := s.Salvaged(); salvaged {
				t.Error("taken for damaged")
			}
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v: want a file for its owner alone", st, err)
			}
			if _, err := os.Stat(path + suffixNew); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("left behind: %v", err)
			}
		})
	}
}
