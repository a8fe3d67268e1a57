package virtual

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func openBook(t *testing.T, path string) *Notebook {
	t.Helper()
	n, err := OpenNotebook(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() }) // Some tests close it themselves.
	return n
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestNotebookIsReadAgainAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notebook")
	sale2 := Sale{ID: "L1_0002", Method: "ALIPAY_CN", AmountMinor: 1, Currency: "JPY"}
	sale3 := Sale{ID: "L1_0003", Method: "ALIPAY_CN", AmountMinor: 2, Currency: "JPY"}
	outcome := PaymentState{
		PaymentRequestID: sale1.ID, PaymentStatus: "SUCCESS", Final: true, Rev: 4,
		PaymentAmount: &Amount{1050, "SGD"}, PaymentReceipt: &Receipt{CashierReceipt: "ü\n"},
		Display: []string{"PAID"}, AcquirerResult: &Result{"S", "SUCCESS", "ok"},
	}
	n := openBook(t, path)
	for _, s := range []Sale{sale1, sale2, sale3} {
		if known, err := n.Intend(s); known || err != nil {
			t.Fatalf("Intend %s: known %v, %v", s.ID, known, err)
		}
	}
	check(t, n.Store(outcome), n.MarkDelivered(sale1.ID, 4), n.MarkRefused(sale3.ID, "TERMINAL_BUSY"), n.Close())

	n = openBook(t, path)
	got, delivered, ok := n.Outcome(sale1.ID)
	if !ok || !delivered || !reflect.DeepEqual(got, outcome) {
		t.Errorf("outcome %+v, delivered %v, want %+v", got, delivered, outcome)
	}
	if got := n.Unsettled(); !reflect.DeepEqual(got, []Sale{sale2}) {
		t.Errorf("unsettled %v, want %v", got, sale2)
	}
	if known, err := n.Intend(sale2); !known || err != nil {
		t.Errorf("a sale noted before: known %v, %v, want true", known, err)
	}
	sale2.WindowMs = 9000
	if known, err := n.Intend(sale2); !known || err != nil {
		t.Errorf("another window is no other sale: known %v, %v", known, err)
	}
	if known, err := n.Intend(sale3); known || err != nil {
		t.Errorf("a sale refused before: known %v, %v, want false", known, err)
	}
	if _, err := n.Intend(Sale{}); err == nil {
		t.Error("a sale without an id was noted")
	}
}

func TestLaterRevMakesAnOutcomeUndeliveredAgain(t *testing.T) {
	n := openBook(t, filepath.Join(t.TempDir(), "notebook"))
	state := PaymentState{PaymentRequestID: "A", PaymentStatus: "SUCCESS", Final: true, Rev: 2}
	check(t, n.Store(state), n.MarkDelivered("A", 2))
	state.Rev = 1
	check(t, n.Store(state))
	if got, delivered, _ := n.Outcome("A"); got.Rev != 2 || !delivered {
		t.Errorf("after an older rev: rev %d, delivered %v, want 2, true", got.Rev, delivered)
	}
	state.Rev = 3
	check(t, n.Store(state))
	if got, delivered, _ := n.Outcome("A"); got.Rev != 3 || delivered {
		t.Errorf("after a later rev: rev %d, delivered %v, want 3, false", got.Rev, delivered)
	}
}

func TestTornLastLineIsTakenOffAndADamagedOneRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notebook")
	n := openBook(t, path)
	_, err := n.Intend(sale1)
	check(t, err, n.Close())
	whole, err := os.ReadFile(path)
	check(t, err, os.WriteFile(path, append(whole, `{"outcome":{"paym`...), 0o600))
	n = openBook(t, path)
	if got := n.Unsettled(); len(got) != 1 {
		t.Errorf("unsettled %v, want the whole line's sale", got)
	}
	check(t, n.MarkRefused(sale1.ID, "X"), n.Close())
	if got := openBook(t, path).Unsettled(); len(got) != 0 {
		t.Errorf("unsettled %v: what was written after a torn line is not read", got)
	}
	check(t, os.WriteFile(path, append([]byte("{\n"), whole...), 0o600))
	if _, err := OpenNotebook(path); err == nil {
		t.Error("a damaged line in the middle was passed over")
	}
}
