package queue

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"
)

var bigView = flag.Int("view.rows", 20_000, "how many payments the big store has that is looked at")

// However big a store is, an agent that starts does not wait for those who look at it
// for longer than for a piece of a table: after five seconds it would give up, and the
// shop stay shut. What it waits for is the log that it writes into the database first.
func TestLookingAtABigStoreKeepsNoAgentFromStarting(t *testing.T) {
	path := storePath(t)
	fillAtOnce(t, path, *bigView)
	s, v := openStore(t, path), openView(t, path)
	looked, quit := make(chan error, 1), make(chan struct{})
	go func() {
		var err error
		for looks := 0; err == nil; looks++ {
			began := time.Now()
			_, err = v.Summary(context.Background(), time.Time{}, time.Now())
			select {
			case <-quit:
				t.Logf("%d summaries of %d rows, the last in %v", looks, *bigView, time.Since(began).Round(time.Millisecond))
				looked <- err
				return
			default:
			}
		}
		looked <- err
	}()
	var longest time.Duration
	for i := range 20 {
		p, _ := Begin(time.UnixMilli(1_760_000_000_000), "lane1", testCommand(fmt.Sprintf("NEW%d", i)), time.Minute)
		must(t, s.Save(Batch{Payments: []Change[Payment]{{New: p}}}))
		s.unsettled = true
		began := time.Now()
		must(t, s.settle(context.Background()))
		longest = max(longest, time.Since(began))
	}
	close(quit)
	must(t, <-looked)
	t.Logf("the longest wait of a start took %v", longest.Round(time.Millisecond))
	if longest > 2500*time.Millisecond {
		t.Errorf("a start waited %v for those who look; it gives up after 5 s", longest)
	}
}
