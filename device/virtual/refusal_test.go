package virtual

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusalNamesTheCodeAndLeavesTheIdFree(t *testing.T) {
	busy := true
	script := func(r asked) told {
		switch {
		case r.Method == "pay" && busy:
			return told{body: r.says("F", "TERMINAL_BUSY", `"open":["L1_0000"]`)}
		case r.Method == "pay":
			return told{body: r.says("S", "SUCCESS", members(r.ID, "SUCCESS", true, 2))}
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		_, err := till.Sell(ctx, sale1)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Result.Code != "TERMINAL_BUSY" || len(refused.Open) != 1 || refused.Method != "pay" {
			t.Fatalf("Sell: %v, want TERMINAL_BUSY with the open id", err)
		}
		if n := len(till.book.Unsettled()); n != 0 {
			t.Errorf("%d sales unsettled after the refusal, want none", n)
		}
		busy = false
		if state, err := till.Sell(ctx, sale1); err != nil || !state.Final || len(d.pays) != 2 {
			t.Errorf("the same sale again: %+v, %v, %d pays", state, err, len(d.pays))
		}
	})
}

func TestShutdownAndStorageRefusalsArePassing(t *testing.T) {
	codes := []string{"AGENT_SHUTTING_DOWN", "AGENT_STORAGE"}
	script := func(r asked) told {
		if r.Method != "pay" {
			return r.ok()
		}
		if len(codes) == 0 {
			return told{body: r.says("S", "SUCCESS", members(r.ID, "SUCCESS", true, 2))}
		}
		code := codes[0]
		codes = codes[1:]
		return told{body: r.says("F", code, "")}
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		if _, err := till.Sell(ctx, sale1); err != nil || len(d.pays) != 3 {
			t.Errorf("%v with %d pays, want none with 3", err, len(d.pays))
		}
	})
}

func TestAnotherAmountIsNeitherStoredNorDelivered(t *testing.T) {
	script := func(r asked) told {
		if r.Method == "pay" {
			wrong := members(r.ID, "SUCCESS", true, 2) + `,"paymentAmount":{"value":1051,"currency":"SGD"}`
			return told{body: r.says("S", "SUCCESS", wrong)}
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		if _, err := till.Sell(ctx, sale1); !errors.Is(err, ErrWrongAmount) {
			t.Errorf("Sell: %v, want ErrWrongAmount", err)
		}
		if _, _, ok := till.book.Outcome(sale1.ID); ok || strings.Contains(d.methodsAsked(), "delivered") {
			t.Error("the wrong state was stored or delivered")
		}
	})
}

func TestLateOutcomeOfAnotherSaleIsStoredAndDelivered(t *testing.T) {
	confirmed := map[string]bool{}
	script := func(r asked) told {
		switch r.Method {
		case "delivered":
			confirmed[r.ID] = true
		case "pay":
			return r.takenOn(event(members("L1_0000", "SUCCESS", true, 9)), event(members(r.ID, "SUCCESS", true, 2)))
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, _ *diary) {
		if _, err := till.Sell(ctx, sale1); err != nil {
			t.Error(err)
		}
		if s, delivered, ok := till.book.Outcome("L1_0000"); !ok || !delivered || s.Rev != 9 || !confirmed["L1_0000"] {
			t.Errorf("the other outcome: %+v, delivered %v, stored %v", s, delivered, ok)
		}
	})
}

func TestRegisterWithoutEventsPolls(t *testing.T) {
	asks := 0
	script := func(r asked) told {
		switch r.Method {
		case "pay":
			return r.takenOn()
		case "inquiryPayment":
			if asks++; asks < 3 {
				return told{body: r.says("U", "PAYMENT_IN_PROGRESS", members(r.ID, "PROCESSING", false, 1))}
			}
			return told{body: r.says("S", "SUCCESS", members(r.ID, "SUCCESS", true, 2))}
		}
		return r.ok()
	}
	selling(t, "", Options{}, script, func(ctx context.Context, till *Till, _ *diary) {
		start := time.Now()
		if _, err := till.Sell(ctx, sale1); err != nil || asks != 3 || time.Since(start) > 5*time.Second {
			t.Errorf("%v after %d questions and %v", err, asks, time.Since(start))
		}
	})
}

func TestHangUpWhileWaitingEndsTheSaleAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		s := &desk{agent: newAgent(t, there), script: func(r asked) told {
			if r.Method == "pay" {
				return r.takenOn()
			}
			return r.ok()
		}}
		go s.run()
		r := New(here, Options{Events: true})
		ended := make(chan error)
		go func() { ended <- r.Run(t.Context()) }()
		start := time.Now()
		o := TillOptions{Narrate: func(step Step, _ string) {
			if step == StepTakenOn {
				check(t, there.Close())
			}
		}}
		till := NewTill(r, openBook(t, filepath.Join(t.TempDir(), "notebook")), o)
		done := make(chan error)
		go func() { _, err := till.Sell(t.Context(), sale1); done <- err }()
		if err := <-ended; !errors.Is(err, ErrHangUp) {
			t.Errorf("Run: %v, want ErrHangUp", err)
		}
		if err := <-done; !errors.Is(err, ErrHangUp) || time.Since(start) > time.Second {
			t.Errorf("Sell: %v after %v, want ErrHangUp at once", err, time.Since(start))
		}
		if n := len(till.book.Unsettled()); n != 1 {
			t.Errorf("%d sales unsettled, want the one under way", n)
		}
	})
}
