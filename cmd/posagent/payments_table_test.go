package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"posagent/queue"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag of the tests

// golden compares a text with the file of that name in testdata, and demands that it
// fits a screen.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
	for line := range strings.Lines(got) {
		command := strings.HasPrefix(line, "      posagent ") // to be copied whole
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > screenWidth && !command {
			t.Errorf("%s: %d columns wide: %s", name, n, line)
		}
	}
}

// at is a time of the test day, in a zone of its own.
func at(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05.000", "2026-11-25 "+clock, shopZone())
	if err != nil {
		panic(err)
	}
	return t
}

func shopZone() *time.Location { return time.FixedZone("SGT", 8*3600) }

// paidRow is a payment as the store holds it, paid and delivered.
func paidRow(id string) queue.Payment {
	p := queue.Payment{
		Command:  queue.Command{ID: id, Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"},
		Register: "lane1", State: queue.Paid, Rev: 2, ReceivedAt: at("14:05:10.000"), Deadline: at("14:07:10.000"),
		PaymentID: "2026112519401089010011100000123456", PaymentTime: "2026-11-25T14:05:11+08:00",
		Result: queue.Result{Status: "S", Code: "SUCCESS", Message: "success"},
	}
	p.Attempts = 1
	p.EndedAt, p.EndedSeq, p.Delivered = at("14:05:11.200"), 7, 2
	return p
}

func sendingRow(id string) queue.Payment {
	p := paidRow(id)
	p.State, p.PaymentID, p.PaymentTime, p.Result, p.Rev = queue.Sending, "", "", queue.Result{}, 1
	p.Ending = queue.Ending{}
	p.OpenAttempts, p.Next, p.Due = 1, queue.Pay, at("14:05:12.000")
	return p
}

func refundRow(id string) queue.Refund {
	r := queue.Refund{
		ID: id, PaymentRequestID: "R03_000117", PaymentID: "2026112519401089010011100000123456", Register: "lane2",
		AmountMinor: 300, Currency: "SGD", State: queue.Refunded, Rev: 2, ReceivedAt: at("15:00:00.000"),
		RefundID: "2026112519401089010011100000999999", Result: queue.Result{Status: "S", Code: "SUCCESS"},
	}
	r.Attempts = 1
	r.EndedAt, r.EndedSeq, r.Delivered = at("15:00:01.500"), 9, 2
	return r
}

func TestAListOfPaymentsFitsAScreen(t *testing.T) {
	inDoubt, never, back, long, told := sendingRow("R03_000119"), paidRow("R03_000120"), paidRow("R03_000118"),
		paidRow(strings.Repeat("LONG_ID_", 8)), paidRow("R03_000117")
	inDoubt.State, inDoubt.InDoubt = queue.Unresolved, true
	never.AmountMinor, never.Currency, never.State = 0, "", queue.Cancelled
	back.AbortAt, back.Reversal, back.Delivered = at("14:05:10.500"), queue.RefundPending, 1
	long.Currency, long.AmountMinor, long.Register = "IDR", 2147483647, "the till at the back door, no. 4"
	refund := refundRow("B_17")
	golden(t, "payments", paymentsTable(queue.Listing{
		Records: []queue.Record{{Refund: &refund}, {Payment: &never}, {Payment: &inDoubt}, {Payment: &back}, {Payment: &told}, {Payment: &long}},
		More:    12,
		Damaged: []queue.Damage{{ID: "R03_000001", Err: queue.ErrDamaged}},
		Partial: true,
	}, shopZone()))
	golden(t, "payments-none", paymentsTable(queue.Listing{}, shopZone()))
}

func TestATimeIsReadAsPeopleWriteIt(t *testing.T) {
	now := at("14:00:00.000")
	for text, want := range map[string]string{
		"2h": "2026-11-25 12:00", "90m": "2026-11-25 12:30", "7d": "2026-11-18 14:00", "today": "2026-11-25 00:00",
		"yesterday": "2026-11-24 00:00", "09:30": "2026-11-25 09:30", "2026-11-01": "2026-11-01 00:00",
		"2026-11-01T10:15": "2026-11-01 10:15", "2026-11-25T01:00:00Z": "2026-11-25 09:00",
	} {
		got, err := timeLike(now, text)
		if err != nil || got.In(shopZone()).Format("2006-01-02 15:04") != want {
			t.Errorf("%s: got %v (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2", "-2h", "-1d", "25:00", "2026-13-01", "monday"} {
		if got, err := timeLike(now, text); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

func TestAnAmountIsReadInTheDecimalsOfItsCurrency(t *testing.T) {
	for _, c := range []struct {
		text     string
		minor    int64
		currency string
		fits     bool
	}{
		{"10.50", 1050, "SGD", true}, {"10.5", 1050, "SGD", true}, {"10", 1000, "SGD", true}, {"10", 10, "SGD", false},
		{"1050", 1050, "JPY", true}, {"1050", 1050, "SGD", false}, {"SGD 10.50", 1050, "SGD", true}, {"sgd10.50", 1050, "SGD", true},
		{"USD 10.50", 1050, "SGD", false}, {"0.05", 5, "SGD", true}, {"1.5", 1500, "KWD", true}, {"10.50", 0, "", false},
	} {
		fits, err := amountLike(c.text)
		must(t, err)
		if got := fits(c.minor, c.currency); got != c.fits {
			t.Errorf("%s and %d %s: got %v", c.text, c.minor, c.currency, got)
		}
	}
	for _, text := range []string{"", "SGD", "ten", "-1", "1,50", "1.2.3"} {
		if _, err := amountLike(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
