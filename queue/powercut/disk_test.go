package powercut

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// left is what a cut in a way leaves, as "name=text" in order.
func left(d *Disk, way Way) string {
	var list []string
	for name, text := range d.Cut(way, rand.New(rand.NewPCG(1, 1))) {
		list = append(list, name+"="+string(text))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestACutLeavesWhatWasSyncedAndMayLeaveTheRest(t *testing.T) {
	write := func(name string, at int64, text string) Op {
		return Op{Kind: Write, Name: name, Offset: at, Data: []byte(text)}
	}
	for _, c := range []struct {
		name          string
		ops           []Op
		nothing, rest string
	}{
		{"a write", []Op{write("/d/a", 1, "XY")}, "/d/a=abc", "/d/a=aXY"},
		{"a synced write", []Op{write("/d/a", 1, "XY"), {Kind: Sync, Name: "/d/a"}}, "/d/a=aXY", "/d/a=aXY"},
		{"a failed sync", []Op{write("/d/a", 1, "XY"), {Kind: Sync, Name: "/d/a", Failed: true}}, "/d/a=abc", "/d/a=aXY"},
		{"a write behind the end", []Op{write("/d/a", 4, "X")}, "/d/a=abc", "/d/a=abc\x00X"},
		{"a truncate", []Op{{Kind: Truncate, Name: "/d/a", Offset: 1}}, "/d/a=abc", "/d/a=a"},
		{"a new file", []Op{{Kind: Create, Name: "/d/b"}, write("/d/b", 0, "B"), {Kind: Sync, Name: "/d/b"}}, "/d/a=abc", "/d/a=abc /d/b=B"},
		{"a new file, its name synced", []Op{{Kind: Create, Name: "/d/b"}, {Kind: SyncDir, Name: "/d"}}, "/d/a=abc /d/b=", "/d/a=abc /d/b="},
		{"a delete", []Op{{Kind: Delete, Name: "/d/a"}}, "/d/a=abc", ""},
		{"a rename", []Op{{Kind: Rename, Name: "/d/a", To: "/d/b"}}, "/d/a=abc", "/d/b=abc"},
		{"a rename, synced", []Op{{Kind: Rename, Name: "/d/a", To: "/d/b"}, {Kind: SyncDir, Name: "/d"}}, "/d/b=abc", "/d/b=abc"},
		{"a copy", []Op{{Kind: Create, Name: "/d/b"}, {Kind: Copy, Name: "/d/a", To: "/d/b", Offset: 3}}, "/d/a=abc", "/d/a=abc /d/b=abc"},
	} {
		d := NewDisk(map[string][]byte{"/d/a": []byte("abc")})
		for _, op := range c.ops {
			d.Apply(op)
		}
		if got := left(d, Nothing); got != c.nothing {
			t.Errorf("%s, nothing that was not synced: %q, want %q", c.name, got, c.nothing)
		}
		if got := left(d, Everything); got != c.rest {
			t.Errorf("%s, everything: %q, want %q", c.name, got, c.rest)
		}
	}
}

// A disk that forgets what a failed sync was for does not have it after the next
// sync either; another one does.
func TestALossyDiskForgetsWhatAFailedSyncWasFor(t *testing.T) {
	for lossy, want := range map[bool]string{true: "/d/a=abc", false: "/d/a=Xbc"} {
		d := NewDisk(map[string][]byte{"/d/a": []byte("abc")})
		d.Lossy = lossy
		d.Apply(Op{Kind: Write, Name: "/d/a", Data: []byte("X")})
		d.Apply(Op{Kind: Sync, Name: "/d/a", Failed: true})
		d.Apply(Op{Kind: Sync, Name: "/d/a"})
		if got := left(d, Nothing); got != want {
			t.Errorf("lossy %v: %q, want %q", lossy, got, want)
		}
	}
}

func TestATornWriteIsTornAtSectors(t *testing.T) {
	d := NewDisk(map[string][]byte{"/d/a": make([]byte, 4096)})
	d.Apply(Op{Kind: Write, Name: "/d/a", Data: []byte(strings.Repeat("X", 4096))})
	text := d.Cut(Torn, rand.New(rand.NewPCG(1, 1)))["/d/a"]
	for i := 0; i < len(text); i += sector {
		if part := string(text[i : i+sector]); part != strings.Repeat("X", sector) && part != strings.Repeat("\x00", sector) {
			t.Fatalf("the sector at %d is torn itself", i)
		}
	}
	if n := strings.Count(string(text), "X"); n == 0 || n == 4096 {
		t.Errorf("%d bytes of 4096 were written", n)
	}
}

// A trace as strace writes it, with a call that another thread interrupts: what is
// said counts from its beginning, what is done to files from its end.
func TestATraceIsReadAsItHappened(t *testing.T) {
	f, err := os.Open("testdata/trace.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ops, err := ParseTrace(f, "/tmp/a.db", nil, func(path string, data []byte) []string {
		return []string{path + " " + string(data)}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Op{
		{Kind: Create, Name: "/tmp/a.db"},
		{Kind: Write, Name: "/tmp/a.db", Offset: 10, Data: []byte("hello")},
		{Kind: Mark, Name: "/dev/pts/3 hi"},
		{Kind: Sync, Name: "/tmp/a.db"},
		{Kind: Rename, Name: "/tmp/a.db", To: "/tmp/a.db.b"},
		{Kind: Truncate, Name: "/tmp/a.db.b", Offset: 3},
		{Kind: SyncDir, Name: "/tmp"},
		{Kind: Delete, Name: "/tmp/a.db.b"},
	}
	equal := func(a, b Op) bool {
		return a.Kind == b.Kind && a.Name == b.Name && a.To == b.To && a.Offset == b.Offset && string(a.Data) == string(b.Data)
	}
	if !slices.EqualFunc(ops, want, equal) {
		t.Errorf("got  %+v\nwant %+v", ops, want)
	}
}

// A garbled write spoils the blocks that it lies in, what was safe in them too, and
// nothing beside them.
func TestAGarbledWriteSpoilsWholeBlocksAndNoOthers(t *testing.T) {
	before := strings.Repeat("O", 4*block)
	spoilt, written, left := 0, 0, 0
	for seed := range uint64(50) {
		d := NewDisk(map[string][]byte{"/d/a": []byte(before)})
		d.Apply(Op{Kind: Write, Name: "/d/a", Offset: block + 100, Data: []byte(strings.Repeat("X", block))})
		text := string(d.Cut(Garbled, rand.New(rand.NewPCG(seed, 1)))["/d/a"])
		if len(text) != 4*block || text[:block] != before[:block] || text[3*block:] != before[3*block:] {
			t.Fatal("it reaches beyond its blocks")
		}
		switch first := text[block : 2*block]; {
		case first == before[:block]:
			left++
		case first == before[:100]+strings.Repeat("X", block-100):
			written++
		case !strings.HasPrefix(first, before[:100]):
			spoilt++
		default:
			t.Fatal("a block is neither what it was, nor written, nor spoilt")
		}
	}
	if spoilt == 0 || written == 0 || left == 0 {
		t.Errorf("%d spoilt, %d written, %d left as they were", spoilt, written, left)
	}
}
