package virtual

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestIdIsOnDiskBeforePayAndOutcomeBeforeDelivered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notebook")
	onDisk := func(want string) {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("notebook holds %q, %v, want %q", text, err, want)
		}
	}
	script := func(r asked) told {
		switch r.Method {
		case "pay":
			onDisk(`{"sale":{"id":"L1_0001",`)
			return r.takenOn(event(members(r.ID, "SUCCESS", true, 2)))
		case "delivered":
			onDisk(`{"outcome":{"paymentRequestId":"L1_0001","paymentStatus":"SUCCESS","final":true,"rev":2`)
			if r.Rev != 2 {
				t.Errorf("delivered rev %d, want 2", r.Rev)
			}
		}
		return r.ok()
	}
	selling(t, path, Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		state, err := till.Sell(ctx, sale1)
		if err != nil || state.PaymentStatus != "SUCCESS" || state.Rev != 2 {
			t.Errorf("Sell = %+v, %v", state, err)
		}
		want := []Step{StepNoted, StepConnected, StepPay, StepTakenOn, StepOutcome, StepStored, StepDelivered}
		if !reflect.DeepEqual(d.steps, want) {
			t.Errorf("steps %v, want %v", d.steps, want)
		}
		if n := len(till.book.Unsettled()); n != 0 {
			t.Errorf("%d sales unsettled, want none", n)
		}
	})
}

func TestLostResponseAsksAndDoesNotPayAgain(t *testing.T) {
	script := func(r asked) told {
		switch r.Method {
		case "pay":
			return told{} // Acknowledged, and then nothing.
		case "inquiryPayment":
			return told{body: r.says("S", "SUCCESS", members(r.ID, "FAIL", true, 2))}
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		state, err := till.Sell(ctx, sale1)
		if err != nil || state.PaymentStatus != "FAIL" {
			t.Errorf("Sell = %+v, %v, want FAIL and no error", state, err)
		}
		want := "initConnection pay initConnection inquiryPayment delivered"
		if got := d.methodsAsked(); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	})
}

func TestNotFoundPaysAgainIdenticallyUnderTheSameId(t *testing.T) {
	pays := 0
	script := func(r asked) told {
		switch r.Method {
		case "pay":
			if pays++; pays <= sends {
				return told{deaf: true}
			}
			return r.takenOn(event(members(r.ID, "SUCCESS", true, 2)))
		case "inquiryPayment":
			return told{body: r.says("F", "AGENT_NOT_FOUND", "")}
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		if _, err := till.Sell(ctx, sale1); err != nil {
			t.Error(err)
		}
		if len(d.pays) != sends+1 {
			t.Fatalf("%d frames of pay, want %d", len(d.pays), sends+1)
		}
		for _, body := range d.pays {
			if body != d.pays[0] || !strings.Contains(body, sale1.ID) {
				t.Errorf("pay %s, want %s", body, d.pays[0])
			}
		}
	})
}

func TestStaleRevIsIgnored(t *testing.T) {
	script := func(r asked) told {
		if r.Method != "pay" {
			return r.ok()
		}
		return r.takenOn(
			event(members(r.ID, "PENDING", false, 5)),
			event(members(r.ID, "SUCCESS", true, 3)),
			event(members(r.ID, "FAIL", true, 6)))
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		state, err := till.Sell(ctx, sale1)
		if err != nil || state.Rev != 6 || state.PaymentStatus != "FAIL" {
			t.Errorf("Sell = %+v, %v, want rev 6, FAIL", state, err)
		}
		if n := strings.Count(strings.Join(words(d.steps), ","), "stale"); n != 1 {
			t.Errorf("%d stale states told, want 1: %v", n, d.steps)
		}
	})
}

func words(steps []Step) []string {
	var w []string
	for _, s := range steps {
		w = append(w, string(s))
	}
	return w
}

