package antom

import (
	"errors"
	"fmt"
	"strings"
)

// What an Error wraps where a caller may branch on it.
var (
	// ErrRequest: the request breaks a limit of the API; the message names the
	// field. Nothing was sent.
	ErrRequest = errors.New("request refused before sending")
	// ErrClock: our clock stands before Options.NotBefore. Nothing was sent.
	ErrClock = errors.New("the clock is too wrong to sign")
	// ErrSignature: an answer came without a valid signature of Antom's.
	// Somebody else may be answering, or the keys are mixed up: raise an alarm.
	ErrSignature = errors.New("no valid signature")
	// ErrUnsigned: the kind of ErrSignature where there was none at all. A gateway
	// that could not verify ours may answer so, and so does whatever is no gateway.
	ErrUnsigned = errors.New("unsigned")
	// ErrMisfit: a signed answer to another question or to another terminal.
	// It may have been replayed: raise an alarm.
	ErrMisfit = errors.New("the answer does not fit the question")
	// ErrStale: a signed answer older than its question. It may have been
	// replayed, or a clock is wrong: raise an alarm.
	ErrStale = errors.New("the answer is older than the question")
	// ErrDecrypt: a signed answer that is not encrypted as agreed.
	ErrDecrypt = errors.New("the answer cannot be decrypted")
	// ErrCipher: the kind of ErrDecrypt where the message key was for us, and the body
	// does not open under it: Options.Cipher is not the gateway's.
	ErrCipher = errors.New("its key is for us, its body is encrypted in another way")
	// ErrMalformed: not one JSON object with a result, or too long.
	ErrMalformed = errors.New("not an answer")
	// ErrHTTPStatus: a 5xx, a redirect or the like instead of an answer.
	ErrHTTPStatus = errors.New("not an answer: HTTP status")
)

// Error is the error of every call: Antom's word was not heard. It says nothing
// about what became of the payment.
type Error struct {
	Op         string // the call in Antom's spelling, as "pay"
	Sent       bool   // false: provably no byte of the request left. true: it may have arrived
	HTTPStatus int    // 0 where no response came
	Err        error  // the cause, for errors.Is and errors.As

	// What a response without trust said, for the log only: anyone on the
	// network may have written it. Shortened to the lengths Antom promises.
	UntrustedStatus, UntrustedCode, UntrustedText string
}

// Error says the call, whether the request may have left, and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("antom " + e.Op + ", ")
	if e.Sent {
		b.WriteString("may have arrived: ")
	} else {
		b.WriteString("not sent: ")
	}
	b.WriteString(e.Err.Error())
	if e.UntrustedStatus+e.UntrustedCode+e.UntrustedText != "" {
		fmt.Fprintf(&b, " (unverified, it says %q %q %q)", e.UntrustedStatus, e.UntrustedCode, e.UntrustedText)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// hearUntrusted notes what a body without trust says about itself.
func (e *Error) hearUntrusted(body []byte) {
	o, err := parseObject(body)
	if err != nil {
		return
	}
	result, ok := o.object("result")
	if !ok {
		return
	}
	e.UntrustedStatus = clip(result.text("resultStatus"), 8)
	e.UntrustedCode = clip(result.text("resultCode"), 64)
	e.UntrustedText = clip(result.text("resultMessage"), 256)
}

// clip shortens s to at most n characters.
func clip(s string, n int) string {
	seen := 0
	for at := range s {
		if seen == n {
			return s[:at]
		}
		seen++
	}
	return s
}
