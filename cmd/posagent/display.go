package main

import (
	"fmt"
	"strconv"
	"strings"

	"posagent/queue"
)

// displayWidth is the width of a customer display's line (register-link §3).
const displayWidth = 20

// display is what the cashier reads: at most two lines of twenty characters that
// say where the money is.
func display(p queue.Payment) []string {
	amount := money(p.AmountMinor, p.Currency)
	switch {
	case p.NeverPaid():
		return []string{"CANCELLED"}
	case p.State == queue.Paid:
		return displayPaid(p, amount)
	case p.State == queue.Failed:
		return []string{"NOT PAID", amount}
	case p.State == queue.Cancelled:
		return []string{"CANCELLED", amount}
	case p.InDoubt:
		return []string{"OUTCOME NOT KNOWN", "DO NOT CHARGE AGAIN"}
	case !p.AbortAt.IsZero():
		return []string{amount, "BEING CANCELLED"}
	case p.Pending:
		return []string{amount, "BEING CONFIRMED"}
	}
	return []string{amount, "PLEASE WAIT"}
}

// displayPaid says what became of the money of a payment whose abort came too
// late: it is taken, and given back.
func displayPaid(p queue.Payment, amount string) []string {
	switch p.Reversal {
	case queue.RefundPending:
		return []string{"BEING GIVEN BACK", amount}
	case queue.RefundSuccess:
		return []string{"PAID AND GIVEN BACK", amount}
	case queue.RefundFailed:
		return []string{"PAID, NOT GIVEN BACK", amount}
	}
	return onDisplay("PAID", amount)
}

// displayRefund is what the cashier reads of a refund.
func displayRefund(f queue.Refund) []string {
	amount := money(f.AmountMinor, f.Currency)
	switch f.State {
	case queue.Refunded:
		return onDisplay("REFUNDED", amount)
	case queue.RefundRefused:
		return []string{"NOT REFUNDED", amount}
	}
	return []string{"REFUND UNDER WAY", amount}
}

// onDisplay puts a word and an amount on one line where they fit.
func onDisplay(word, amount string) []string {
	if line := word + " " + amount; len(line) <= displayWidth {
		return []string{line}
	}
	return []string{word, amount}
}

// money writes an amount with the decimals of its currency: "SGD 10.50".
func money(minor int64, currency string) string {
	places := decimals(currency)
	digits := strconv.FormatInt(minor, 10)
	if places == 0 {
		return currency + " " + digits
	}
	if short := places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	cut := len(digits) - places
	return fmt.Sprintf("%s %s.%s", currency, digits[:cut], digits[cut:])
}

// decimals is how many digits of a currency's minor unit stand after the point
// (ISO 4217, list one).
func decimals(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}
