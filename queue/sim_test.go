package queue

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	simSeeds = flag.Uint64("sim.seeds", 4000, "how many histories to simulate")
	simFrom  = flag.Uint64("sim.from", 1, "the first seed")
	simSeed  = flag.Uint64("sim.seed", 0, "play this seed alone and print its story")
)

// TestNoHistoryEndsInDisagreement plays small worlds, each drawn from a seed, with
// lost, late and doubled messages, power cuts around every save and send, aborts,
// refunds and clocks that step, and holds what was said and sent against a ledger:
// P1, P2, P3, P4, P8, one full reversal, refunds within what was taken, and that a
// revision never goes back.
func TestNoHistoryEndsInDisagreement(t *testing.T) {
	if *simSeed != 0 {
		if broken, w := simulate(*simSeed, rightMachine(), true); broken != "" {
			t.Fatalf("%s\n%s", broken, w.trace)
		} else {
			t.Logf("seed %d\n%s", *simSeed, w.trace)
		}
		return
	}
	var sum simCounts
	began, said := time.Now(), time.Now()
	for i := range *simSeeds {
		seed := *simFrom + i
		broken, w := simulate(seed, rightMachine(), false)
		if broken != "" {
			t.Fatal(simFailure(seed))
		}
		sum.add(w.counts)
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Printf("%d of %d seeds, %.0f a second\n", i+1, *simSeeds, float64(i+1)/time.Since(began).Seconds())
		}
	}
	t.Logf("%d seeds clean, %.0f a second", *simSeeds, float64(*simSeeds)/time.Since(began).Seconds())
	for _, c := range sum.list() {
		t.Logf("%12d %s", *c.n, c.name)
		if *c.n == 0 && *simSeeds >= 1000 {
			t.Errorf("the adversary never got to %q: it proves nothing there", c.name)
		}
	}
}

// simFailure tells the story of a broken promise, and how to see it again.
func simFailure(seed uint64) string {
	broken, w := simulate(seed, rightMachine(), true)
	return fmt.Sprintf("seed %d: %s\n%s\nto see it again:\n\tgo test ./queue -run TestNoHistoryEndsInDisagreement -v -sim.seed=%d",
		seed, broken, w.trace, seed)
}
