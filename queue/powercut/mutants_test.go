package powercut

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var everyMutant = flag.Bool("mutants", false, "plant every mutant and show it to every proof")

// mutant is a fault as payment agents are written with it: patches to a copy of the
// tree.
type mutant struct {
	name    string
	patches []patch
	proof   string // one that must catch it; the rest may
	cheap   bool   // shown to its proof in every run
}

// patch replaces a text that is in a file once.
type patch struct{ file, old, by string }

// proof is a command that must fail on a mutant, run in the copy.
type proof struct {
	name string
	args []string
}

const (
	byCuts    = "power cuts"
	byFaults  = "failing operations"
	byStarts  = "failing starts"
	byUnsync  = "unsynced starts"
	byRefusal = "refusals"
	byTrace   = "power cuts, traced program"
	byTorture = "torture"
	byShop    = "a cruel gateway"
	byForger  = "a forger"
)

func proofs() []proof {
	return []proof{
		{byCuts, []string{"./queue/powercut", "-run", "TestNoPowerCutBreaksAPromise"}},
		{byFaults, []string{"./queue/powercut", "-run", "TestNoFailingOperationBreaksAPromise"}},
		{byStarts, []string{"./queue/powercut", "-run", "TestAStartOnAFailingDisk"}},
		{byUnsync, []string{"./queue/powercut", "-run", "TestNothingIsBuiltOnACommit"}},
		{byRefusal, []string{"./queue/powercut", "-run", "TestWhatWasRefused"}},
		{byTrace, []string{"./cmd/posagent", "-run", "TestNoPowerCutMakesTheProgram"}},
		{byTorture, []string{"./cmd/posagent", "-run", "TestTheAgentIsKilled", "-torture", "60"}},
		{byShop, []string{"./cmd/posagent", "-run", "TestWhateverHappensToAnAnswer"}},
		{byForger, []string{"./cmd/posagent", "-run", "TestAForgedWord"}},
	}
}

func mutants() []mutant {
	return []mutant{
		{name: "NORMAL instead of EXTRA", cheap: true, proof: byCuts, patches: []patch{
			{"queue/dial.go", `{"synchronous", "3"}`, `{"synchronous", "1"}`},
			{"queue/dial.go", "_synchronous=EXTRA", "_synchronous=NORMAL"},
		}},
		{name: "answer before commit", proof: byCuts, patches: []patch{
			{"queue/flush.go", "\t\t\tl.save(now)\n\t\t}\n\t\ttouched", "\t\t\tfor _, it := range l.touched {\n" +
				"\t\t\t\tit.base().tell(nil)\n\t\t\t}\n\t\t\tl.save(now)\n\t\t}\n\t\ttouched"},
		}},
		{name: "send before store", proof: byCuts, patches: []patch{
			{"queue/flush.go", "\t\t\tl.save(now)\n\t\t}\n\t\ttouched", "\t\t\tfor _, it := range l.touched {\n" +
				"\t\t\t\tif it.base().act != None {\n\t\t\t\t\tl.perform(ctx, it)\n\t\t\t\t}\n\t\t\t}\n\t\t\tl.save(now)\n\t\t}\n\t\ttouched"},
			{"queue/entry.go", "\trow := p.saved\n\tif act == Pay", "\trow := p.row\n\tif act == Pay"},
			{"queue/entry.go", "\trow := r.saved\n\tif act == GiveBack", "\trow := r.row\n\tif act == GiveBack"},
		}},
		{name: "sent when made ready", cheap: true, proof: byCuts, patches: []patch{
			{"queue/ready.go", "call := l.o.Gateway.Pay(r.row)", "a := l.o.Gateway.Pay(r.row)(context.Background())\n" +
				"\t\tcall := func(context.Context) Answer { return a }"},
		}},
		{name: "commits that share a block", cheap: true, proof: byCuts, patches: []patch{
			{"queue/dial.go", "?psow=0&", "?"},
		}},
		{name: "delivery forgotten", cheap: true, proof: byCuts, patches: []patch{
			{"queue/reads.go", "(ended_seq = 0 or delivered != rev or reversal", "(ended_seq = 0 or reversal"},
		}},
		{name: "refused without burial", cheap: true, proof: byRefusal, patches: []patch{
			{"queue/flush.go", "if !errors.Is(err, errRead) && l.commit(now, nil) == nil {", "if clear(l.bury); true {"},
		}},
		{name: "a failing disk taken for damage", proof: byStarts, patches: []patch{
			{"queue/check.go", "case unreadable(verdict):", "case false:"},
		}},
		{name: "built on an unsynced log", cheap: true, proof: byUnsync, patches: []patch{
			{"queue/checkpoint.go", "\tif !s.unsettled {", "\tif true {"},
		}},
		{name: "unsigned believed", cheap: true, proof: byForger, patches: []patch{
			{"antom/judge.go", "\treturn time.Time{}, fmt.Errorf(\"%w: %w\", ErrSignature, ErrUnsigned)\n", "\treturn c.opts.Now(), nil\n"},
		}},
	}
}

