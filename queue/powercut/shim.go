package powercut

/*
#cgo LDFLAGS: -lpthread
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"path/filepath"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // whose SQLite gets the VFS
)

// Fault is what a failing disk does.
type Fault int

// The faults.
const (
	EIO  Fault = C.PC_EIO  // the operation fails and nothing of it is done
	Full Fault = C.PC_FULL // writes fail for lack of room; anything else as with EIO
	Half Fault = C.PC_HALF // as Full, and half of the write is done

	Syncs Fault = C.PC_SYNCS // as EIO, but only syncs are counted and fail
)

// Install makes the recording VFS the one that SQLite uses from now on in this
// program, under a store that knows nothing of it. Files that are not recorded
// are passed through to the system. There is one recording at a time.
func Install() error {
	if rc := C.pc_install(); rc != 0 {
		return fmt.Errorf("install the recording VFS: code %d of SQLite's", int(rc))
	}
	return nil
}

// Record begins a recording of every file whose path begins with prefix, and
// forgets the one before. Syncs of these files are written down and not made.
func Record(prefix string) {
	p := C.CString(prefix)
	defer C.free(unsafe.Pointer(p))
	C.pc_record(p)
}

// FailAt has the operation with that number fail, counted from 1 since Record,
// and with forever every one after it. 0 ends the fault.
func FailAt(number int64, forever bool, f Fault) {
	always := C.int(0)
	if forever {
		always = 1
	}
	C.pc_fail(C.int64_t(number), always, C.int(f))
}

// Done is how many operations since Record could have been made to fail: opens,
// reads, writes, truncates, syncs, deletes, questions of size, and maps of shared
// memory.
func Done() int64 { return int64(C.pc_done()) }

// Note puts a mark into the recording: what was done before it is before it.
func Note(text string) {
	t := C.CString(text)
	defer C.free(unsafe.Pointer(t))
	C.pc_mark(t)
}

// Recorded returns what was written down since Record. SQLite syncs the folder
// with the first sync of a new log, and with most deletes; that is spelt out.
func Recorded() []Op {
	var list []Op
	fresh := map[string]bool{}
	for i := range int(C.pc_count()) {
		op := recorded(i)
		list = append(list, op)
		named := op.Kind == Sync && !op.Failed && fresh[op.Name] || op.Kind == Delete && op.Offset == 1
		if named {
			list = append(list, Op{Kind: SyncDir, Name: filepath.Dir(op.Name)})
		}
		if op.Kind == Create || named {
			fresh[op.Name] = op.Kind == Create
		}
	}
	return list
}

func recorded(i int) Op {
	op := C.pc_at(C.int(i))
	return Op{
		Kind: Kind(op.kind), Failed: op.failed != 0, Offset: int64(op.offset),
		Name: C.GoString(op.name), Data: C.GoBytes(unsafe.Pointer(op.data), op.n),
	}
}
