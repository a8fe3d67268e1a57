package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"posagent/queue"
)

// screenWidth is what everything that is printed fits into.
const screenWidth = 80

// errPartial: a list or a sum that may lack something must say so.
var errPartial = errors.New("a part of the store can't be read, so this may not be all; start the agent anew: " +
	"it keeps the damaged file whole and carries over what can be believed")

// clockLayout is a local time as a list has it.
const clockLayout = "2006-01-02 15:04:05"

// paymentsTable lists payments and refunds for a screen. A row that would be too
// wide has its id on the next line, so that ids can be copied whole.
func paymentsTable(list queue.Listing, zone *time.Location) string {
	var rows [][]string
	untold := false
	for _, r := range list.Records {
		row := tableRow(r, zone)
		untold = untold || strings.HasSuffix(row[2], "*")
		rows = append(rows, row)
	}
	text := "nothing fits\n"
	if len(rows) > 0 {
		text = columns(append([][]string{{"stored", "amount", "state", "register", "id"}}, rows...))
	}
	if untold {
		text += "\n* its register has not confirmed this end yet; the agent keeps telling it\n"
	}
	if list.More > 0 {
		text += fmt.Sprintf("\n%d more fit; -limit 0 lists all\n", list.More)
	}
	for _, d := range list.Damaged {
		text += "\n" + fold(fmt.Sprintf("The row of %s is damaged and can't be believed; posagent explain tells more.", d.ID), screenWidth, "")
	}
	if list.Partial {
		text += "\n" + fold("Not all: "+errPartial.Error()+".", screenWidth, "")
	}
	return text
}

// tableRow is a payment or refund in the columns of the list.
func tableRow(r queue.Record, zone *time.Location) []string {
	if f := r.Refund; f != nil {
		return []string{
			f.ReceivedAt.In(zone).Format(clockLayout), money(f.AmountMinor, f.Currency),
			starred(refundWord(*f), f.State.Final() && !f.Closed()), cut(f.Register), f.ID,
		}
	}
	p := *r.Payment
	amount := ""
	if !p.NeverPaid() {
		amount = money(p.AmountMinor, p.Currency)
	}
	return []string{
		p.ReceivedAt.In(zone).Format(clockLayout), amount,
		starred(paymentWord(p), p.State.Final() && p.Delivered != p.Rev), cut(p.Register), p.ID,
	}
}

// cut shortens a register's name to what a list has room for; -json has it whole.
func cut(register string) string {
	const most = 16
	if len(register) > most {
		return register[:most-2] + ".."
	}
	return register
}

func starred(word string, star bool) string {
	if star {
		return word + " *"
	}
	return word
}

// paymentWord is a payment's state in a few words.
func paymentWord(p queue.Payment) string {
	switch {
	case p.State == queue.Paid:
		return map[queue.RefundStatus]string{
			"": "paid", queue.RefundPending: "paid, going back", queue.RefundSuccess: "paid, given back", queue.RefundFailed: "paid, NOT given back",
		}[p.Reversal]
	case p.State == queue.Failed:
		return "not paid"
	case p.State == queue.Cancelled:
		return "cancelled"
	case p.InDoubt:
		return "IN DOUBT"
	case !p.AbortAt.IsZero():
		return "being cancelled"
	}
	return "under way"
}

func refundWord(r queue.Refund) string {
	switch r.State {
	case queue.Refunded:
		return "refunded"
	case queue.RefundRefused:
		return "NOT refunded"
	case queue.RefundWaiting:
		return "refund waits"
	}
	return "refund under way"
}

// columns sets rows under their headings, the last column free: where a row is too
// wide for the screen its last cell goes to a line of its own.
func columns(rows [][]string) string {
	last := len(rows[0]) - 1
	widths := make([]int, last)
	for _, row := range rows {
		for i := range last {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	text := ""
	for _, row := range rows {
		line := ""
		for i := range last {
			line += row[i] + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(row[i])+2)
		}
		if utf8.RuneCountInString(line+row[last]) > screenWidth {
			line = strings.TrimRight(line, " ") + "\n    "
		}
		text += strings.TrimRight(line+row[last], " ") + "\n"
	}
	return text
}

// fold breaks a text into lines of at most width characters between words; what the
// lines after the first begin with is not counted. A word longer than a line stays
// whole.
func fold(text string, width int, indent string) string {
	out, line, start := "", "", ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			out += start + line + "\n"
			line, start = word, indent
		default:
			line += " " + word
		}
	}
	return out + start + line + "\n"
}
