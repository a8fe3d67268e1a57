package powercut

import (
	"iter"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// Way is how a power cut treats what was not synced.
type Way int

// The ways.
const (
	Nothing    Way = iota // of it is there
	Everything            // is there
	Some                  // any of the operations, and names up to some point
	Torn                  // any of their sectors
	Garbled               // any of the blocks they lie in, and garbage in others of these
)

// sector is what most disks write whole, block what the system gives a disk at once. A
// memory card whose power fails may leave anything in a block that it was given, also
// where the system only gave it back what was there.
const sector, block = 512, 4096

// Disk is the files of a process, and what a power cut would leave of them. Only
// a sync of a file makes its bytes safe, and only a sync of its folder its name:
// that is what POSIX promises, and less than most filesystems do.
type Disk struct {
	// Lossy: a sync that fails loses what it was for, and the next one does not
	// mend that (as Linux's page cache may). Otherwise the next one does.
	Lossy bool

	names map[string]*inode // as the process sees them
	safe  map[string]*inode // as the disk has them
	moves []move            // between the two, in order
}

type inode struct {
	safe    []byte
	pending []Op
}

// move is a change of names that no sync has made safe yet.
type move struct {
	dir string
	do  func(map[string]*inode)
}

// NewDisk returns a disk with the given files on it, all of them safe.
func NewDisk(files map[string][]byte) *Disk {
	d := &Disk{names: map[string]*inode{}, safe: map[string]*inode{}}
	for name, text := range files {
		d.place(name).safe = slices.Clone(text)
	}
	return d
}

// place returns the file of a name. One that nobody was seen to create was there
// before.
func (d *Disk) place(name string) *inode {
	f := d.names[name]
	if f == nil {
		f = &inode{}
		d.names[name], d.safe[name] = f, f
	}
	return f
}

// Apply carries an operation out.
func (d *Disk) Apply(op Op) {
	switch op.Kind {
	case Create:
		f := &inode{}
		d.move(op.Name, func(names map[string]*inode) { names[op.Name] = f })
	case Delete:
		d.move(op.Name, func(names map[string]*inode) { delete(names, op.Name) })
	case Rename:
		f := d.place(op.Name)
		d.move(op.Name, func(names map[string]*inode) {
			names[op.To] = f
			delete(names, op.Name)
		})
	case Write, Truncate:
		f := d.place(op.Name)
		f.pending = append(f.pending, op)
	case Copy:
		f := d.place(op.To)
		text := d.place(op.Name).left(Everything, nil)
		at := len(f.left(Everything, nil))
		f.pending = append(f.pending, Op{Kind: Write, Name: op.To, Offset: int64(at), Data: text[at : at+int(op.Offset)]})
	case Sync:
		d.place(op.Name).sync(op.Failed, d.Lossy)
	case SyncDir:
		d.syncDir(op)
	case There:
		*d.place(op.Name) = inode{safe: slices.Clone(op.Data)}
	case Mark:
	}
}

func (d *Disk) move(name string, do func(map[string]*inode)) {
	do(d.names)
	d.moves = append(d.moves, move{filepath.Dir(name), do})
}

func (d *Disk) syncDir(op Op) {
	d.moves = slices.DeleteFunc(d.moves, func(m move) bool {
		if op.Failed || m.dir != op.Name {
			return false
		}
		m.do(d.safe)
		return true
	})
}

func (f *inode) sync(failed, lossy bool) {
	if !failed {
		f.safe = f.left(Everything, nil)
	}
	if !failed || lossy {
		f.pending = nil
	}
}

// Cut returns the files that a power cut now would leave. Dice decide where the
// way leaves anything to chance.
func (d *Disk) Cut(way Way, dice *rand.Rand) map[string][]byte {
	names, moved := maps.Clone(d.safe), 0
	switch way {
	case Everything:
		moved = len(d.moves)
	case Some, Torn, Garbled:
		moved = dice.IntN(len(d.moves) + 1)
	case Nothing:
	}
	for _, m := range d.moves[:moved] {
		m.do(names)
	}
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		files[name] = names[name].left(way, dice)
	}
	return files
}

// left is what is left of a file's bytes.
func (f *inode) left(way Way, dice *rand.Rand) []byte {
	if way == Nothing || len(f.pending) == 0 {
		return f.safe
	}
	text := slices.Clone(f.safe)
	for _, op := range f.pending {
		switch {
		case way != Everything && (way == Some || op.Kind == Truncate) && dice.IntN(2) == 0:
		case op.Kind == Truncate:
			text = sized(text, int(op.Offset))
		case way == Torn:
			text = tear(text, op, dice)
		case way == Garbled:
			text = garble(text, op, dice)
		default:
			text = put(text, int(op.Offset), op.Data)
		}
	}
	return text
}

// tear writes some sectors of a write.
func tear(text []byte, op Op, dice *rand.Rand) []byte {
	for at, data := range pieces(op, sector) {
		if dice.IntN(2) == 0 {
			text = put(text, at, data)
		}
	}
	return text
}

// garble writes some blocks of a write, and spoils others, with all that lies in them.
func garble(text []byte, op Op, dice *rand.Rand) []byte {
	for at, data := range pieces(op, block) {
		switch dice.IntN(3) {
		case 0:
			text = put(text, at, data)
		case 1:
			text = put(text, at, data) // for its length
			from := at - at%block
			spoil(text[from:min(from+block, len(text))], dice)
		}
	}
	return text
}

// pieces are the parts of a write that lie in one unit of the disk each, and where.
func pieces(op Op, unit int) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		at, data := int(op.Offset), op.Data
		for len(data) > 0 {
			n := min(unit-at%unit, len(data))
			if !yield(at, data[:n]) {
				return
			}
			at, data = at+n, data[n:]
		}
	}
}

func spoil(text []byte, dice *rand.Rand) {
	for i := range text {
		text[i] = byte(dice.Uint32())
	}
}

func put(text []byte, at int, data []byte) []byte {
	text = sized(text, max(len(text), at+len(data)))
	copy(text[at:], data)
	return text
}

// sized cuts or grows text; what it grows by is zero.
func sized(text []byte, n int) []byte {
	if n <= len(text) {
		return text[:n:n]
	}
	return append(text, make([]byte, n-len(text))...)
}
