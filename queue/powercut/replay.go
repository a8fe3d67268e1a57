package powercut

import (
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Replay pulls the plug again and again while it plays a recording, and has what is
// left opened.
type Replay struct {
	Store string            // the path under which the store was recorded
	Start map[string][]byte // the files that were there at the start, safe
	To    string            // a folder where what is left can be laid and opened
	Dice  *rand.Rand
	Every int     // one of so many operations is cut after, and every promise; 0: all
	Share float64 // and of these, about how many; 0: all
	Lossy bool    // see [Disk]
	// Kept looks at the store that is left at path; nil is [Promises.Kept].
	Kept func(path string, p *Promises) error

	States int // that were looked at, so far

	seed maphash.Seed
	seen map[uint64]bool
}

// Play plays a recording and returns the first promise that was not kept.
func (r *Replay) Play(ops []Op) error {
	r.seed, r.seen = maphash.MakeSeed(), map[uint64]bool{}
	disk, promises := NewDisk(r.Start), NewPromises()
	disk.Lossy = r.Lossy
	promised := 0
	for i, op := range ops {
		if op.Kind == Mark {
			promises.Take(op.Name)
			promised++
			continue
		}
		due := i > 0 && (ops[i-1].Kind == Mark || i%max(r.Every, 1) == 0)
		if due && (r.Share == 0 || r.Dice.Float64() < r.Share) {
			if err := r.cut(disk, promises, promised); err != nil {
				return err
			}
		}
		disk.Apply(op)
	}
	return r.cut(disk, promises, promised)
}

// cut pulls the plug in every way.
func (r *Replay) cut(disk *Disk, promises *Promises, promised int) error {
	kept := r.Kept
	if kept == nil {
		kept = func(path string, p *Promises) error { return p.Kept(path) }
	}
	for _, way := range []Way{Nothing, Everything, Some, Torn, Garbled} {
		files := disk.Cut(way, r.Dice)
		if !r.isNew(files, promised) {
			continue
		}
		r.States++
		path, err := r.Lay(files)
		if err != nil {
			return err
		}
		if err := kept(path, promises); err != nil {
			return err
		}
	}
	return nil
}

// isNew reports whether these files were not looked at under these promises yet.
func (r *Replay) isNew(files map[string][]byte, promised int) bool {
	var h maphash.Hash
	h.SetSeed(r.seed)
	maphash.WriteComparable(&h, promised)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		maphash.WriteComparable(&h, name)
		maphash.WriteComparable(&h, len(files[name]))
		_, _ = h.Write(files[name]) // never fails
	}
	sum := h.Sum64()
	was := r.seen[sum]
	r.seen[sum] = true
	return !was
}

// Lay puts files into the folder, in place of those before, and returns the path of
// the store among them. Lock and ballast stay: they promise nothing.
func (r *Replay) Lay(files map[string][]byte) (string, error) {
	name := filepath.Base(r.Store)
	path := filepath.Join(r.To, name)
	old, err := filepath.Glob(path + "*")
	if err != nil {
		return "", err
	}
	for _, file := range old {
		if strings.HasSuffix(file, ".lock") || strings.HasSuffix(file, ".ballast") {
			continue
		}
		if err := os.Remove(file); err != nil {
			return "", err
		}
	}
	for file, text := range files {
		if strings.HasSuffix(file, ".ballast") {
			continue
		}
		if err := os.WriteFile(path+strings.TrimPrefix(file, r.Store), text, 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}
