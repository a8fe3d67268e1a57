package queue

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var searchDepth = flag.Int("search.depth", 5, "how many moves deep the exhaustive search goes")

// longSearch is a depth at which somebody waits and wants to see that it goes on.
const longSearch = 7

// The search goes through every history of up to a depth of moves: what the
// machine is told, what the network and the acquirer do behind its back, where the
// power fails, and what the clock says afterwards. Time moves in seconds. Two
// histories that leave everything alike that can still matter are one state.

// found is what a search met.
type found struct {
	states, moves int
	broken        string // the promise, and the way there
	changes       map[change]bool
	pairs         map[pair]bool
	naming        bool // moves say their names
}

// change is a change of state, pair a state and an input that met.
type change struct{ was, is string }
type pair struct {
	state string
	in    inputKind
}

func (f *found) note(was, is string, in Input) {
	if _, ok := in.(Resolve); ok && was != is {
		f.changes[change{"resolve " + was, is}] = true
	} else if was != is {
		f.changes[change{was, is}] = true
	}
	f.pairs[pair{was, kindOf(in)}] = true
}

// step is a move and where it leads; a broken promise where it leads nowhere.
type step[N any] struct {
	name   string
	next   N
	broken string
}

// space is what can be searched: its moves come in the same order each time.
type space[N any, K comparable] interface {
	key(*N) K
	moves(*N, func(step[N]))
	check(*N) string // the promise that a state breaks, if any
}

// came is how a state was reached first: by which move from which state.
type came struct{ from, move int32 }

// explorer is a search under way.
type explorer[N any, K comparable] struct {
	space[N, K]
	*found
	start   N
	visited map[K]struct{}
	trail   []came
	next    []N
}

// explore visits every state within depth moves of start, nearest first.
func explore[N any, K comparable](s space[N, K], start N, depth int, f *found) {
	e := &explorer[N, K]{space: s, found: f, start: start, visited: map[K]struct{}{s.key(&start): {}}, trail: []came{{from: -1}}}
	level, first := []N{start}, 0
	for range depth {
		e.next = nil
		reached := len(e.trail)
		for i := range level {
			move := int32(-1)
			e.space.moves(&level[i], func(st step[N]) {
				move++
				e.visit(st, came{int32(first + i), move})
			})
			if e.broken != "" {
				return
			}
		}
		level, first = e.next, reached
	}
	f.states += len(e.visited)
}

// visit looks at where a move leads.
func (e *explorer[N, K]) visit(st step[N], here came) {
	if e.broken != "" || e.naming {
		return
	}
	e.found.moves++
	k := e.key(&st.next)
	_, been := e.visited[k]
	if st.broken == "" && !been {
		st.broken = e.check(&st.next)
	}
	if st.broken != "" {
		e.broken = st.broken + e.way(here)
		return
	}
	if !been {
		e.visited[k] = struct{}{}
		e.next, e.trail = append(e.next, st.next), append(e.trail, here)
	}
}

// way walks the moves to a state again, and tells them.
func (e *explorer[N, K]) way(to came) string {
	moves := []int32{to.move}
	for at := to.from; at > 0; at = e.trail[at].from {
		moves = append(moves, e.trail[at].move)
	}
	slices.Reverse(moves)
	e.naming = true
	var b strings.Builder
	n := e.start
	for _, m := range moves {
		var taken step[N]
		i := int32(0)
		e.space.moves(&n, func(st step[N]) {
			if i == m {
				taken = st
			}
			i++
		})
		b.WriteString("\n\t" + taken.name)
		n = taken.next
	}
	return b.String()
}

// searchPolicies are the settings that the machine knows, each two of them in all
// combinations.
func searchPolicies() (list []Policy) {
	for i := range 4 {
		ask, confirm := i&1 > 0, i&2 > 0
		list = append(list, Policy{
			InquiryInterval: time.Second, QuietTime: 2 * time.Second,
			AskAfterTimeout: ask, ConfirmAnswers: confirm, KeepLateAborts: ask != confirm,
		})
	}
	return list
}

// searchAll searches the lives of a payment and of a refund, under every policy.
func searchAll(m machine, depth int) *found {
	f := &found{changes: map[change]bool{}, pairs: map[pair]bool{}}
	for i, p := range searchPolicies() {
		s := paymentSearch{machine: m, policy: p, found: f}
		explore(s, s.begin(i == 0), depth, f)
		if i == 0 && f.broken == "" {
			explore(s, s.begin(false), depth, f)
		}
		if f.broken == "" { // a person's word comes late in a payment's life
			explore(s, s.beginInDoubt(), depth, f)
		}
		if depth >= longSearch {
			fmt.Printf("depth %d: %d states, %d moves so far\n", depth, f.states, f.moves)
		}
		if f.broken != "" {
			f.broken += fmt.Sprintf("\n\tunder %+v", p)
			return f
		}
	}
	for _, turn := range []bool{true, false} {
		s := refundSearch{machine: m, policy: searchPolicies()[0], found: f}
		// A refund has fewer moves, and its stories are longer.
		if explore(s, s.begin(turn), depth+4, f); f.broken != "" {
			return f
		}
	}
	return f
}

// TestNoHistoryWithinReachBreaksAPromise searches all histories up to a depth.
func TestNoHistoryWithinReachBreaksAPromise(t *testing.T) {
	began := time.Now()
	f := searchAll(rightMachine(), *searchDepth)
	if f.broken != "" {
		t.Fatal(f.broken)
	}
	t.Logf("depth %d: %d states, %d moves, %.1f s", *searchDepth, f.states, f.moves, time.Since(began).Seconds())
	if f.states < 100_000 && *searchDepth >= 5 {
		t.Errorf("only %d states: the search does not get about", f.states)
	}
}

// TestTheSearchCatchesEveryMutantOfTheMachine plants each fault in what the
// machine decides and demands that the search finds it.
func TestTheSearchCatchesEveryMutantOfTheMachine(t *testing.T) {
	const deepest = 12
	for _, m := range mutants() {
		if !m.search {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			for depth := 3; depth <= deepest; depth++ {
				if f := searchAll(m.machine(), depth); f.broken != "" {
					t.Logf("caught at depth %d: %s", depth, f.broken)
					return
				}
			}
			t.Errorf("not caught within %d moves", deepest)
		})
	}
}
