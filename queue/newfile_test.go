package queue

import (
	"encoding/binary"
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
		"pragma page_size":                   "4096",
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

// A first start of an older version that a power cut broke off left an empty file and a
// rollback journal, which is of no file that is made now.
func TestAnOldJournalIsNotPlayedOverTheFirstFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "posagent.db")
	must(t, errors.Join(os.WriteFile(path, nil, 0o600), os.WriteFile(path+"-journal", journalOfNothing(), 0o600)))
	must(t, makeFile(path))
	db, err := sql.Open("sqlite3", "file:"+path)
	must(t, err)
	defer db.Close()
	var pages int
	if err := db.QueryRow("pragma page_count").Scan(&pages); err != nil || pages != 1 {
		t.Errorf("%d pages (%v) are left of the file, want its one", pages, err)
	}
}

// journalOfNothing is the journal of a first write, of a database that was empty before:
// its head, without pages (SQLite's file format, "The Rollback Journal").
func journalOfNothing() []byte {
	const sector = 512
	j := make([]byte, 2*sector)
	copy(j, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
	binary.BigEndian.PutUint32(j[20:], sector)
	binary.BigEndian.PutUint32(j[24:], 4096) // the page size of then
	return j
}

// A link to a store that is not there says where it is to be: there it is made, with its
// lock, or refused where its folder is not there either, as on a card that was not mounted.
func TestALinkIsNoPlaceForAStore(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "deep", "card"), 0o700))
	must(t, os.Symlink("deep/card", filepath.Join(dir, "card")))
	target := filepath.Join(dir, "deep", "real.db")
	for _, to := range []string{target, "card/../real.db", "other"} {
		link := filepath.Join(dir, "posagent.db")
		must(t, os.Symlink(to, link))
		if to == "other" {
			must(t, os.Symlink("deep/real.db", filepath.Join(dir, "other")))
		}
		s, err := Open(link)
		must(t, err)
		if _, err := Open(target); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: opened by its own name as well: %v, want ErrInUse", to, err)
		}
		must(t, s.Close())
		must(t, removeStores(target, link))
	}
	link := filepath.Join(dir, "posagent.db")
	must(t, os.Symlink(filepath.Join(dir, "nowhere", "real.db"), link))
	if s, err := Open(link); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on a card that is not there: %v, %v, want ErrNotExist", s, err)
	}
	if to, err := os.Readlink(link); err != nil {
		t.Errorf("the link is gone: %s, %v", to, err)
	}
	must(t, os.Symlink("round", filepath.Join(dir, "round")))
	if _, err := Open(filepath.Join(dir, "round")); err == nil {
		t.Error("a link to itself was opened")
	}
}
