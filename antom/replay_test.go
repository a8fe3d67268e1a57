package antom

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"
)

// replayer gives every answer a second time, to the question that follows it.
func replayer(g *gateway) {
	var kept http.Header
	var body []byte
	g.hook = func(w http.ResponseWriter, r *http.Request) {
		if kept == nil {
			recorded := &recorder{ResponseWriter: w}
			g.write(recorded, r)
			kept, body = w.Header().Clone(), recorded.body
			return
		}
		for name, values := range kept {
			w.Header()[name] = values
		}
		_, _ = w.Write(body) // the client may have gone
		kept = nil
	}
}

// recorder keeps the body that it passes on.
type recorder struct {
	http.ResponseWriter
	body []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return r.ResponseWriter.Write(b)
}

// A decline names no payment, and is not a second old: only that it was heard
// before tells that it is no answer to this question.
func TestAnAnswerCountsForOneQuestionOnly(t *testing.T) {
	for _, said := range []string{`{"result":{"resultStatus":"F","resultCode":"PAYMENT_FAIL"}}`, paidBody} {
		for _, plain := range []bool{false, true} {
			g := newGateway(t)
			g.plain = plain
			g.speak = func(s *spoken) { s.plain = said }
			replayer(g)
			c := g.client()
			for range 2 {
				if _, err := c.Pay(testContext(t), testPay()); err != nil {
					t.Fatal(err)
				}
				resp, err := c.Pay(testContext(t), testPay())
				wantIgnorance(t, resp, err, true, ErrMisfit)
			}
		}
	}
}

func TestAnAnswerThatFitNoQuestionFitsNoLaterOne(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.plain = `{"result":{"resultStatus":"S"},"paymentRequestId":"R2","paymentStatus":"FAIL"}`
	}
	replayer(g)
	c := g.client()
	for _, id := range []string{"R1", "R2"} {
		if resp, err := c.InquiryPayment(testContext(t), InquiryPaymentRequest{PaymentRequestID: id}); err == nil {
			t.Errorf("%s: got %+v", id, resp)
		}
	}
}

func TestTheLastAnswersAreRemembered(t *testing.T) {
	var h heard
	signature := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	for n := range uint32(3 * heardLimit) {
		if h.again(signature(n)) {
			t.Fatalf("answer %d was never heard", n)
		}
		if oldest := n - min(n, heardLimit-1); !h.again(signature(oldest)) {
			t.Fatalf("answer %d is forgotten after %d more", oldest, n-oldest)
		}
	}
	if len(h.known) != heardLimit {
		t.Errorf("%d answers are kept, want %d", len(h.known), heardLimit)
	}
}

// What a signed answer said is told to the operator even where it does not fit.
func TestAnAnswerThatDoesNotFitIsHeard(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.plain = `{"result":{"resultStatus":"S","resultCode":"SUCCESS"},"paymentRequestId":"R2"}`
		s.time = testNow.Add(time.Second)
	}
	_, err := g.client().InquiryPayment(testContext(t), InquiryPaymentRequest{PaymentRequestID: "R1"})
	if err == nil || !strings.Contains(err.Error(), `it says "S" "SUCCESS"`) {
		t.Errorf("got %v", err)
	}
}
