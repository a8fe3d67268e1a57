package virtual

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// lane is one direction of a BadLine.
type lane struct {
	d     Damage
	bytes *rand.Rand // drawn from a fixed number of times per byte
	lumps *rand.Rand // drawn from once per lump
	src   chan []byte
	put   func([]byte) bool // false ends the lane
	stop  <-chan struct{}
	cut   *atomic.Bool

	mu   sync.Mutex
	harm Harm
}

// fate is what happens to one byte.
type fate struct {
	drop, double, flip, stall, split bool
	bit                              int
}

// draw always takes six numbers, whatever they decide, so that every byte's
// fate depends on its place alone.
func (n *lane) draw() fate {
	hit := func(rate float64) bool { return n.bytes.Float64() < rate }
	return fate{
		drop: hit(n.d.Drop), double: hit(n.d.Double), flip: hit(n.d.Flip),
		stall: hit(n.d.Stall), split: hit(n.d.Split), bit: n.bytes.IntN(8),
	}
}

// offer hands a lump to the lane. It is false once the line is closed.
func (n *lane) offer(b []byte) bool {
	select {
	case n.src <- b:
		return true
	case <-n.stop:
		return false
	}
}

// run moves lumps until the line is closed, its source ends, or put fails.
func (n *lane) run() {
	for {
		select {
		case <-n.stop:
			return
		case b, ok := <-n.src:
			if !ok || !n.pass(n.merge(b)) {
				return
			}
		}
	}
}

// merge may hold a lump back and join the next to it.
func (n *lane) merge(b []byte) []byte {
	if n.lumps.Float64() >= n.d.Merge {
		return b
	}
	t := time.NewTimer(n.d.MergeFor)
	defer t.Stop()
	select {
	case next, ok := <-n.src:
		if ok {
			n.count(func(h *Harm) { h.Merges++ })
		}
		return append(b, next...)
	case <-t.C:
	case <-n.stop:
	}
	return b
}

// pass damages a lump and puts on what is left of it.
func (n *lane) pass(b []byte) bool {
	var out []byte
	for _, c := range b {
		f := n.draw()
		out = n.bend(out, c, f)
		if !f.stall && !f.split {
			continue
		}
		if !n.flush(&out) || f.stall && !n.rest() {
			return false
		}
	}
	return n.flush(&out)
}

func (n *lane) flush(out *[]byte) bool {
	b := *out
	*out = nil
	return len(b) == 0 || n.put(b)
}

// bend appends what becomes of one byte.
func (n *lane) bend(out []byte, c byte, f fate) []byte {
	cut := n.cut.Load()
	n.count(func(h *Harm) { h.add(f, cut) })
	if cut || f.drop {
		return out
	}
	if f.flip {
		c ^= 1 << f.bit
	}
	if f.double {
		out = append(out, c)
	}
	return append(out, c)
}

// rest stands still for a stall. It is false once the line is closed.
func (n *lane) rest() bool {
	t := time.NewTimer(n.d.StallFor)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-n.stop:
		return false
	}
}

func (h *Harm) add(f fate, cut bool) {
	h.Bytes++
	switch {
	case cut:
		h.Cut++
	case f.drop:
		h.Dropped++
	default:
		h.Doubled += one(f.double)
		h.Flipped += one(f.flip)
	}
	h.Stalls += one(f.stall)
	h.Splits += one(f.split)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (n *lane) count(f func(*Harm)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(&n.harm)
}

func (n *lane) harmed() Harm {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.harm
}
