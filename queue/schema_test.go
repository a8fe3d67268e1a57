package queue

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// opcodes are what SQLite does for a statement.
func opcodes(t *testing.T, s *Store, query string) (list []string) {
	t.Helper()
	rows, err := s.write.Query("explain "+query, make([]any, strings.Count(query, "?"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var addr, opcode, p1, p2, p3, p4, p5, comment any
		if err := rows.Scan(&addr, &opcode, &p1, &p2, &p3, &p4, &p5, &comment); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(opcode))
	}
	must(t, rows.Err())
	return list
}

// SQLite makes a table in memory for each list of more than two words that a check
// has, for every row that is written: a sale's statements need none.
func TestASaleNeedsNoTablesInMemory(t *testing.T) {
	for name, fresh := range map[string]bool{"a fresh store": true, "an older store": false} {
		path := storePath(t)
		if !fresh {
			olderStore(t, path, 30)
		}
		s := openStore(t, path)
		for _, query := range []string{
			insertRow("payment_open", paymentColumns+", story"), updateRow("payment_open", paymentColumns),
			insertRow("payment_closed", paymentColumns), updateRow("payment_closed", paymentColumns),
			insertRow("refund", refundColumns), updateRow("refund", refundColumns),
		} {
			codes := opcodes(t, s, query)
			if !slices.Contains(codes, "OpenWrite") || slices.Contains(codes, "OpenEphemeral") {
				t.Errorf("%s: %s\nneeds %v", name, query, codes)
			}
		}
	}
}

// What a row may not hold is refused by the tables themselves, however they came to be.
func TestNoTableHoldsAWordThatIsNone(t *testing.T) {
	for name, fresh := range map[string]bool{"a fresh store": true, "an older store": false} {
		path := storePath(t)
		if !fresh {
			olderStore(t, path, 30)
		}
		s := openStore(t, path)
		at := time.UnixMilli(1_750_000_000_000)
		for _, id := range []string{"OPEN", "CLOSED"} {
			p, _ := Begin(at, "lane1", testCommand(id), time.Minute)
			p = Policy{}.end(at, p, testAnswer(VerdictPaid, Pay))
			p.EndedSeq, p.Delivered = 100, p.Rev
			must(t, s.Save(Batch{Payments: []Change[Payment]{{New: p}}}))
		}
		r, _ := BeginRefund(at, Refund{ID: "F1", PaymentRequestID: "CLOSED", AmountMinor: 1, Currency: "SGD"}, true)
		must(t, s.Save(Batch{Refunds: []Change[Refund]{{New: r}}, PutAway: []string{"CLOSED"}}))
		for table, sets := range map[string][]string{
			"payment_open where id = 'OPEN'": {
				"state = 'lost'", "state = 'sending'", "reversal = 'MAYBE'", "reversal = 'PENDING'", "next = 'wait'",
				"result_status = 'X'", "in_doubt = 1", "in_doubt = 2", "delivered = 99", "ended_seq = 0", "amount_minor = 0",
			},
			"payment_closed where id = 'CLOSED'": {
				"state = 'lost'", "state = 'sending'", "reversal = 'MAYBE'", "next = 'wait'", "result_status = 'X'", "ended_seq = 0",
			},
			"refund where id = 'F1'": {"state = 'lost'", "state = 'refunded'", "next = 'pay'", "result_status = 'X'", "everything = 2"},
		} {
			table, where, _ := strings.Cut(table, " ")
			for _, set := range append(sets, "rev = rev") {
				res, err := s.write.Exec("update " + table + " set " + set + " " + where)
				if set != "rev = rev" && (err == nil || !strings.Contains(err.Error(), "CHECK")) {
					t.Errorf("%s: %s takes %s: %v", name, table, set, err)
				}
				if set == "rev = rev" {
					must(t, err)
					if n, err := res.RowsAffected(); err != nil || n != 1 {
						t.Errorf("%s: %s: %d rows (%v), want one", name, table, n, err)
					}
				}
			}
		}
		var verdict string
		if err := s.read.QueryRow("pragma integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("%s: %s, %v", name, verdict, err)
		}
	}
}

// What an upgrade did is in the file itself once the store is open, not in its log alone:
// the package's scripts read the version there, without SQLite.
func TestAnUpgradeIsInTheFileOnceTheStoreIsOpen(t *testing.T) {
	path := storePath(t)
	olderStore(t, path, 30)
	openStore(t, path)
	file, err := os.ReadFile(path)
	must(t, err)
	known, err := schemaVersion()
	must(t, err)
	if got := int(binary.BigEndian.Uint32(file[60:])); got != known { // SQLite's file format: the user version
		t.Errorf("the file says version %d, want %d", got, known)
	}
}