func TestSaleGoesOnWhenTheAgentComesBackAfterMinutes(t *testing.T) {
	var gone time.Time
	script := func(r asked) told {
		switch {
		case r.Method == "pay":
			gone = time.Now()
			return r.takenOn()
		case !gone.IsZero() && time.Since(gone) < 5*time.Minute:
			return told{deaf: true}
		case r.Method == "inquiryPayment":
			return told{body: r.says("S", "SUCCESS", members(r.ID, "SUCCESS", true, 4))}
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		state, err := till.Sell(ctx, sale1)
		if err != nil || state.PaymentStatus != "SUCCESS" || len(d.pays) != 1 {
			t.Errorf("Sell = %+v, %v with %d pays, want SUCCESS with 1", state, err, len(d.pays))
		}
	})
}

func TestRestartedTillAsksBeforeItPays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notebook")
	deaf := func(r asked) told { return told{deaf: r.Method == "pay", body: r.ok().body} }
	selling(t, path, Options{Events: true}, deaf, func(ctx context.Context, till *Till, _ *diary) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if _, err := till.Sell(ctx, sale1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sell: %v, want the end of the context", err)
		}
	})
	script := func(r asked) told {
		if r.Method == "inquiryPayment" {
			return told{body: r.says("S", "SUCCESS", members(r.ID, "SUCCESS", true, 2))}
		}
		return r.ok()
	}
	selling(t, path, Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		states, err := till.Resume(ctx)
		if err != nil || len(states) != 1 || states[0].PaymentRequestID != sale1.ID {
			t.Errorf("Resume = %+v, %v", states, err)
		}
		if got := d.methodsAsked(); got != "initConnection inquiryPayment delivered" {
			t.Errorf("asked %s", got)
		}
		other := sale1
		other.AmountMinor++
		if _, err := till.Sell(ctx, other); !errors.Is(err, ErrOtherSale) {
			t.Errorf("another sale under the same id: %v, want ErrOtherSale", err)
		}
	})
}

func TestUnansweredDeliveredIsSaidAgain(t *testing.T) {
	said := 0
	script := func(r asked) told {
		state := members(r.ID, "SUCCESS", true, 2)
		switch r.Method {
		case "delivered":
			if said++; said == 1 {
				return told{}
			}
		case "pay", "inquiryPayment":
			return told{body: r.says("S", "SUCCESS", state)}
		}
		return r.ok()
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, _ *diary) {
		if _, err := till.Sell(ctx, sale1); err != nil || said != 2 {
			t.Errorf("%v, delivered said %d times, want 2", err, said)
		}
	})
}

func TestStoredOutcomeIsOnlyDeliveredAndADeliveredOneOnlyRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notebook")
	book := openBook(t, path)
	_, err := book.Intend(sale1)
	check(t, err, book.Store(PaymentState{PaymentRequestID: sale1.ID, PaymentStatus: "FAIL", Final: true, Rev: 7}), book.Close())
	selling(t, path, Options{Events: true}, asked.ok, func(ctx context.Context, till *Till, d *diary) {
		for range 2 {
			if state, err := till.Sell(ctx, sale1); err != nil || state.Rev != 7 {
				t.Errorf("Sell = %+v, %v, want rev 7", state, err)
			}
			if got := d.methodsAsked(); got != "delivered" {
				t.Errorf("asked %q, want delivered once", got)
			}
		}
	})
}

func TestHeartbeatsAreNoNews(t *testing.T) {
	script := func(r asked) told {
		if r.Method != "pay" {
			return r.ok()
		}
		same := event(members(r.ID, "PROCESSING", false, 1))
		return r.takenOn(same, same, event(members(r.ID, "SUCCESS", true, 2)))
	}
	selling(t, "", Options{Events: true}, script, func(ctx context.Context, till *Till, d *diary) {
		if _, err := till.Sell(ctx, sale1); err != nil {
			t.Error(err)
		}
		if n := strings.Count(strings.Join(words(d.steps), ","), string(StepTakenOn)); n != 1 {
			t.Errorf("the state was told %d times, want once: %v", n, d.steps)
		}
	})
}
