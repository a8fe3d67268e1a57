package virtual

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// through sends text over a bad line in lumps of a size and returns what came
// out of each direction, what had been done, and how many lumps went out.
func through(t *testing.T, seed uint64, d Damage, text []byte, size int) (out, in []byte, harm [2]Harm, lumps int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := NewBadLine(here, seed, d, d)
		var got bytes.Buffer
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			b := make([]byte, len(text)*2)
			for {
				n, err := there.Read(b)
				if err != nil {
					return
				}
				got.Write(b[:n])
				lumps++
			}
		}()
		go func() {
			for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
				_, _ = l.Write(rest[:min(size, len(rest))]) // What is lost shows in the comparison.
				_, _ = there.Write(rest[:min(size, len(rest))])
			}
		}()
		read := make(chan struct{})
		go func() {
			defer close(read)
			in, _ = io.ReadAll(l) // Ends with the error of the closed line.
		}()
		time.Sleep(24 * time.Hour) // Virtual: until nothing moves any more.
		harm[0], harm[1] = l.Harm()
		check(t, l.Close())
		<-read
		<-drained
		out = got.Bytes()
	})
	return out, in, harm, lumps
}

func TestGoodLineChangesNothing(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 100)
	out, in, _, lumps := through(t, 1, Damage{}, text, 50)
	if !bytes.Equal(out, text) || !bytes.Equal(in, text) || lumps != 20 {
		t.Errorf("%d and %d bytes in %d lumps, want %d in 20", len(out), len(in), lumps, len(text))
	}
}

func TestDamageIsTheSameForASeedHoweverTheBytesAreCut(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 400)
	d := Damage{Drop: 0.02, Double: 0.02, Flip: 0.02, Stall: 0.01, Split: 0.05, Merge: 0.5}
	out1, in1, harm1, _ := through(t, 7, d, text, 1)
	out2, in2, harm2, _ := through(t, 7, d, text, 333)
	if !bytes.Equal(out1, out2) || !bytes.Equal(in1, in2) {
		t.Error("the same seed did other damage")
	}
	harm1[0].Merges, harm2[0].Merges, harm1[1].Merges, harm2[1].Merges = 0, 0, 0, 0
	if harm1 != harm2 {
		t.Errorf("harm %+v, then %+v", harm1, harm2)
	}
	out3, _, _, _ := through(t, 8, d, text, 333)
	if bytes.Equal(out1, out3) || bytes.Equal(out1, in1) {
		t.Error("another seed or direction did the same damage")
	}
}

func TestDamageIsDoneAtTheStatedRates(t *testing.T) {
	const n, rate = 200_000, 0.01
	text := bytes.Repeat([]byte{0x55}, n)
	for name, d := range map[string]Damage{
		"drop": {Drop: rate}, "double": {Double: rate}, "flip": {Flip: rate},
		"stall": {Stall: rate}, "split": {Split: rate},
	} {
		out, _, harm, lumps := through(t, 3, d, text, 4096)
		flipped := len(out) - bytes.Count(out, []byte{0x55})
		h := harm[0]
		seen := map[string]int{"drop": n - len(out), "double": len(out) - n, "flip": flipped, "stall": h.Stalls, "split": h.Splits}[name]
		if dev := math.Abs(float64(seen) - n*rate); dev > 4*math.Sqrt(n*rate) {
			t.Errorf("%s hit %d of %d bytes, want about %.0f", name, seen, n, n*rate)
		}
		if counted := h.Dropped + h.Doubled + h.Flipped + h.Stalls + h.Splits; counted != seen || h.Bytes != n {
			t.Errorf("%s: %d counted of %d bytes, %d seen", name, counted, h.Bytes, seen)
		}
		if (name == "split" || name == "stall") != (lumps > n/4096+1) {
			t.Errorf("%s: %d lumps", name, lumps)
		}
	}
}

