package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// While the loop is busy an end is told and delivered: the story says so in that order.
func TestTheStoryTellsOfAnEndBeforeItIsDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		p := a.paid(t, "R1")
		free, done := make(chan struct{}), make(chan error, 2)
		go func() {
			done <- a.Adopt(ctx, func(int) Terms {
				<-free
				return Terms{Window: time.Minute, PayTimeout: time.Second, InquiryTimeout: time.Second, RefundTimeout: time.Second}
			})
		}()
		synctest.Wait()
		a.Told("R1", false, p.Rev)
		go func() {
			_, err := a.Deliver(ctx, "R1", p.Rev)
			done <- err
		}()
		synctest.Wait()
		close(free)
		must(t, errors.Join(<-done, <-done))
		time.Sleep(lazily + time.Second) // fake
		story, err := a.store.Story(ctx, "R1")
		if err != nil || len(story) < 2 || story[len(story)-2].Kind != EventTold || story[len(story)-1].Kind != EventDelivered {
			t.Errorf("the story is %+v (%v), want told, and then delivered", story, err)
		}
	})
}
