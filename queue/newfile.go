package queue

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// suffixNew is a store's first file until all of it is on the disk.
const suffixNew = ".new"

// pageBytes is the size of a page, that of a block of the system's: a page whose block is
// spoilt by a power cut is in the log, and what would share its block might not be.
const pageBytes = 4096

// makeFile makes the store's file where there is none, or an empty one: a database
// without tables, in WAL mode, for the owner alone. It has its name only once it is
// whole. SQLite would let others read it, and would write its first page over the
// empty file behind a rollback journal, whose name it does not make durable where it
// is built to sync with fdatasync: a power cut would leave neither.
func makeFile(path string) error {
	dir := filepath.Dir(path)
	if st, err := os.Stat(path); err == nil && st.Size() > 0 {
		return syncDir(dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := dropJournal(path)
	if err == nil {
		err = writeFile(path+suffixNew, emptyDatabase())
	}
	if err == nil {
		err = os.Rename(path+suffixNew, path)
	}
	if err != nil {
		return errors.Join(err, removeStores(path+suffixNew))
	}
	return syncDir(dir)
}

// dropJournal removes the rollback journal that a first start of an older version left
// beside an empty file when the power went: SQLite would take the new file back to none
// by it. Its name is gone for good before the new file has its own.
func dropJournal(path string) error {
	err := os.Remove(path + "-journal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncDir(filepath.Dir(path)))
}

// writeFile makes a durable file, for the owner alone; its name is not durable yet.
func writeFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// emptyDatabase is the one page of a database of ours that has no tables yet
// (SQLite's file format, "The Database Header" and "B-tree Pages").
func emptyDatabase() []byte {
	const (
		wal        = 2  // the file format of writers and readers
		utf8       = 1  // the encoding of texts
		formatOfDB = 4  // of its schema
		leaf       = 13 // a b-tree page of a table, without children
	)
	page := make([]byte, pageBytes)
	copy(page, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(page[16:], pageBytes)
	page[18], page[19] = wal, wal
	page[21], page[22], page[23] = 64, 32, 32            // payload fractions, which are fixed
	binary.BigEndian.PutUint32(page[24:], 1)             // how often it was changed
	binary.BigEndian.PutUint32(page[28:], 1)             // its size in pages
	binary.BigEndian.PutUint32(page[44:], formatOfDB)    //
	binary.BigEndian.PutUint32(page[56:], utf8)          //
	binary.BigEndian.PutUint32(page[68:], applicationID) //
	binary.BigEndian.PutUint32(page[92:], 1)             // the change at which its size was noted
	page[100] = leaf                                     // with no cells:
	binary.BigEndian.PutUint16(page[105:], pageBytes)    // they would begin at its end
	return page
}