func TestMergedLumpsLoseNothing(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 100)
	out, in, harm, lumps := through(t, 1, Damage{Merge: 1}, text, 10)
	if !bytes.Equal(out, text) || !bytes.Equal(in, text) {
		t.Errorf("%d and %d bytes, want %d", len(out), len(in), len(text))
	}
	if harm[0].Merges == 0 || lumps != 100-harm[0].Merges {
		t.Errorf("%d merges made %d lumps of 100", harm[0].Merges, lumps)
	}
}

func TestCutLineLosesEverythingUntilItIsPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := NewBadLine(here, 1, Damage{}, Damage{})
		l.SetCut(true)
		_, err := l.Write([]byte("lost"))
		check(t, err)
		synctest.Wait()
		l.SetCut(false)
		_, err = l.Write([]byte("kept"))
		check(t, err)
		b := make([]byte, 10)
		n, err := there.Read(b)
		if out, _ := l.Harm(); string(b[:n]) != "kept" || err != nil || out.Cut != 4 {
			t.Errorf("%q, %v, %d bytes cut, want kept, 4", b[:n], err, out.Cut)
		}
		check(t, l.Close())
		if _, err := l.Write([]byte("x")); err == nil {
			t.Error("a closed line took a write")
		}
		_ = there.Close() // The other end is closed already.
	})
}

func TestHangUpBeneathShowsInReadAndWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		l := NewBadLine(here, 1, Damage{}, Damage{})
		check(t, there.Close())
		if _, err := l.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("Read: %v, want the line's own error", err)
		}
		if _, err := l.Write([]byte("x")); err == nil {
			t.Error("a dead line took a write")
		}
		check(t, l.Close())
	})
}

func TestSalesOnABadLineAreEachTakenOnceAndToldRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Damage{Drop: 0.001, Double: 0.001, Flip: 0.001, Stall: 0.0005, Split: 0.02, Merge: 0.1, StallFor: 700 * time.Millisecond}
		here, there := net.Pipe()
		line := NewBadLine(here, 11, d, d)
		taken := map[string]string{} // the ledger: id to status
		s := &desk{agent: newAgent(t, there), script: func(r asked) told { return ledger(taken, r) }}
		go s.run()
		ctx, cancel := context.WithCancel(t.Context())
		r := New(line, Options{Name: "lane1", Events: true})
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		till := NewTill(r, openBook(t, filepath.Join(t.TempDir(), "notebook")), TillOptions{})
		const sales = 60
		for i := range sales {
			id := fmt.Sprintf("L1_%04d", i)
			state, err := till.Sell(ctx, Sale{ID: id, Method: "ALIPAY_CN", AmountMinor: int64(i) + 1, Currency: "SGD"})
			if err != nil || state.PaymentStatus != taken[id] {
				t.Errorf("%s told %q, %v, ledger says %q", id, state.PaymentStatus, err, taken[id])
			}
		}
		c := r.Counts()
		out, in := line.Harm()
		if len(taken) != sales || c.Damaged == 0 || c.Resends == 0 || out.Flipped == 0 || in.Dropped == 0 {
			t.Errorf("%d payments of %d sales; nothing was damaged? %+v, %+v, %+v", len(taken), sales, c, out, in)
		}
		cancel()
		check(t, <-ended)
		_ = there.Close() // The other end is closed already.
	})
}

// ledger is an agent that decides at once: every third payment is declined.
func ledger(taken map[string]string, r asked) told {
	status := taken[r.ID]
	switch r.Method {
	case "inquiryPayment":
		if status == "" {
			return told{body: r.says("F", "AGENT_NOT_FOUND", "")}
		}
		return told{body: r.says("S", "SUCCESS", members(r.ID, status, true, 2))}
	case "pay":
		if status == "" {
			status = []string{"SUCCESS", "SUCCESS", "FAIL"}[len(taken)%3]
			taken[r.ID] = status
		}
		return r.takenOn(event(members(r.ID, status, true, 2)))
	}
	return r.ok()
}
