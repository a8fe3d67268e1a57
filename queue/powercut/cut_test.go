package powercut

import (
	"flag"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	long = flag.Bool("long", false, "play every cut and every fault, not a sample")
	seed = flag.Uint64("seed", 0, "of what is left to chance; 0: a new one each time")
)

// dice are seeded anew each time, and say with what.
func dice(t *testing.T) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// cutter replays a recording and cuts it.
type cutter struct {
	t      *testing.T
	dir    string // where the store was recorded
	to     string // where it is opened again
	dice   *rand.Rand
	every  int     // one of so many storage operations is cut after, and every promise
	share  float64 // of these, how many
	lossy  bool
	seed   maphash.Seed
	seen   map[uint64]bool
	states int
}

func newCutter(t *testing.T, dir string, d *rand.Rand) *cutter {
	return &cutter{t: t, dir: dir, to: fastDir(t), dice: d, every: 1, share: 1, seed: maphash.MakeSeed(), seen: map[uint64]bool{}}
}

// fastDir is a folder in memory where there is one: what is opened in it has lost
// its power already.
func fastDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "powercut-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// cut plays a cut after each operation, in every way, and returns the first
// promise that was not kept.
func (c *cutter) cut(ops []Op) error {
	disk, promises := NewDisk(nil), NewPromises()
	disk.Lossy = c.lossy
	promised := 0
	for i, op := range ops {
		if op.Kind == Mark {
			promises.Take(op.Name)
			promised++
			continue
		}
		due := i > 0 && (ops[i-1].Kind == Mark || i%c.every == 0)
		if due && c.dice.Float64() < c.share {
			if err := c.leave(disk, promises, promised); err != nil {
				return err
			}
		}
		disk.Apply(op)
	}
	return c.leave(disk, promises, promised)
}

func (c *cutter) leave(disk *Disk, promises *Promises, promised int) error {
	for _, way := range []Way{Nothing, Everything, Some, Torn} {
		files := disk.Cut(way, c.dice)
		if !c.isNew(files, promised) {
			continue
		}
		c.states++
		if err := promises.Kept(c.lay(files)); err != nil {
			return err
		}
	}
	return nil
}

// isNew reports whether these files were not looked at under these promises yet.
func (c *cutter) isNew(files map[string][]byte, promised int) bool {
	var h maphash.Hash
	h.SetSeed(c.seed)
	maphash.WriteComparable(&h, promised)
	for _, name := range []string{"posagent.db", "posagent.db-wal"} {
		text, there := files[filepath.Join(c.dir, name)]
		maphash.WriteComparable(&h, there)
		maphash.WriteComparable(&h, len(text))
		_, _ = h.Write(text)
	}
	sum := h.Sum64()
	was := c.seen[sum]
	c.seen[sum] = true
	return !was
}

// lay puts files where they can be opened, and nothing else.
func (c *cutter) lay(files map[string][]byte) string {
	path := filepath.Join(c.to, "posagent.db")
	old, err := filepath.Glob(path + "*")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range old {
		if !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, ".ballast") {
			if err := os.Remove(name); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.to, strings.TrimPrefix(name, c.dir)), text, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	return path
}

// Whenever the plug is pulled, and whatever the disk makes of what was not synced:
// what was stored, sent or told is there, what was refused is not, and the store
// opens and goes on.
func TestNoPowerCutBreaksAPromise(t *testing.T) {
	dir := t.TempDir()
	ops, _ := tell(t, dir, storyFault{})
	c := newCutter(t, dir, dice(t))
	if !*long {
		c.every = 5
	}
	if err := c.cut(ops); err != nil {
		t.Error(err)
	}
	t.Logf("%d operations and promises, %d states after a power cut", len(ops), c.states)
}
