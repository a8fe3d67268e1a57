package device

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// shedder is a state that can be made shorter. shed leaves out one member more
// and reports whether there was one to leave out: first the receipt, which
// register-link §3 names, then, in lines agreed so short that it still does not
// fit, what can be asked for or done without. What is left after the last step
// fits the shortest maxBody there is.
type shedder interface{ shed(step int) bool }

func (s *PaymentState) shed(step int) bool {
	switch step {
	case 0:
		s.ReceiptOmitted = s.PaymentReceipt != nil
		s.PaymentReceipt = nil
	case 1:
		s.AcquirerResult = s.AcquirerResult.withoutMessage()
	case 2:
		s.Display = nil
	case 3:
		s.AcquirerResult = nil
	case 4:
		s.PaymentTime = ""
	case 5:
		s.PaymentID = ""
	default:
		return false
	}
	return true
}

func (s *RefundState) shed(step int) bool {
	switch step {
	case 0:
		s.AcquirerResult = s.AcquirerResult.withoutMessage()
	case 1:
		s.Display = nil
	case 2:
		s.AcquirerResult = nil
	case 3:
		s.RefundTime = ""
	case 4:
		s.PaymentID = ""
	default:
		return false
	}
	return true
}

func (r *Result) withoutMessage() *Result {
	if r == nil {
		return nil
	}
	return &Result{ResultStatus: r.ResultStatus, ResultCode: r.ResultCode}
}

// displayed is a copy of a state whose display fits a register's. There must be
// one.
func displayed(s State) shedder {
	if s.Refund != nil {
		told := *s.Refund
		told.Display = fitDisplay(told.Display)
		return &told
	}
	told := *s.Payment
	told.Display = fitDisplay(told.Display)
	return &told
}

// fitDisplay cuts texts to two lines of twenty characters (register-link §3).
func fitDisplay(lines []string) []string {
	var fitting []string
	for _, line := range lines[:min(len(lines), mostDisplayLines)] {
		columns := []rune(line)
		fitting = append(fitting, string(columns[:min(len(columns), mostDisplayColumns)]))
	}
	return fitting
}

// escapeBeyondASCII writes what is not printable ASCII as \uXXXX. In JSON text
// that stands only inside strings.
func escapeBeyondASCII(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r >= rune(firstPrintable) && r <= rune(lastPrintable):
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
