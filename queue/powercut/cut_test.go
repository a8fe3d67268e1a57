package powercut

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// replayOf replays what was recorded of the store in dir.
func replayOf(t *testing.T, dir string, d *rand.Rand) *Replay {
	return &Replay{Store: filepath.Join(dir, "posagent.db"), To: fastDir(t), Dice: d}
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

// Whenever the plug is pulled, and whatever the disk makes of what was not synced:
// what was stored, sent or told is there, what was refused is not, and the store
// opens and goes on.
func TestNoPowerCutBreaksAPromise(t *testing.T) {
	dir := t.TempDir()
	ops, _ := tell(t, dir, storyFault{})
	r := replayOf(t, dir, dice(t))
	if !*long {
		r.Every = 10
	}
	if err := r.Play(ops); err != nil {
		t.Error(err)
	}
	t.Logf("%d operations and promises, %d states after a power cut", len(ops), r.States)
}