// Faults are planted in a copy of the tree, one by one, and each must be found: a
// proof that catches no mutant is none. Every run sees whether all of them can still
// be planted, and shows the cheap ones to their proof; -mutants shows each to every
// proof.
func TestTheProofsCatchTheMutants(t *testing.T) {
	if raced {
		t.Skip("planted in the run without the race detector")
	}
	tree := copyTree(t)
	if *everyMutant { // the copy as it is passes, or nothing that follows means anything
		for _, p := range proofs() {
			if caught, out := show(t, tree, p); caught {
				t.Fatalf("%s fails without any mutant:\n%s", p.name, out)
			}
		}
	}
	for _, m := range mutants() {
		if m.cheap || *everyMutant {
			catch(t, tree, m)
		} else {
			plant(t, tree, m)() // a patch that fits no more is noticed at once
		}
	}
}

func catch(t *testing.T, tree string, m mutant) {
	t.Helper()
	undo := plant(t, tree, m)
	defer undo()
	var by []string
	for _, p := range proofs() {
		if p.name != m.proof && !*everyMutant {
			continue
		}
		caught, out := show(t, tree, p)
		switch {
		case caught && !bytes.Contains(out, []byte("--- FAIL")):
			t.Errorf("%s does not run under %s:\n%s", m.name, p.name, out)
		case caught:
			by = append(by, p.name)
		case p.name == m.proof:
			t.Errorf("%s is not caught by %s", m.name, p.name)
		}
	}
	t.Logf("%-32s → %s", m.name, strings.Join(by, ", "))
}

// show runs a proof in the tree, and reports whether it failed.
func show(t *testing.T, tree string, p proof) (failed bool, out []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-count=1", "-timeout=8m"}, p.args...)...)
	cmd.Dir = tree
	out, err := cmd.CombinedOutput()
	return err != nil, out
}

// plant patches the tree, and returns what takes the patches back.
func plant(t *testing.T, tree string, m mutant) (undo func()) {
	t.Helper()
	was := map[string][]byte{}
	for _, p := range m.patches {
		path := filepath.Join(tree, p.file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if was[path] == nil {
			was[path] = text
		}
		if n := bytes.Count(text, []byte(p.old)); n != 1 {
			t.Fatalf("%s: %q is in %s %d times: bring the patch up to date", m.name, p.old, p.file, n)
		}
		write(t, path, bytes.Replace(text, []byte(p.old), []byte(p.by), 1))
	}
	return func() {
		for path, text := range was {
			write(t, path, text)
		}
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies what the Go command needs of the tree.
func copyTree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "packaging" || d.Name() == "corpus"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o600)
	})
	if err != nil {
		t.Fatal(fmt.Errorf("copy the tree: %w", err))
	}
	return to
}
